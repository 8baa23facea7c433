"""Refusing steps that change a file of this machine in place: no sandbox has it."""

from collections.abc import Mapping

from osiris.components.component import TargetPath
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import RunEnvironmentError
from osiris.core.step_config import StepConfig


class UnreachableTargetError(RunEnvironmentError):
    """A step writes into a file of this machine, which is not where the steps would run."""

    code = "environment.unreachable_target"


def refuse_local_targets(configs: Mapping[str, StepConfig]) -> None:
    """Raise `UnreachableTargetError` for the first step with a field marked as `TargetPath`."""
    registry = DriverRegistry()
    for step_id, config in configs.items():
        for name, field in registry.component(config.component).config.model_fields.items():
            if any(isinstance(mark, TargetPath) for mark in field.metadata):
                raise UnreachableTargetError(
                    f"step {step_id!r} changes {config.config.get(name)} in place, a file of this "
                    "machine that a sandbox does not reach",
                    hint="run it here, without a sandbox; or write a file in its place with "
                    "filesystem.parquet_writer, which comes out of every sandbox",
                )
