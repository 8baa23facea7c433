"""One query over a SQLite database: its columns, their types, its rows in batches."""

import re
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError
from osiris.core.scan_sql import identifier
from osiris.drivers.sqlite.declared import type_of, type_of_values
from osiris.drivers.sqlite.failure import failure
from osiris.drivers.sqlite.values import TypedColumn

_VIEW = "osiris_query"
_HEAD_ROWS = 4096
"""Rows by which the type of a column that declares none is told."""

_PIECE = 256
_MOST_ROWS = 16_384
_PIECE_BYTES = 8 * 1024 * 1024
"""About the most that the rows which are fetched at once should take."""

_UNDECODABLE = re.compile(r"Could not decode to UTF-8 column '(.*)' with text", re.DOTALL)


class SqliteReader:
    """Reads one query; closes the connection at its end.

    Args:
        connection: the database, in a transaction.
        path: what messages call it.
        query: one SELECT.
        types: types that the pipeline names, by column.
        cancelled: looked at between batches.

    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        query: str,
        types: Mapping[str, str],
        cancelled: CancelToken,
    ) -> None:
        self._connection = connection
        self._path = path
        self._query = query
        self._cancelled = cancelled
        self._rows = 0
        self._row_bytes = 1
        self._columns: list[TypedColumn] = []
        try:
            self._cursor, self._head = self._begin(types)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    @property
    def schema(self) -> pa.Schema:
        """The schema of the result."""
        return pa.schema([(column.name, column.arrow) for column in self._columns])

    def _begin(self, types: Mapping[str, str]) -> tuple[sqlite3.Cursor, list[tuple[Any, ...]]]:
        declared = self._declared_types()
        cursor = self._connection.execute(self._query)
        self._names = [str(column[0]) for column in cursor.description]
        _check_names(self._names, types)
        head: list[tuple[Any, ...]] = []
        kinds = [types.get(n) or type_of(d) for n, d in zip(self._names, declared, strict=True)]
        if None in kinds:
            head = _head(cursor)
        for place, (name, kind) in enumerate(zip(self._names, kinds, strict=True)):
            found = kind or self._told_by_values(name, [row[place] for row in head])
            self._columns.append(TypedColumn(name, found, chosen=name in types))
        return cursor, head

    def _declared_types(self) -> list[str]:
        """Return the declared type of each column of the result; "" for an expression's.

        SQLite tells the types of a view, so the query becomes one, which lives in memory.
        """
        self._connection.execute(f"CREATE TEMP VIEW {_VIEW} AS {self._query}")
        rows = self._connection.execute(f"PRAGMA temp.table_xinfo({_VIEW})").fetchall()
        # Newer releases tell the affinity of an expression, which is not what its values are.
        return ["" if row[2] == "NUM" else row[2] for row in rows]

    def _told_by_values(self, name: str, values: list[Any]) -> str:
        kind = type_of_values(values)
        if kind is None:
            raise DataError(
                f"{self._path}: column {name!r} declares no type and has values of several kinds",
                hint=f"name its type: `types: {{{name}: string}}` takes every value",
            )
        return kind

    def batches(self) -> Generator[pa.RecordBatch]:
        """Yield the rows; raise `DataError` for the first value that does not fit its column."""
        with closing(self._connection):
            try:
                for rows in self._pieces():
                    self._cancelled.raise_if_set()
                    yield self._batch(rows)
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def _pieces(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows, as many at once as take a moderate amount of memory."""
        if self._head:
            yield self._head
        wanted = _PIECE
        while rows := self._cursor.fetchmany(wanted):
            yield rows
            wanted = max(1, min(_MOST_ROWS, wanted * 4, _PIECE_BYTES // self._row_bytes))

    def _batch(self, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
        arrays = [
            column.array(values, path=self._path, before=self._rows)
            for column, values in zip(self._columns, zip(*rows, strict=True), strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        self._rows += batch.num_rows
        self._row_bytes = max(1, batch.nbytes // max(1, batch.num_rows))
        return batch

    def _explained(self, error: sqlite3.Error) -> Exception:
        self._cancelled.raise_if_set()
        if found := _UNDECODABLE.match(str(error)):
            return self._undecodable(found[1])
        return failure(error, self._path)

    def _undecodable(self, name: str) -> DataError:
        """Return the error that says in which row a text is not UTF-8."""
        place = self._names.index(name)
        self._connection.text_factory = bytes
        rows = enumerate(self._connection.execute(self._query), 1)
        row = next((number for number, values in rows if not _is_text(values[place])), 0)
        return DataError(
            f"{self._path}: row {row}, column {name!r}: the text is not UTF-8",
            hint=f"read its bytes: CAST({identifier(name)} AS BLOB)",
        )


def _is_text(value: Any) -> bool:
    try:
        return not isinstance(value, bytes) or value.decode() is not None
    except UnicodeDecodeError:
        return False


def _head(cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    held = 0
    while len(rows) < _HEAD_ROWS and held < _PIECE_BYTES:
        piece = cursor.fetchmany(16)
        if not piece:
            break
        rows += piece
        held += sum(len(v) for row in piece for v in row if isinstance(v, str | bytes))
    return rows


def _check_names(names: list[str], types: Mapping[str, str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(
            f"the query returns several columns named {', '.join(doubled)}",
            hint="give each column a name of its own with AS",
        )
    unknown = [name for name in types if name not in names]
    if unknown:
        raise ConfigError(
            f"`types` names {', '.join(map(repr, unknown))}, which the result does not have",
            hint=f"its columns are {', '.join(names)}",
        )
