"""Putting the compiled pipeline together: step configs, fingerprints, the manifest's bytes.

The fingerprint is the SHA-256 over the canonical JSON of `fingerprints`, which has one entry a
part: `pipeline` (all of the manifest but fingerprints and params; the SHA-256 of every step's
config is in it), `params` (their values), `connections` (the described connections in use),
`components` (the JSON Schema of every component in use, without titles and descriptions) and
`compiler` (its version). Comments, order of keys, quoting and formatting of the source are in none
of them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from osiris.compiler.canonical import canonical_json, fingerprint, yaml_text
from osiris.compiler.step_check import CheckedStep
from osiris.compiler.step_graph import Links, topological_order
from osiris.core.compiled import CompiledPipeline
from osiris.core.manifest import FORMAT, Manifest, Step
from osiris.core.placeholders import placeholders
from osiris.core.step_config import sha256_hex
from osiris.version import VERSION

OML_VERSION = "0.1.0"
_HEADER = "# Compiled by osiris. The fingerprint covers every value: edit the pipeline, not this.\n"


def compiled_pipeline(
    name: str,
    description: str | None,
    params: Mapping[str, Any],
    steps: Iterable[CheckedStep],
    links: Mapping[str, Links],
    specifications: Mapping[str, Any],
) -> CompiledPipeline:
    """Return the compiled form of a pipeline in which no mistake was found.

    `specifications` maps the name of each component in use to what it accepts.
    """
    by_id = {step.source.id: step for step in steps}
    ordered = [(step_id, by_id[step_id]) for step_id in topological_order(links)]
    configs = {step_id: _config(step_id, step) for step_id, step in ordered}
    cfgs = {step_id: canonical_json(config) + b"\n" for step_id, config in configs.items()}
    content = {
        "osiris_manifest": FORMAT,
        "name": name,
        "description": description,
        "oml_version": OML_VERSION,
        "params": dict(sorted(params.items())),
        "variables": _variables(configs.values()),
        "steps": [
            _step(step_id, step, links[step_id], sha256_hex(cfgs[step_id]))
            for step_id, step in ordered
        ],
    }
    manifest = Manifest.model_validate({**content, "fingerprint": "", "fingerprints": {}})
    parts = content_fingerprints(manifest)
    parts["connections"] = fingerprint(
        {c["ref"]: c["fields"] for config in configs.values() if (c := config["connection"])}
    )
    parts["components"] = fingerprint(specifications)
    parts["compiler"] = fingerprint(VERSION)
    parts = dict(sorted(parts.items()))
    manifest = manifest.model_copy(
        update={"fingerprint": fingerprint(parts), "fingerprints": parts}
    )
    return CompiledPipeline(manifest, manifest_bytes(manifest), cfgs)


def content_fingerprints(manifest: Manifest) -> dict[str, str]:
    """Return the fingerprints that follow from a manifest alone: of its pipeline and its params."""
    content = manifest.model_dump(mode="json", exclude_defaults=True)
    params = content.pop("params", {})
    for name in ("fingerprint", "fingerprints"):
        content.pop(name, None)
    return {"pipeline": fingerprint(content), "params": fingerprint(params)}


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the contents of `manifest.yaml`; what has its default value is left out."""
    data = manifest.model_dump(mode="json", exclude_defaults=True)
    first = {"osiris_manifest": FORMAT, "name": data.pop("name")}
    steps = [dict(step.items()) for step in data.pop("steps")]
    return (_HEADER + yaml_text({**first, **data, "steps": steps})).encode()


def _config(step_id: str, step: CheckedStep) -> dict[str, Any]:
    connection = step.connection
    return {
        "id": step_id,
        "component": step.source.component,
        "mode": step.source.mode,
        "config": step.config,
        "connection": {"ref": connection.ref, "fields": connection.fields} if connection else None,
    }


def _step(step_id: str, step: CheckedStep, links: Links, cfg_sha256: str) -> Step:
    source = step.source
    return Step.model_validate(
        {
            "id": step_id,
            "component": source.component,
            "mode": source.mode,
            "inputs": links.inputs,
            "after": links.after,
            "retry": source.retry,
            "timeout": source.timeout,
            "cfg_sha256": cfg_sha256,
        }
    )


def _variables(configs: Iterable[dict[str, Any]]) -> dict[str, bool]:
    """Return the variables used: whether each must be set, because some use has no default."""
    found: dict[str, bool] = {}
    for config in configs:
        for name, default in placeholders([config["config"], config["connection"]]):
            found[name] = found.get(name, False) or default is None
    return dict(sorted(found.items()))
