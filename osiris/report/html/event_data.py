"""The events of a run as the page's script takes them: packed, so that 100,000 are 2 MB."""

import base64
import gzip
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from osiris.core.record_lines import seconds

_MOST: Final = 200_000
_LONGEST: Final = 20_000


@dataclass(frozen=True)
class EventData:
    """The packed events, how many they are, and how many earlier ones were left out."""

    packed: str
    count: int
    left_out: int


def pack_events(records: Iterable[dict[str, Any]]) -> EventData:
    """Pack records: gzip in base64 of `{"start", "names", "steps", "events"}`.

    An event is `[milliseconds since the start, name, step, other members as JSON]`, the name and
    the step as numbers of `names` and `steps` (-1 for no step). Of many the last are kept.
    """
    rows: deque[list[Any]] = deque(maxlen=_MOST)
    names: dict[str, int] = {}
    steps: dict[str, int] = {}
    start: float | None = None
    count = 0
    for record in records:
        count += 1
        ts = seconds(record.get("ts"))
        start = ts if start is None else start
        offset = 0.0 if ts is None or start is None else round((ts - start) * 1e3, 3)
        name = names.setdefault(str(record.get("event")), len(names))
        step = record.get("step_id")
        number = steps.setdefault(step, len(steps)) if isinstance(step, str) else -1
        rows.append([offset, name, number, _rest(record)])
    data = {"start": start, "names": list(names), "steps": list(steps), "events": list(rows)}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    packed = gzip.compress(text.encode("utf-8", "backslashreplace"), compresslevel=6, mtime=0)
    return EventData(base64.b64encode(packed).decode(), count, count - len(rows))


def _rest(record: dict[str, Any]) -> str:
    rest = {k: v for k, v in record.items() if k not in {"ts", "session", "event", "step_id"}}
    text = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))[1:-1]
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
