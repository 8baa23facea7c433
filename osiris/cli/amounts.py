"""Rows, bytes and times as people read them: the same on a terminal as in a report."""

from osiris.report.amounts import duration, rows, size

__all__ = ["duration", "rows", "size"]
