"""The reference of events: each class, when it happens, what it tells."""

from dataclasses import fields
from typing import get_args

from osiris.core.events import Event, event_classes
from tools.docs.markdown import code, page, prose, table
from tools.docs.package import in_source_order

_INTRODUCTION = """
`events.jsonl` holds one JSON object a line. Each has `ts` (seconds since the epoch, UTC), `session`
(the run's id) and `event` (one of the names below), followed by the event's own fields. The order
of the lines is the order of the events.
"""


def render() -> str:
    """Write the page."""
    known = [cls for cls in event_classes().values() if cls.__module__.startswith("osiris.")]
    return page("Events", _INTRODUCTION, map(_section, in_source_order(known)))


def _section(event: type[Event]) -> str:
    own = [field for field in fields(event) if field.name != "ts"]
    rows = [(code(field.name), code(_type_name(field.type))) for field in own]
    shown = table(("field", "type"), rows) if rows else "No fields of its own."
    return f"## {event.name}\n\n{prose(event)}\n\n{shown}"


def _type_name(kind: object) -> str:
    # A generic such as list[str] is a type as well, and its name alone would lose what is in it.
    plain = isinstance(kind, type) and not get_args(kind)
    return getattr(kind, "__name__", "") if plain else str(kind).replace("typing.", "")
