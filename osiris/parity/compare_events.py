"""Comparing events: each step's sequence, the run's own, and every field that may not differ.

The order between two steps is chance where steps overlap, so it does not count.
"""

from collections import Counter

from osiris.core import events as ev
from osiris.parity.aspects import Aspect
from osiris.parity.comparison import Findings
from osiris.parity.event_log import EventLog, Happening, comparable, event_log
from osiris.parity.evidence import Evidence
from osiris.parity.leaves import differing, dotted

Key = tuple[str, int]
"""An event's name, and how many of that name there were before it in the same group."""

_HOST = frozenset({ev.ArtifactPublished.name, ev.ArtifactPublishFailed.name})
"""Events of steps that the host emits once it has the file, whatever the engine does meanwhile."""
_SEVERAL = 3
_RUN = "run"


def compare_events(a: Evidence, b: Evidence, findings: Findings) -> None:
    """Compare the events of two runs."""
    name = a.layout.events.name
    findings.unsound(Aspect.EVENT_COUNT, name, a.events.problem, b.events.problem)
    one, other = comparable(event_log(a), event_log(b))
    _show(one, other, findings)
    _compare_counts(one, other, findings)
    causes = one.not_done() & other.not_done()
    in_order = {
        step: _Group(step, one, other, findings).compare(causes)
        for step in dict.fromkeys((None, *one.groups, *other.groups))
    }
    if in_order.pop(None):
        steps = [str(step) for step, kept in in_order.items() if kept]
        _compare_phases(steps, one, other, findings)


class _Group:
    """The events of one step, or of the run as a whole, in both runs."""

    def __init__(self, step: str | None, a: EventLog, b: EventLog, findings: Findings) -> None:
        self._label = _RUN if step is None else f"step {step}"
        self._order = Aspect.RUN_EVENTS if step is None else Aspect.STEP_EVENTS
        self._a, self._b = _keyed(a, step), _keyed(b, step)
        self._findings = findings

    def compare(self, causes: set[str]) -> bool:
        """Compare presence, fields and order; return whether both have the same in one order."""
        for key in dict.fromkeys((*self._a, *self._b)):
            one, other = self._a.get(key), self._b.get(key)
            if one is None or other is None:
                event = one or other
                if event is not None:
                    texts = [None if it is None else str(it) for it in (one, other)]
                    self._findings.differs(event.aspect, self._where(key), texts[0], texts[1])
            else:
                self._compare_fields(key, one, other, causes)
        return self._compare_order()

    def _compare_fields(self, key: Key, a: Happening, b: Happening, causes: set[str]) -> None:
        for path, one, other in differing(a.data, b.data):
            is_cause = a.name == ev.StepSkipped.name and path == ("because",)
            if is_cause and {one, other} <= causes:
                continue  # it needed both, and both came to nothing: which one first is chance
            self._findings.differs(a.aspect, f"{self._where(key)}: {dotted(path)}", one, other)

    def _compare_order(self) -> bool:
        one = [key for key in self._a if key in self._b]
        other = [key for key in self._b if key in self._a]
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            if left != right:
                texts = (_names(one[index:]), _names(other[index:]))
                self._findings.differs(self._order, f"{self._label}: order of events", *texts)
                return False
        return len(one) == len(self._a) == len(self._b)

    def _where(self, key: Key) -> str:
        name, before = key
        return f"{self._label}: {name}" + (f" no. {before + 1}" if before else "")


def _keyed(log: EventLog, step: str | None) -> dict[Key, Happening]:
    """Return the events of a group in their order, each under its name and number."""
    seen: Counter[str] = Counter()
    found = {}
    for event in log.groups.get(step, ()):
        found[event.name, seen[event.name]] = event
        seen[event.name] += 1
    return found


def _names(keys: list[Key]) -> str:
    more = ", …" if len(keys) > _SEVERAL else ""
    return ", ".join(name for name, _ in keys[:_SEVERAL]) + more


def _compare_counts(a: EventLog, b: EventLog, findings: Findings) -> None:
    one, other = (Counter(event.name for event in log.events) for log in (a, b))
    for name in dict.fromkeys((*one, *other)):
        if one[name] != other[name]:
            texts = (str(one[name]), str(other[name]))
            findings.differs(Aspect.EVENT_COUNT, f"number of {name}", *texts)


def _compare_phases(steps: list[str], a: EventLog, b: EventLog, findings: Findings) -> None:
    """Compare after which event of the run as a whole each event of the steps comes."""
    phases_a, phases_b = _phases(a), _phases(b)
    for step in steps:
        for name, one, other in zip(_engine(a, step), phases_a[step], phases_b[step], strict=True):
            if one != other:
                where = f"step {step}: {name} comes after"
                findings.differs(Aspect.STEP_EVENTS, where, one, other)
                break


def _engine(log: EventLog, step: str) -> list[str]:
    """Return the names of a step's events that the engine emitted, or the host before it ran."""
    return [event.name for event in log.groups[step] if event.name not in _HOST]


def _phases(log: EventLog) -> dict[str, list[str | None]]:
    """Return the name of the run's last event before each of `_engine`, by step."""
    found: dict[str, list[str | None]] = {step: [] for step in log.groups if step is not None}
    last: str | None = None
    for event in log.events:
        if event.step is None:
            last = event.name
        elif event.name not in _HOST:
            found[event.step].append(last)
    return found


_NOUNS: dict[Aspect, tuple[type[ev.Event], str]] = {
    Aspect.CONFIG_LOADING: (ev.CfgOpened, "opened"),
    Aspect.CONFIG_PASS: (ev.InputsResolved, "steps"),
    Aspect.CONNECTION_RESOLUTION: (ev.ConnectionResolveComplete, "resolved"),
}


def _show(a: EventLog, b: EventLog, findings: Findings) -> None:
    """Say in few words what each run has of the aspects that are all events."""
    for aspect, (kind, noun) in _NOUNS.items():
        findings.shows(aspect, f"{a.count(kind)} {noun}", f"{b.count(kind)} {noun}")
    for aspect in (Aspect.RUN_EVENTS, Aspect.STEP_EVENTS, Aspect.CONFIG_EVENTS):
        findings.shows(aspect, *(_amount(log, aspect) for log in (a, b)))
    findings.shows(Aspect.EVENT_COUNT, *(f"{len(log.events)} events" for log in (a, b)))
    findings.shows(Aspect.DRIVER_REGISTRY, *(_drivers(log) for log in (a, b)))
    findings.shows(Aspect.STEP_FAILURE, *(_failures(log) for log in (a, b)))


def _amount(log: EventLog, aspect: Aspect) -> str:
    return f"{sum(event.aspect is aspect for event in log.events)} events"


def _drivers(log: EventLog) -> str:
    registered = [event for event in log.events if event.name == ev.DriversRegistered.name]
    return f"{sum(path[:1] == ('drivers',) for event in registered for path in event.data)} drivers"


def _failures(log: EventLog) -> str:
    failed, skipped = log.count(ev.StepFailed), log.count(ev.StepSkipped)
    return f"{failed} failed, {skipped} skipped" if failed or skipped else "no step failed"
