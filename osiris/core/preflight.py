"""All that can be checked before a step runs, and the run's own copies of its inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from osiris.core import events as ev
from osiris.core.atomic_file import replace_bytes
from osiris.core.compiled import CompiledPipeline
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    ManifestError,
    MissingVariableError,
    OsirisError,
    UnwritableOutputError,
)
from osiris.core.manifest import Step
from osiris.core.publish_target import PublishTarget, changed_file, publish_target
from osiris.core.session import SessionContext
from osiris.core.step_config import StepConfig, secrets_of, sha256_hex
from osiris.core.writable import why_unwritable

_NAMED = 3
"""Steps that are named at most."""


@dataclass
class Preflight:
    """What a run needs, found; `errors` are all that is missing.

    `configs` by step id, `variables` the values of exactly the variables used, `outputs` the
    absolute path (or the object) where each step's file is to be published, `missing` by the name
    of a variable that is not set the steps that need it.
    """

    configs: dict[str, StepConfig] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, PublishTarget] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    errors: list[OsirisError] = field(default_factory=list)


def materialize(compiled: CompiledPipeline, session: SessionContext) -> None:
    """Copy the manifest and the cfg files that are there into the run directory, byte for byte."""
    layout = session.layout
    replace_bytes(layout.manifest, compiled.manifest_bytes)
    session.log_event(
        ev.ManifestMaterialized(
            path=layout.relative(layout.manifest),
            bytes=len(compiled.manifest_bytes),
            sha256=sha256_hex(compiled.manifest_bytes),
        )
    )
    for step in compiled.manifest.steps:
        data = compiled.cfgs.get(step.id)
        if data is not None:
            replace_bytes(layout.root / step.cfg_path, data)
            session.log_event(
                ev.CfgMaterialized(
                    step_id=step.id, path=step.cfg_path, bytes=len(data), sha256=sha256_hex(data)
                )
            )


def preflight(
    compiled: CompiledPipeline,
    *,
    env: Mapping[str, str],
    project: Path,
    session: SessionContext,
) -> Preflight:
    """Check everything and record the result; raise the first error when anything is missing."""
    registry = DriverRegistry()
    found = examine(compiled, env=env, project=project, registry=registry)
    session.masker.add(_secrets(found, registry, env))
    if found.errors:
        messages = [error.message for error in found.errors]
        session.log_event(ev.PreflightValidationError(errors=messages))
        raise _combined(found.errors)
    session.log_event(
        ev.PreflightValidationSuccess(
            cfg_files=len(found.configs), variables=sorted(found.variables)
        )
    )
    return found


def examine(
    compiled: CompiledPipeline, *, env: Mapping[str, str], project: Path, registry: DriverRegistry
) -> Preflight:
    """Check everything and return what was found, what is missing included; records nothing."""
    found = Preflight()
    for step in compiled.manifest.steps:
        try:
            _check_step(step, compiled, env, project, registry, found)
        except OsirisError as error:
            found.errors.append(error)
    found.errors[:0] = _missing_variables(found)
    return found


def _missing_variables(found: Preflight) -> list[OsirisError]:
    """Return an error for each variable that is not set; the steps that need it are named once."""
    names = list(found.missing)
    them = "it" if len(names) == 1 else "them"
    setting = " ".join(f"{name}=…" for name in names)
    return [
        MissingVariableError(
            f"environment variable {name} is not set; {_named(steps)} it",
            hint=f"export {setting}, or put {them} into the project's .env file",
        )
        for name, steps in found.missing.items()
    ]


def _named(steps: list[str]) -> str:
    """Return `step 'a' needs`, or `steps 'a', 'b', 'c' and 2 more need`."""
    if len(steps) == 1:
        return f"step {steps[0]!r} needs"
    *first, last = [*map(repr, steps[:_NAMED]), f"{len(steps) - _NAMED} more"][: len(steps)]
    return f"steps {', '.join(first)} and {last} need"


def _check_step(
    step: Step,
    compiled: CompiledPipeline,
    env: Mapping[str, str],
    project: Path,
    registry: DriverRegistry,
    found: Preflight,
) -> None:
    config = _config(step, compiled)
    component = registry.component(step.component)
    found.configs[step.id] = config
    for name, default in config.variables().items():
        value = env.get(name)
        if value:
            found.variables[name] = value
        elif default is None:
            found.missing.setdefault(name, []).append(step.id)
    if any(step.id in steps for steps in found.missing.values()):
        return  # the rest may depend on the variable
    target = publish_target(config, component, env, project)
    if target is not None:
        _check_output(step.id, target, found)
    changed = changed_file(config, component, env, project)
    if changed is not None:
        _check_writable(step.id, changed, "change")


def _config(step: Step, compiled: CompiledPipeline) -> StepConfig:
    data = compiled.cfgs.get(step.id)
    beside = compiled.source.parent if compiled.source else Path()
    if data is None:
        raise ManifestError(
            f"step {step.id!r}: {beside / step.cfg_path} is missing",
            hint="compile the pipeline again: `osiris compile PIPELINE`",
        )
    if sha256_hex(data) != step.cfg_sha256:
        raise ManifestError(
            f"step {step.id!r}: {beside / step.cfg_path} is not the file that was compiled",
            hint="cfg files are not edited by hand; change the pipeline and compile it again",
        )
    try:
        return StepConfig.from_bytes(data)
    except ValidationError as error:
        raise ManifestError(
            f"step {step.id!r}: {beside / step.cfg_path} is damaged: {error.errors()[0]['msg']}",
            hint="compile the pipeline again: `osiris compile PIPELINE`",
        ) from None


def _check_output(step_id: str, path: PublishTarget, found: Preflight) -> None:
    other = next((step for step, taken in found.outputs.items() if taken == path), None)
    if other is not None:
        raise ManifestError(
            f"steps {other!r} and {step_id!r} both publish {path}",
            hint="give one of them another path",
        )
    found.outputs[step_id] = path
    if isinstance(path, Path):
        _check_writable(step_id, path, "publish")


def _check_writable(step_id: str, path: Path, what: str) -> None:
    reason = why_unwritable(path)
    if reason is not None:
        raise UnwritableOutputError(
            f"step {step_id!r} cannot {what} {path}: {reason}",
            hint="make the directory writable or give the step another path",
        )


def _secrets(found: Preflight, registry: DriverRegistry, env: Mapping[str, str]) -> list[str]:
    values: list[str] = []
    for config in found.configs.values():
        values += secrets_of(config, registry.component(config.component), env)
    return values


def _combined(errors: list[OsirisError]) -> OsirisError:
    """Return one error of the first one's class that tells all."""
    first = errors[0]
    if len(errors) == 1:
        return first
    lines = "".join(f"\n  - {error.message}" for error in errors)
    return type(first)(f"{len(errors)} things are missing:{lines}", hint=first.hint)
