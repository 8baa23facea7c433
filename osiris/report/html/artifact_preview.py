"""The files that a run's steps made, with the first rows of those that are tables."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from osiris.core import events as ev
from osiris.core.layout import RunLayout
from osiris.core.regular_file import UnusableFileError, open_regular_file

_ROWS: Final = 8
_COLUMNS: Final = 30
_LONGEST: Final = 200
_HEAD: Final = 64 * 1024
_DELIMITERS: Final = ",;\t|"
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Artifact:
    """One file: what its event says of it, where it was published, and its first rows.

    The first of `rows` are the names of the columns. `why` says why there are no rows.
    """

    step: str
    path: str
    rows: int | None
    bytes: int
    sha256: str
    published: str | None
    preview: Rows
    columns: int
    why: str | None


def artifacts(layout: RunLayout, events: Iterable[ev.Event]) -> tuple[Artifact, ...]:
    """Return the files of a run in the order in which they were made, each once."""
    created: dict[tuple[str, str], ev.ArtifactCreated] = {}
    published: dict[tuple[str, str], str] = {}
    for event in events:
        if isinstance(event, ev.ArtifactCreated):
            created[event.step_id, event.path] = event
        elif isinstance(event, ev.ArtifactPublished):
            published[event.step_id, event.artifact] = event.path
    return tuple(_artifact(layout, event, published.get(key)) for key, event in created.items())


def _artifact(layout: RunLayout, event: ev.ArtifactCreated, published: str | None) -> Artifact:
    preview: Rows = ()
    columns, why = 0, None
    try:
        columns, preview = _head(_inside(layout, event.path))
    except FileNotFoundError:
        why = "the file is gone"
    except UnusableFileError as error:
        why = str(error)
    return Artifact(
        event.step_id,
        event.path,
        event.rows,
        event.bytes,
        event.sha256,
        published,
        preview,
        columns,
        why,
    )


def _inside(layout: RunLayout, relative: str) -> Path:
    """Return the path below the run's artifacts; an event may claim anything."""
    try:
        path = (layout.root / relative).resolve()
        inside = path.is_relative_to(layout.artifacts.resolve())
    except (OSError, ValueError, RuntimeError) as error:
        raise UnusableFileError("it is no path") from error
    if not inside:
        raise UnusableFileError("it lies outside the run's artifacts")
    return path


def _head(path: Path) -> tuple[int, Rows]:
    """Return how many columns a table has, and its first rows."""
    if path.suffix == ".parquet":
        return _parquet_head(path)
    with open_regular_file(path, follow=False) as file:
        data = file.read(_HEAD)
    if b"\0" in data:
        raise UnusableFileError("it is no text")
    text = data.decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = list(
            islice(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), _ROWS + 1)
        )
    except csv.Error as error:
        raise UnusableFileError("it is no table") from error
    return len(rows[0]) if rows else 0, tuple(_cut(row) for row in rows)


def _parquet_head(path: Path) -> tuple[int, Rows]:
    import pyarrow as pa  # noqa: PLC0415 - start-up: only a report with Parquet files needs it
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        with open_regular_file(path, follow=False) as file:
            table = parquet.ParquetFile(file)
            names = table.schema_arrow.names
            shown = names[:_COLUMNS]
            batch = next(table.iter_batches(_ROWS, columns=shown), None)
            rows = [] if batch is None else batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UnusableFileError("it is no Parquet file that can be read") from error
    return len(names), tuple(
        _cut(row) for row in (shown, *([_cell(v) for v in r.values()] for r in rows))
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _cut(row: Iterable[str]) -> tuple[str, ...]:
    cells = islice(row, _COLUMNS)
    return tuple(cell if len(cell) <= _LONGEST else cell[: _LONGEST - 1] + "…" for cell in cells)
