"""Standard error as lines of JSON, for a program that reads it: every line is an object then."""

import json
import logging
import time


class _Mode:
    json = False


def speak_json(*, on: bool = True) -> None:
    """Make every line on stderr from now on an object, or a line for people again."""
    _Mode.json = on


def speaks_json() -> bool:
    """Tell whether every line on stderr is an object."""
    return _Mode.json


def json_line(kind: str, data: dict[str, object], ts: float | None = None) -> str:
    """Return `{"ts", "type", …}` without its line end, in ASCII: no locale can spoil it."""
    from osiris.core.record_files import (  # noqa: PLC0415 - start-up: every command imports this module
        iso_time,
    )

    when = iso_time(time.time() if ts is None else ts)
    return json.dumps({"ts": when, "type": kind, **data}, default=str, separators=(",", ":"))


def level_name(level: int) -> str:
    """Return a level of `logging` as lines of JSON name it: `warning`."""
    return logging.getLevelName(level).lower()
