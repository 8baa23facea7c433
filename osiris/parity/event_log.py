"""A run's events without what may differ between two runs, sorted by what they happened to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from osiris.core import events as ev
from osiris.parity.aspects import Aspect, owner
from osiris.parity.evidence import Evidence
from osiris.parity.leaves import Leaves, dotted, leaves, quoted
from osiris.parity.may_differ import EVENT_FIELDS, TRANSPORT, any_of_kind, without_stamp

_NOT_DONE = {ev.StepFailed.name, ev.StepSkipped.name}
_NAMELESS = "?"


@dataclass(frozen=True)
class Happening:
    """One event; `step` is None for one of the run as a whole."""

    name: str
    step: str | None
    data: Leaves

    @property
    def aspect(self) -> Aspect:
        """The aspect the event belongs to."""
        return owner(self.name, of_step=self.step is not None)

    def __str__(self) -> str:
        fields = (f"{dotted(path)}={leaf.text}" for path, leaf in self.data.items())
        return " ".join((self.name, *fields))


@dataclass(frozen=True)
class EventLog:
    """A run's events in the order of the file."""

    events: tuple[Happening, ...]

    @cached_property
    def groups(self) -> Mapping[str | None, list[Happening]]:
        """The events of each step, and under None those of the run as a whole."""
        found: defaultdict[str | None, list[Happening]] = defaultdict(list)
        for event in self.events:
            found[event.step].append(event)
        return found

    def count(self, kind: type[ev.Event]) -> int:
        """Return how many events of a kind there are."""
        return sum(event.name == kind.name for event in self.events)

    def not_done(self) -> set[str]:
        """Return the steps that failed or were skipped, as leaves show their names."""
        ended = (event.step for event in self.events if event.name in _NOT_DONE)
        return {quoted(step) for step in ended if step is not None}


def event_log(evidence: Evidence) -> EventLog:
    """Return the events of a run that another run of the same must have, too."""
    kept = (_happening(record, evidence) for record in evidence.events.items)
    return EventLog(tuple(event for event in kept if not event.name.startswith(TRANSPORT)))


def comparable(a: EventLog, b: EventLog) -> tuple[EventLog, EventLog]:
    """Return both logs without what is chance: how far a step came that both runs skipped.

    What both have of such a step's beginning stays.
    """
    one, other = _beginnings(a), _beginnings(b)
    both = one.keys() & other.keys()
    shared = {step: min(one[step], other[step]) for step in both}
    return _cut(a, shared), _cut(b, shared)


def _happening(record: dict[str, Any], evidence: Evidence) -> Happening:
    rest = without_stamp(record, evidence.side.session)
    name, step = rest.get("event"), rest.get("step_id")
    if isinstance(name, str):
        del rest["event"]
    else:
        name = _NAMELESS
    if isinstance(step, str):
        del rest["step_id"]
    else:
        step = None
    for field in EVENT_FIELDS.get(name, ()):
        if field in rest:
            rest[field] = any_of_kind(rest[field])
    return Happening(name, step, leaves(rest, evidence.own) if rest else {})


def _is_beginning(event: Happening) -> bool:
    """Tell whether the engine did this to a step, as opposed to the host before it ran."""
    return event.step is not None and event.aspect is not Aspect.CONFIG_EVENTS


def _beginnings(log: EventLog) -> dict[str, int]:
    """Return, for each step that was skipped, how many events the engine had of it before."""
    found: dict[str, int] = {}
    seen: dict[str, int] = {}
    for event in log.events:
        if event.step is not None and _is_beginning(event):
            if event.name == ev.StepSkipped.name:
                found.setdefault(event.step, seen.get(event.step, 0))
            seen[event.step] = seen.get(event.step, 0) + 1
    return found


def _cut(log: EventLog, shared: dict[str, int]) -> EventLog:
    return EventLog(tuple(_kept(log.events, shared)))


def _kept(events: Iterable[Happening], shared: dict[str, int]) -> Iterator[Happening]:
    seen = dict.fromkeys(shared, 0)
    over: set[str] = set()
    for event in events:
        step = event.step
        if step in seen and step not in over and _is_beginning(event):
            if event.name == ev.StepSkipped.name:
                over.add(step)
            elif seen[step] >= shared[step]:
                continue
            seen[step] += 1
        yield event
