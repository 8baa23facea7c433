"""Where two files part ways: the first row and column of a table, else the first byte."""

from pathlib import Path
from typing import BinaryIO

from osiris.core.regular_file import UnusableFileError, open_regular_file
from osiris.parity.comparison import Place
from osiris.parity.csv_dialect_of import CsvDialect

_CHUNK = 1024 * 1024
_FAR = 256 * 1024 * 1024
"""Bytes before the difference in a CSV file from which the line is told, and not the row: rows
take seconds a hundred megabytes to count."""
_BEFORE = 24
_AFTER = 40


def first_difference(a: Path, b: Path, *, dialect: CsvDialect | None) -> Place | None:
    """Return where two files first differ; None when they do not, or one cannot be read.

    `dialect` is how both are written down when they are CSV. Memory is bounded, whatever the files
    hold.
    """
    try:
        with open_regular_file(a, follow=False) as one, open_regular_file(b, follow=False) as other:
            byte = first_byte(one, other)
            if byte is None or byte.byte is None:
                return None
            return _by_value(a, b, dialect, byte.byte) or byte
    except (OSError, UnusableFileError):
        return None


def _by_value(a: Path, b: Path, dialect: CsvDialect | None, before: int) -> Place | None:
    # pyarrow takes a tenth of a second to import, and runs that are the same never need it.
    if dialect is not None and before < _FAR:
        from osiris.parity.csv_difference import first_cell  # noqa: PLC0415 - start-up, see above

        return first_cell(a, b, dialect)
    if a.suffix == ".parquet":
        from osiris.parity.parquet_difference import first_value  # noqa: PLC0415 - start-up too

        return first_value(a, b)
    return None


def first_byte(a: BinaryIO, b: BinaryIO) -> Place | None:
    """Return where the bytes of two files first differ, as text where they are text."""
    a.seek(0)
    b.seek(0)
    offset, lines = 0, 1
    while True:
        one, other = a.read(_CHUNK), b.read(_CHUNK)
        if one == other:
            if not one:
                return None
            offset += len(one)
            lines += one.count(b"\n")
            continue
        pairs = enumerate(zip(one, other, strict=False))
        at = next((i for i, (x, y) in pairs if x != y), min(len(one), len(other)))
        lines += one[:at].count(b"\n")
        binary = b"\0" in one or b"\0" in other
        return Place(
            byte=offset + at,
            line=None if binary else lines,
            a=_excerpt(one, at, binary=binary),
            b=_excerpt(other, at, binary=binary),
        )


def _excerpt(data: bytes, at: int, *, binary: bool) -> str | None:
    """Return what stands at an offset and around it in its line; None at the end of the file."""
    if at >= len(data):
        return None
    if binary:
        return data[at : at + _BEFORE].hex(" ")
    start = max(data.rfind(b"\n", 0, at) + 1, at - _BEFORE)
    end = data.find(b"\n", at)
    end = len(data) if end < 0 else end
    return data[start : min(end, at + _AFTER)].decode("utf-8", "backslashreplace")
