"""A figure: what was measured, what it is held against, and the bar it must keep to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A limit: `value` in `unit` must not be above it."""

    value: float
    unit: str

    def holds(self, measured: float) -> bool:
        """Whether a measured value keeps to the bar."""
        return measured <= self.value

    def __str__(self) -> str:
        return f"≤ {self.value:g} {self.unit}"


@dataclass(frozen=True)
class Floor:
    """A limit from below: `value` in `unit` must be above it."""

    value: float
    unit: str

    def holds(self, measured: float) -> bool:
        """Whether a measured value is above the floor."""
        return measured > self.value

    def __str__(self) -> str:
        return f"> {self.value:g} {self.unit}"


@dataclass(frozen=True)
class Figure:
    """One line of the report; `measured` is in the unit of the bar."""

    name: str
    measured: float
    bar: Bar | Floor
    detail: str

    def __str__(self) -> str:
        verdict = "held" if self.bar.holds(self.measured) else "MISSED"
        value = f"{self.measured:.3g} {self.bar.unit}"
        return f"| {self.name} | {value} | {self.bar} | {verdict} | {self.detail} |"


@dataclass(frozen=True)
class NotMeasured:
    """A line of the report for what could not be measured here, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"| {self.name} | – | – | not measured | {self.reason} |"


HEADER = "| figure | measured | bar | | beside |\n|---|---|---|---|---|"
