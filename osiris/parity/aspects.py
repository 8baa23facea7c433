"""What is compared, in the order of the table: sections and their aspects."""

from enum import Enum, StrEnum

from osiris.core import events as ev


class Section(StrEnum):
    """A group of aspects."""

    CONFIG = "config handling"
    EVENTS = "event flow"
    METRICS = "metrics"
    FILES = "file structure"
    DRIVERS = "driver execution"
    ERRORS = "error handling"


class Aspect(Enum):
    """One row of the table: its section, its title."""

    CONFIG_LOCATION = (Section.CONFIG, "config location")
    """Which pipeline the configs come from: its name and fingerprint."""
    CONFIG_MATERIALIZATION = (Section.CONFIG, "config materialization")
    """The bytes of each step's config in the run directory."""
    CONFIG_LOADING = (Section.CONFIG, "config loading")
    """The config that each step opened: path, SHA-256, names of its options."""
    EVENT_COUNT = (Section.EVENTS, "event count")
    """How many events of each name there are."""
    RUN_EVENTS = (Section.EVENTS, "run events")
    """The sequence of the events of the run as a whole, and their fields."""
    STEP_EVENTS = (Section.EVENTS, "step events")
    """The sequence of each step's events, and their fields."""
    CONFIG_EVENTS = (Section.EVENTS, "config events")
    """What was copied into the run directory and checked before the first step."""
    DATA_METRICS = (Section.METRICS, "data metrics")
    """Rows, bytes and values that were counted."""
    STEP_METRICS = (Section.METRICS, "step metrics")
    """Which steps have their times and sizes measured; the measures themselves vary."""
    STATUS = (Section.FILES, "status.json")
    """State, counts and each step's outcome."""
    MANIFEST = (Section.FILES, "manifest.yaml")
    """The bytes of the manifest."""
    CFG = (Section.FILES, "cfg/")
    """Which configs there are."""
    ARTIFACTS = (Section.FILES, "artifacts/")
    """Which files the steps made, and their bytes."""
    LOGS = (Section.FILES, "logs")
    """Whether the files of records and messages are there."""
    OTHER_FILES = (Section.FILES, "other files")
    """Whatever else is in the run directory."""
    DRIVER_REGISTRY = (Section.DRIVERS, "driver registry")
    """The class that drives each component, and the packages it needs."""
    CONFIG_PASS = (Section.DRIVERS, "config pass")
    """The component, mode and inputs that each driver was handed."""
    CONNECTION_RESOLUTION = (Section.DRIVERS, "connection resolution")
    """The connections that were filled in, and the variables for it."""
    STEP_FAILURE = (Section.ERRORS, "on step failure")
    """Which steps failed, with which error, were tried again, were skipped, and why."""
    STATUS_ON_ERROR = (Section.ERRORS, "status on error")
    """The errors and the exit code in status.json."""
    ERROR_LOCATION = (Section.ERRORS, "error location")
    """The logs in which each error's message stands."""

    @property
    def section(self) -> Section:
        """The group that the aspect belongs to."""
        return self.value[0]

    @property
    def title(self) -> str:
        """The aspect as the table names it."""
        return self.value[1]

    @property
    def id(self) -> str:
        """The aspect as documents name it: `config_location`."""
        return self.name.lower()


_OWNERS: dict[type[ev.Event], Aspect] = {
    ev.RunStart: Aspect.CONFIG_LOCATION,
    ev.ManifestMaterialized: Aspect.CONFIG_EVENTS,
    ev.CfgMaterialized: Aspect.CONFIG_EVENTS,
    ev.PreflightValidationSuccess: Aspect.CONFIG_EVENTS,
    ev.PreflightValidationError: Aspect.CONFIG_EVENTS,
    ev.CfgOpened: Aspect.CONFIG_LOADING,
    ev.DependencyCheck: Aspect.DRIVER_REGISTRY,
    ev.DriversRegistered: Aspect.DRIVER_REGISTRY,
    ev.StepStart: Aspect.CONFIG_PASS,
    ev.InputsResolved: Aspect.CONFIG_PASS,
    ev.ConnectionResolveStart: Aspect.CONNECTION_RESOLUTION,
    ev.ConnectionResolveComplete: Aspect.CONNECTION_RESOLUTION,
    ev.StepFailed: Aspect.STEP_FAILURE,
    ev.StepSkipped: Aspect.STEP_FAILURE,
    ev.StepRetry: Aspect.STEP_FAILURE,
    ev.ArtifactPublishFailed: Aspect.STEP_FAILURE,
}
_OWNER_BY_NAME = {cls.name: aspect for cls, aspect in _OWNERS.items()}


def event_owners(aspect: Aspect) -> list[str]:
    """Return the names of the events that belong to an aspect; nothing for where the rest does."""
    return [cls.name for cls, its in _OWNERS.items() if its is aspect]


def owner(event: str, *, of_step: bool) -> Aspect:
    """Return the one aspect that an event's presence and fields belong to."""
    return _OWNER_BY_NAME.get(event, Aspect.STEP_EVENTS if of_step else Aspect.RUN_EVENTS)
