"""Where steps run: what every step of an engine shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osiris.core.driver_registry import DriverRegistry
from osiris.core.layout import RunLayout
from osiris.core.printed import AroundThread
from osiris.core.run_options import StepOutputs


@dataclass(frozen=True)
class StepPlace:
    """The surroundings of a step.

    Attributes:
        layout: the run's directory.
        base_dir: directory that relative input paths refer to.
        env: values of the variables that the configs use.
        registry: the drivers.
        outputs: what is kept of tables.
        around_thread: makes a context for each thread that works for a step.

    """

    layout: RunLayout
    base_dir: Path
    env: Mapping[str, str]
    registry: DriverRegistry
    outputs: StepOutputs
    around_thread: AroundThread
