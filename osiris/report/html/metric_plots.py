"""Metrics as small plots: for each its values as bars, the largest first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from osiris.report import amounts
from osiris.report.run_record import mapping, real, text

_MOST: Final = 12
_WRITTEN: Final[dict[str, Callable[[float], str]]] = {
    "rows": amounts.rows,
    "bytes": amounts.size,
    "ms": lambda value: amounts.duration(value / 1e3),
    "s": amounts.duration,
}


@dataclass(frozen=True)
class Bar:
    """One value: whose, as text, and its length in percent of the longest."""

    label: str
    text: str
    width: float


@dataclass(frozen=True)
class Plot:
    """One metric: its bars, and how many more values there are."""

    name: str
    bars: tuple[Bar, ...]
    more: int


def plots(records: Iterable[dict[str, Any]]) -> tuple[Plot, ...]:
    """Return a plot for each metric in the order of their names."""
    values: dict[str, list[tuple[float, str, str]]] = {}
    for record in records:
        name, value = text(record, "metric"), real(record, "value")
        if name is not None and value is not None:
            unit = text(record, "unit") or ""
            values.setdefault(name, []).append((value, unit, _label(mapping(record, "tags"))))
    return tuple(_plot(name, values[name]) for name in sorted(values))


def _plot(name: str, values: list[tuple[float, str, str]]) -> Plot:
    ordered = sorted(values, key=lambda item: -item[0])
    longest = max(ordered[0][0], 0) or 1
    bars = tuple(
        Bar(label, _written(value, unit), round(max(value, 0) / longest * 100, 2))
        for value, unit, label in ordered[:_MOST]
    )
    return Plot(name, bars, len(ordered) - len(bars))


def _written(value: float, unit: str) -> str:
    write = _WRITTEN.get(unit)
    return write(value) if write else f"{value:,.12g} {unit}".strip()


def _label(tags: dict[str, Any]) -> str:
    step, source = tags.get("step"), tags.get("from")
    if step and source:
        return f"{source} → {step}"
    others = ", ".join(f"{key} {value}" for key, value in tags.items() if key != "step")
    return " ".join(str(part) for part in (step, others) if part) or "the run"
