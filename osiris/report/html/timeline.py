"""When each step ran: bars on one axis of time, so that overlap can be seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from osiris.core.record_lines import seconds
from osiris.report import amounts
from osiris.report.run_record import RunRecord, StepRecord

_TICKS: Final = 6
_NARROWEST: Final = 0.25


@dataclass(frozen=True)
class Bar:
    """A step's bar; `left` and `width` are percent of the axis, `tries` where it began anew."""

    step: StepRecord
    left: float
    width: float
    tries: tuple[float, ...]


@dataclass(frozen=True)
class Timeline:
    """The bars in the order in which the steps began, and the ticks: percent and label."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    busiest: int


def timeline(run: RunRecord, retries: Mapping[str, Iterable[float]]) -> Timeline | None:
    """Return the timeline of a run, None when nothing began.

    `retries` are the times (seconds since the epoch) at which a step's try failed.
    """
    spans = {step.id: span for step in run.steps if (span := _span(step, run)) is not None}
    if not spans:
        return None
    first = min(seconds(run.started_at) or float("inf"), *(begin for begin, _ in spans.values()))
    last = max(end for _, end in spans.values())
    whole = max(last - first, 1e-6)
    bars = [
        Bar(
            step,
            left=round((spans[step.id][0] - first) / whole * 100, 3),
            width=max(round((spans[step.id][1] - spans[step.id][0]) / whole * 100, 3), _NARROWEST),
            tries=tuple(round((t - first) / whole * 100, 3) for t in retries.get(step.id, ())),
        )
        for step in run.steps
        if step.id in spans
    ]
    bars.sort(key=lambda bar: bar.left)
    return Timeline(tuple(bars), _ticks(whole), _busiest(spans.values()))


def _span(step: StepRecord, run: RunRecord) -> tuple[float, float] | None:
    """Return when a step began and ended; one without an end lasts as long as the run."""
    begin = seconds(step.started_at)
    if begin is None:
        return None
    if step.duration_ms is not None:
        return begin, begin + max(step.duration_ms, 0) / 1e3
    started = seconds(run.started_at)
    end = begin if started is None else started + (run.duration_seconds or 0)
    return begin, max(begin, end)


def _ticks(whole: float) -> tuple[tuple[float, str], ...]:
    """Return ticks at round times: 1, 2 or 5 of a power of ten apart."""
    power = 1e-6
    steps = (power * 10**n * m for n in range(16) for m in (1, 2, 5))
    gap = next((step for step in steps if whole / step <= _TICKS), whole)
    count = int(whole / gap + 1e-9)
    return tuple((round(n * gap / whole * 100, 3), _label(n * gap)) for n in range(count + 1))


def _label(time: float) -> str:
    return "0" if not time else amounts.duration(time)


def _busiest(spans: Iterable[tuple[float, float]]) -> int:
    """Return how many steps ran at the same time at most."""
    changes = sorted([*((b, 1) for b, _ in spans), *((e, -1) for _, e in spans)])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
