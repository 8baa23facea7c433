"""Values of options that people write in words: points in time, and sizes.

Each function is the `callback` of a click option and raises click's usage error for nonsense.
"""

import re
import time
from datetime import datetime
from typing import Final

import click

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])")
_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def point_in_time(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return seconds since the epoch for an age (`90m`, `12h`, `7d`, `2w`) or a date.

    A date may have a time; both are local unless they name a zone.
    """
    if value is None:
        return None
    text = value.strip()
    if match := _AGO.fullmatch(text):
        return time.time() - float(match[1]) * _SECONDS[match[2]]
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        message = f"{text!r} is neither an age like 12h or 7d nor a date like 2026-01-31"
        raise click.BadParameter(message, ctx, param) from None


def size_in_bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return the bytes of a size such as `500MB` (10⁶), `2G` or `1.5GiB` (2³⁰)."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is not a size like 500MB or 2GiB", ctx, param)
    factor = 1024.0 if match[3] else 1000.0
    return round(float(match[1]) * factor ** _POWERS[match[2].lower()])
