"""Reading a manifest with suspicion: it may be damaged, edited by hand, or not ours at all."""

from pydantic import ValidationError

from osiris.compiler.canonical import fingerprint
from osiris.compiler.manifest_writer import content_fingerprints
from osiris.compiler.model_check import check_model
from osiris.compiler.problem import Report
from osiris.compiler.yaml_reader import Limits, read_yaml
from osiris.components.component import Mode
from osiris.core.errors import ManifestError
from osiris.core.manifest import FORMAT, Manifest, Step
from osiris.core.step_config import StepConfig, sha256_hex

MANIFEST_LIMITS = Limits(size=16 << 20, nodes=500_000, depth=20)
_AGAIN = "compile the pipeline again: osiris compile"


def parse_manifest(data: bytes, filename: str) -> Manifest:
    """Return the manifest in the bytes of a `manifest.yaml`.

    Raises `ManifestError` when they are no manifest, when the steps are not in an order in which
    they can run, and when a fingerprint does not fit the content.
    """
    report = Report()
    root = read_yaml(data, filename, report, limits=MANIFEST_LIMITS)
    if root is None or report.errors or root.node.mapping is None:
        first = next(iter(report.errors), "it holds no mapping")
        raise ManifestError(f"{filename} is no manifest: {first}", hint=_AGAIN)
    content = root.node.plain()
    if content.get("osiris_manifest") != FORMAT:
        raise ManifestError(
            f"{filename} is no manifest of format {FORMAT}, the one this version reads",
            hint="compile the pipeline with this version of osiris",
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        check_model(Manifest, content, root, what="a manifest")
        first = next(iter(report.errors), f"{error.error_count()} values are wrong")
        raise ManifestError(f"{filename} is damaged: {first}", hint=_AGAIN) from None
    _check_steps(manifest, filename)
    _check_fingerprints(manifest, filename)
    return manifest


def check_config(step: Step, data: bytes, filename: str) -> None:
    """Check that the bytes of a cfg file are those of a step; raise `ManifestError`."""
    if sha256_hex(data) != step.cfg_sha256:
        raise ManifestError(
            f"{filename} is not what was compiled: its SHA-256 differs from the manifest's",
            hint=_AGAIN,
        )
    try:
        config = StepConfig.from_bytes(data)
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ManifestError(f"{filename} is no step config: {what}", hint=_AGAIN) from None
    if (config.id, config.component, config.mode) != (step.id, step.component, step.mode):
        raise ManifestError(f"{filename} belongs to another step than {step.id!r}", hint=_AGAIN)


def _check_steps(manifest: Manifest, filename: str) -> None:
    """Check that every step comes after those it needs, which also means there is no cycle."""
    seen: dict[str, Mode] = {}
    for step in manifest.steps:
        wrong = None
        if step.id in seen:
            wrong = "is there twice"
        elif missing := [need for need in step.needs if need not in seen]:
            wrong = f"needs {missing[0]!r}, which does not come before it"
        elif any(seen[source] is Mode.WRITE for source in step.inputs.values()):
            wrong = "takes the table of a write step, which makes none"
        elif bool(step.inputs) is (step.mode is Mode.READ):
            wrong = f"is a {step.mode} step with {len(step.inputs)} inputs"
        if wrong:
            raise ManifestError(f"{filename} is damaged: step {step.id!r} {wrong}", hint=_AGAIN)
        seen[step.id] = step.mode


def _check_fingerprints(manifest: Manifest, filename: str) -> None:
    parts = manifest.fingerprints
    wrong = [name for name, own in content_fingerprints(manifest).items() if parts.get(name) != own]
    if wrong or fingerprint(parts) != manifest.fingerprint:
        what = f"its {wrong[0]}" if wrong else "a fingerprint"
        raise ManifestError(
            f"{filename} was changed after it was compiled: {what} does not fit the fingerprint",
            hint="change the pipeline instead, and compile it again",
        )
