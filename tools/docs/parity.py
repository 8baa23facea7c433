"""The reference of parity: every aspect that is compared, and all that may differ."""

from collections.abc import Iterable

from osiris.core.metrics import VARYING
from osiris.parity.aspects import Aspect, Section, event_owners
from osiris.parity.may_differ import (
    EVENT_FIELDS,
    STATUS_IDENTITY,
    STEP_TIMES,
    TRANSPORT,
    TRANSPORT_FILES,
)
from tools.docs.markdown import code, page, table
from tools.docs.metrics import meanings

_INTRODUCTION = """
`osiris parity RUN_A RUN_B` compares what two runs left behind in these aspects. Each difference is
told in the one aspect it belongs to; a missing or doubled event is told in the event count as well.
"""

_CHANCE = """
- The order between the events of different steps: steps overlap. The order within each step, within
  the events of the run as a whole, and between the two does not differ.
- How far a step came that both runs *skipped*: it may have begun in one and not in the other. What
  both have of it does not differ.
- Which of several failed steps is named as the cause why another was skipped.
- A run's own id, directory and project where they stand in texts, and addresses in memory.
- Empty directories. What the logs say, but for the messages of errors.
"""


def render() -> str:
    """Write the page."""
    return page("Parity", _INTRODUCTION, [*_sections(), _may_differ()])


def _sections() -> Iterable[str]:
    meaning = meanings(Aspect)
    for section in Section:
        rows = [
            (aspect.title, meaning[aspect.name], _events(aspect))
            for aspect in Aspect
            if aspect.section is section
        ]
        yield f"## {section.capitalize()}\n\n{table(('aspect', 'is', 'events'), rows)}"


def _events(aspect: Aspect) -> str:
    rest = aspect in {Aspect.RUN_EVENTS, Aspect.STEP_EVENTS}
    return "all others" if rest else _codes(event_owners(aspect))


def _may_differ() -> str:
    fields = [f"{name}.{field}" for name, listed in EVENT_FIELDS.items() for field in listed]
    rows = [
        ("members of every record and of `status.json`", _codes(["ts", "session"])),
        ("members of `status.json` alone", _codes(sorted(STATUS_IDENTITY))),
        ("members of a step in it", _codes(sorted(STEP_TIMES))),
        ("fields of events", _codes(sorted(fields))),
        ("events", f"those that begin with {code(TRANSPORT)}"),
        ("values of metrics", _codes(sorted(VARYING))),
        ("files", _codes(sorted(TRANSPORT_FILES))),
    ]
    return "\n\n".join(("## What may differ", table(("what", "which"), rows), _CHANCE.strip()))


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))
