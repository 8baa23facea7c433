"""Guessing how a CSV file is written down, from its head: which delimiter, which encoding."""

import csv
import itertools
from typing import Any, Final

from osiris.drivers.csv.files import CsvFile, opened

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 1 << 16
_HEAD_RECORDS: Final = 50
_WIDE_CHARACTERS: Final = (b"\xff\xfe", b"\xfe\xff")


def guess_dialect(file: CsvFile) -> dict[str, Any]:
    """Return the options in which the file differs from the defaults of `filesystem.csv_extractor`.

    The delimiter is the one that cuts every record of the head into the same number of cells, the
    greatest such number; a comma in doubt. Raises `DataError` for a file that cannot be read.
    """
    with opened(file.text, file.text_compression, file.original) as stream:
        head = bytes(stream.read(_HEAD_BYTES))
    encoding = "utf-16" if head.startswith(_WIDE_CHARACTERS) else "utf-8-sig"
    text = head.decode(encoding, "replace")
    if len(head) == _HEAD_BYTES:  # the last line is cut
        text = text[: text.rfind("\n") + 1] or text
    lines = text.splitlines(keepends=True)
    options: dict[str, Any] = {} if encoding == "utf-8-sig" else {"encoding": encoding}
    best = max(_DELIMITERS, key=lambda delimiter: _cells(lines, delimiter))
    return options if best == "," else {**options, "delimiter": best}


def _cells(lines: list[str], delimiter: str) -> int:
    """Return into how many cells every record is cut; 1 when it is not the same number."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        widths = {len(record) for record in itertools.islice(reader, _HEAD_RECORDS) if record}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 1
