"""A step's inputs as tables of a DuckDB connection."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from osiris.core.errors import ConfigError
from osiris.core.stream import TableStream
from osiris.drivers.duckdb.connection import identifier

_ARROW_SCAN = "ARROW_SCAN"
_REPEATING = ("REC_CTE", "RECURSIVE")


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


def attach(connection: Any, query: str, inputs: Mapping[str, TableStream]) -> list[str]:
    """Make every input a table of the connection; return the names of inputs read as scans.

    A table that comes as a stream can be read once only: when the query reads it more often, or it
    cannot be told, it is put into a temporary table first (on disk beyond the memory limit).
    """
    names = table_names(inputs)
    streams = {key: stream for key, stream in inputs.items() if stream.scan is None}
    scans = [key for key, stream in inputs.items() if stream.scan is not None]
    for name, key in names.items():
        scan = inputs[key].scan
        if scan is not None:
            connection.execute(f"CREATE VIEW {identifier(name)} AS {scan.sql}")
    for name, key in names.items():
        if key in streams:
            connection.register(name, streams[key].schema.empty_table())
    copied = _read_more_than_once(connection, query, names, streams)
    for key, stream in streams.items():
        mine = [name for name, owner in names.items() if owner == key]
        _attach_stream(connection, stream, mine, copy=key in copied)
    return scans


def _attach_stream(connection: Any, stream: TableStream, names: list[str], *, copy: bool) -> None:
    reader = stream.reader()
    for name in names:
        connection.unregister(name)
    if not copy:
        for name in names:
            connection.register(name, reader)
        return
    first, *others = names
    connection.register("osiris_incoming", reader)
    connection.execute(f"CREATE TEMP TABLE {identifier(first)} AS SELECT * FROM osiris_incoming")
    connection.unregister("osiris_incoming")
    for name in others:
        connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS FROM {identifier(first)}")


def _read_more_than_once(
    connection: Any, query: str, names: Mapping[str, str], streams: Mapping[str, TableStream]
) -> set[str]:
    """Return the streams that the query's plan may read more than once.

    The plan is made over empty tables. It says how many Arrow tables it reads, not which: unless
    each that is referred to is read exactly once, all are copied.
    """
    try:
        referred = {name.casefold() for name in connection.get_table_names(query)}
        plan = connection.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchall()[0][1]
        operators = list(operator_names(json.loads(plan)))
    except (duckdb.Error, ValueError, IndexError):
        return set(streams)
    wanted = {key for name, key in names.items() if name.casefold() in referred} & set(streams)
    reads = sum(_ARROW_SCAN in name for name in operators)
    repeats = any(mark in name for name in operators for mark in _REPEATING)
    return set(streams) if repeats or reads > len(wanted) else set()


def operator_names(plan: Any) -> Iterator[str]:
    """Yield the names of all operators of a plan in DuckDB's JSON."""
    for node in plan if isinstance(plan, list) else [plan]:
        yield str(node.get("name") or node.get("type") or "")
        yield from operator_names(node.get("children", []))
