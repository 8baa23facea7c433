"""A step's inputs as tables of a DuckDB connection."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from osiris.core.errors import ConfigError, InternalError
from osiris.core.scan_sql import identifier
from osiris.core.stream import Scan, TableStream
from osiris.drivers.duckdb.schema import accepted_batches, accepted_schema

_ARROW_SCAN = "ARROW_SCAN"
_REPEATING = ("REC_CTE", "RECURSIVE")
_INCOMING = "osiris_incoming"


class OneReading:
    """A table stream as DuckDB takes Arrow tables: its schema at any time, its rows once.

    DuckDB asks for the rows once for each scan in the query that it runs. `begun` says that it did.
    """

    def __init__(self, stream: TableStream) -> None:
        self._stream = stream
        self._schema = accepted_schema(stream.schema)
        self.begun = False

    def __arrow_c_schema__(self) -> object:
        """Hand out the schema."""
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand out the rows; raise `InternalError` when asked again."""
        if self.begun:
            raise InternalError(
                f"the query reads the table from step {self._stream.source!r} twice, "
                "which its plan did not say",
                hint="this is a bug; referring to the table in one CTE AS MATERIALIZED avoids it",
            )
        self.begun = True
        batches = accepted_batches(iter(self._stream), self._schema)
        reader = pa.RecordBatchReader.from_batches(self._schema, batches)
        return reader.__arrow_c_stream__(requested_schema)


def table_names(inputs: Mapping[str, TableStream]) -> dict[str, str]:
    """Return the name of each table in SQL with the input's name it stands for.

    An input is called after the step that makes it and after itself, with `_` for what is no
    letter, digit or `_`; a single one is also `df`. Names differ by more than case.

    Raises `ConfigError` when two inputs would have the same name.
    """
    found: dict[str, str] = {}
    for key, stream in inputs.items():
        own = {_plain(key), _plain(stream.source or key)} | ({"df"} if len(inputs) == 1 else set())
        for name in sorted(own):
            other = next((k for n, k in found.items() if n.casefold() == name.casefold()), key)
            if other != key:
                raise ConfigError(
                    f"inputs {other!r} and {key!r} would both be the table {name!r}",
                    hint="rename one of the steps, or name the inputs with `inputs:`",
                )
            found[name] = key
    return found


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name)


class InputTables:
    """The inputs of one query on its connection, each under all its names."""

    def __init__(self, connection: Any, inputs: Mapping[str, TableStream]) -> None:
        self._connection = connection
        self._names = table_names(inputs)
        self._keys = {name.casefold(): key for name, key in self._names.items()}
        self._streams = {k: OneReading(s) for k, s in inputs.items() if s.scan is None}
        self._copied: set[str] = set()
        for name, key in self._names.items():
            if key in self._streams:
                connection.register(name, self._streams[key])
        self.attach_scans({k: s.scan for k, s in inputs.items() if s.scan is not None})

    def attach_scans(self, scans: Mapping[str, Scan]) -> None:
        """Make views of the inputs that DuckDB reads itself, as their SQL is now."""
        for name, key in self._names.items():
            if key in scans:
                sql = f"CREATE OR REPLACE VIEW {identifier(name)} AS {scans[key].sql}"
                self._connection.execute(sql)

    @property
    def can_be_read_again(self) -> bool:
        """Whether the query could run once more: no table came as a stream that is gone then."""
        return all(key in self._copied or not s.begun for key, s in self._streams.items())

    def copy_repeated(self, query: str) -> None:
        """Put the streams that the query reads more than once into temporary tables.

        They take memory, and disk beyond the memory limit. The query's text says which table it
        names how often; its plan says how many streams are read, when parts of it are repeated or
        a function names tables.
        """
        named = Counter(
            self._keys[name.casefold()]
            for name in _named_tables(self._connection, query)
            if name.casefold() in self._keys
        )
        once = [key for key in self._streams if named[key] == 1]
        for key in self._streams:
            if named[key] > 1:
                self._copy(key)
        plan = self._connection.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchall()[0][1]
        operators = list(operator_names(json.loads(plan)))
        reads = sum(_ARROW_SCAN in name for name in operators)
        if reads > len(once) or any(mark in name for name in operators for mark in _REPEATING):
            for key in [key for key in self._streams if key not in self._copied]:
                self._copy(key)

    def _copy(self, key: str) -> None:
        first, *others = [name for name, owner in self._names.items() if owner == key]
        for name in (first, *others):
            self._connection.unregister(name)
        self._connection.register(_INCOMING, self._streams[key])
        sql = f"CREATE TEMP TABLE {identifier(first)} AS FROM {_INCOMING}"
        self._connection.execute(sql)
        self._connection.unregister(_INCOMING)
        for name in others:
            sql = f"CREATE TEMP VIEW {identifier(name)} AS FROM {identifier(first)}"
            self._connection.execute(sql)
        self._copied.add(key)


def _named_tables(connection: Any, query: str) -> Iterator[str]:
    """Yield the name of every table that a query's text refers to, each time it does."""
    tree = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchall()[0][0]
    pending = [json.loads(tree)]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                yield str(node["table_name"])
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def operator_names(plan: Any) -> Iterator[str]:
    """Yield the names of all operators of a plan in DuckDB's JSON."""
    for node in plan if isinstance(plan, list) else [plan]:
        yield str(node.get("name") or node.get("type") or "")
        yield from operator_names(node.get("children", []))
