"""A table as PostgREST describes it at its root, in OpenAPI 2.0.

https://docs.postgrest.org/en/stable/references/api/openapi.html. It tells the types without their
digits: of `numeric(5,2)` only `numeric`, of `timestamp(3)` only `timestamp`.
"""

from collections.abc import Mapping
from typing import Any, Final

from osiris.drivers.postgres.column_types import PostgresType, array_of, catalog_type
from osiris.drivers.relational.column_type import Column, Target

_WIRES: Final = {
    "boolean": ("bool", 16),
    "smallint": ("int2", 21),
    "integer": ("int4", 23),
    "bigint": ("int8", 20),
    "real": ("float4", 700),
    "double precision": ("float8", 701),
    "numeric": ("numeric", 1700),
    "text": ("text", 25),
    "citext": ("citext", 25),
    "character varying": ("varchar", 1043),
    "character": ("bpchar", 1042),
    "bytea": ("bytea", 17),
    "date": ("date", 1082),
    "time without time zone": ("time", 1083),
    "timestamp without time zone": ("timestamp", 1114),
    "timestamp with time zone": ("timestamptz", 1184),
    "interval": ("interval", 1186),
    "uuid": ("uuid", 2950),
    "json": ("json", 114),
    "jsonb": ("jsonb", 3802),
}
_LENGTH_HEADER: Final = 4
_KEY_MARK: Final = "<pk/>"
_WHOLE: Final = frozenset({"smallint", "integer", "bigint"})


def table_from_openapi(document: Mapping[str, Any], name: str, shown: str) -> Target | None:
    """Return the table, None when the document has none of this name."""
    definition = document.get("definitions", {}).get(name)
    if definition is None:
        return None
    required = set(definition.get("required", ()))
    columns = definition.get("properties", {})
    return Target(shown, tuple(_column(n, p, n in required) for n, p in columns.items()))


def primary_key(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the columns that the document says are the table's primary key."""
    columns = document.get("definitions", {}).get(name, {}).get("properties", {})
    return tuple(n for n, p in columns.items() if _KEY_MARK in p.get("description", ""))


def _column(name: str, described: Mapping[str, Any], required: bool) -> Column:  # noqa: FBT001 - from a set
    shown = str(described.get("format", ""))
    identity = _KEY_MARK in described.get("description", "") and shown in _WHOLE
    return Column(
        name,
        _type(shown, described),
        nullable=not required,
        # An identity column has no default that is told.
        filled="default" in described or identity,
    )


def _type(shown: str, described: Mapping[str, Any]) -> PostgresType:
    if shown.endswith("[]"):
        return array_of(shown, _type(shown.removesuffix("[]"), described.get("items", {})))
    length = described.get("maxLength")
    modifier = -1 if length is None else int(length) + _LENGTH_HEADER
    # A type of an extension comes with its schema: extensions.citext.
    wire, oid = _WIRES.get(shown.rpartition(".")[2], ("", 0))
    return catalog_type(shown, wire, oid, modifier, enum="enum" in described)
