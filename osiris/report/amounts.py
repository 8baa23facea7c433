"""Rows, bytes and times as people read them."""

_STEP = 1000.0
_MINUTE = 60


def rows(count: float | None) -> str:
    """Return `1,234,567`; `-` for no number."""
    return "-" if count is None else f"{count:,.0f}"


def size(count: float) -> str:
    """Return bytes in units of 1000: `12 B`, `1.2 kB`, `84.3 MB`."""
    if count < _STEP:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= _STEP
        if round(count, 1) < _STEP:
            return f"{count:.1f} {unit}"
    return f"{count / _STEP:.1f} TB"


def duration(seconds: float | None) -> str:
    """Return `12 ms`, `1.23 s`, `2m 05s`, `1h 02m`; `-` for no time."""
    if seconds is None:
        return "-"
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 2) < _MINUTE:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}h {minutes:02}m"
