"""Rows, bytes and times as people read them."""

_STEP = 1000.0
_MINUTE = 60
_HOUR = 3600


def rows(count: float | None) -> str:
    """Return `1,234,567`; `-` for no number."""
    return "-" if count is None else f"{count:,.0f}"


def size(count: float) -> str:
    """Return bytes in units of 1000: `12 B`, `1.2 kB`, `84.3 MB`."""
    if count < _STEP:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= _STEP
        if count < _STEP:
            return f"{count:.1f} {unit}"
    return f"{count / _STEP:.1f} TB"


def duration(seconds: float | None) -> str:
    """Return `12 ms`, `1.23 s`, `2m 05s`, `1h 02m`; `-` for no time."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.2f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f}m {seconds % _MINUTE:02.0f}s"
    return f"{seconds // _HOUR:.0f}h {seconds % _HOUR // _MINUTE:02.0f}m"
