"""The time of day of a record, where the person is."""

from datetime import datetime


def clock(ts: float) -> str:
    """Return `08:30:00` in local time for seconds since the epoch."""
    return datetime.fromtimestamp(ts).astimezone().strftime("%H:%M:%S")
