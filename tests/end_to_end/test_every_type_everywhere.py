"""Every reader by every writer, over every type: read, written and read again it is the same."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from osiris.core.errors import ConfigError, DataError
from tests.conftest import Database
from tests.support.every_store import READERS, WRITERS, Stores
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.postgrest_server import PostgrestServer
from tests.support.same_values import same, values_of

INFINITY = float("inf")
DAY = 86_400_000_000  # microseconds
YEAR_1 = (dt.date(1, 1, 1) - dt.date(1970, 1, 1)).days
NAME = "every_type_everywhere"


@pytest.fixture(scope="module")
def stores(
    tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDBServer, postgres: PostgresServer
) -> Iterator[Stores]:
    mariadb.execute(f"CREATE DATABASE {NAME}")
    postgres.create_database(NAME)
    pg = PostgresDatabase(postgres, NAME)
    with PostgrestServer(pg) as rest:
        yield Stores(tmp_path_factory.mktemp("stores"), Database(mariadb, NAME), pg, rest)
    postgres.drop_database(NAME)
    mariadb.execute(f"DROP DATABASE {NAME}")


@pytest.fixture(scope="module")
def tables(stores: Stores) -> dict[str, pa.Table]:
    """What each reader reads."""
    return {name: read(stores) for name, read in READERS.items()}


# --- what a place has no value for: documented in docs/explanation/types.md, and refused ---


def _no_decimal_of_mysql(kind: pa.DataType, _: Any) -> bool:
    return bool(pa.types.is_decimal(kind) and (kind.precision > 65 or kind.scale > 30))


def _no_decimal_of_duckdb(kind: pa.DataType, _: Any) -> bool:
    return bool(pa.types.is_decimal(kind) and kind.precision > 38)


def _interval(kind: pa.DataType, _: Any) -> bool:
    return bool(pa.types.is_interval(kind))


def _no_number(kind: pa.DataType, value: Any) -> bool:
    return pa.types.is_floating(kind) and value in {"NaN", INFINITY, -INFINITY}


def _with_nul(_: pa.DataType, value: Any) -> bool:
    return isinstance(value, str) and "\0" in value


Rule = tuple[str, Callable[[pa.DataType, Any], bool]]
NOWHERE: Mapping[str, Sequence[Rule]] = {
    "mysql": (
        ("its DECIMAL has 65 digits", _no_decimal_of_mysql),
        ("interval", _interval),
        ("neither NaN nor infinities", _no_number),
    ),
    "postgres": (("the character NUL", _with_nul),),
    "supabase over REST": (("the character NUL", _with_nul),),
    "duckdb": (("no type for Arrow's decimal256", _no_decimal_of_duckdb),),
    "parquet": (("no type for month_day_nano_interval", _interval),),
    "csv": (),
}


def _rule(writer: str, kind: pa.DataType, value: Any) -> str | None:
    """Return what a writer says of a value that it has nothing for."""
    return next((said for said, holds in NOWHERE[writer] if holds(kind, value)), None)


def _come_back_as(writer: str, kind: pa.DataType, value: Any) -> Any:
    """Return what a value is read as, where that is documented as something else."""
    is_date = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if is_date and value is not None and writer in {"postgres", "supabase over REST"}:
        first = YEAR_1 * (1 if pa.types.is_date(kind) else DAY)
        return None if value < first else value  # the reader's years are 1 to 9999
    return value


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("reader", READERS)
def test_it_is_the_same(
    stores: Stores, tables: dict[str, pa.Table], reader: str, writer: str
) -> None:
    kept, refused = _parted(tables[reader], writer)
    found = WRITERS[writer](stores, kept, f"from_{reader}")
    assert found.column_names == kept.column_names
    for field in kept.schema:
        back = found.schema.field(field.name).type
        pairs = zip(values_of(kept[field.name]), values_of(found[field.name]), strict=True)
        for wrote, got in pairs:
            expected = _come_back_as(writer, field.type, wrote)
            assert same(field.type, expected, got), (field, back, wrote, got)
    for number, (column, said) in enumerate(refused):
        with pytest.raises(DataError, match=said):
            WRITERS[writer](stores, column, f"refused_{reader}_{number}")


def _parted(table: pa.Table, writer: str) -> tuple[pa.Table, list[tuple[pa.Table, str]]]:
    """Return what the writer must write, and columns that it must refuse with what it says."""
    kept, refused = {}, {}
    for field in table.schema:
        column = table[field.name]
        if type_is_none := _rule(writer, field.type, None):
            refused[type_is_none] = (table.select([field.name]), type_is_none)
            continue
        said = [_rule(writer, field.type, value) for value in values_of(column)]
        for place, rule in enumerate(said):
            if rule is not None:
                refused[f"{rule} {field.type}"] = (
                    table.select([field.name])[place : place + 1],
                    rule,
                )
        gone = pa.array([rule is not None for rule in said])
        kept[field.name] = pc.if_else(gone, None, column) if any(said) else column
    return pa.table(kept), list(refused.values())


# --- shapes and names ---

NAMES = [
    *("select", "ORDER", "two words", 'a "b"', "`c`", "d'e", "ünï漢", "%s", "$1", "a.b", "1"),
    *("null", "--", "${x}", "\\", "[f]"),
]
ONE_NAME = {
    "mysql": "'name' and 'NAME' are the same column to the database",
    "duckdb": "'name' and 'NAME' are the same column to the database",
    "csv": "more than once",  # by the reader, whose SQL has one name for both
}
"""Where names that differ only in case are one name, and what is said of them."""
LONG = 10_000_000  # bytes


@pytest.mark.parametrize("writer", WRITERS)
def test_names_of_every_kind(stores: Stores, writer: str) -> None:
    table = pa.table({name: pa.array([n, None], pa.int64()) for n, name in enumerate(NAMES)})
    found = WRITERS[writer](stores, table, "na \"me` 's")
    assert found.column_names == NAMES
    for number, name in enumerate(NAMES):
        got = [None if value is None else int(value) for value in found[name].to_pylist()]
        assert sorted(got, key=str) == sorted([number, None], key=str)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_name_with_an_emoji(stores: Stores, writer: str) -> None:
    table = pa.table({"😀": ["laughs"]})
    if writer == "mysql":
        with pytest.raises(ConfigError, match=r"beyond U\+FFFF, such as emoji"):
            WRITERS[writer](stores, table, "emoji")
    else:
        assert WRITERS[writer](stores, table, "emoji 😀").to_pylist() == table.to_pylist()


@pytest.mark.parametrize("writer", WRITERS)
def test_names_that_differ_in_case_alone(stores: Stores, writer: str) -> None:
    table = pa.table({"name": ["lower"], "NAME": ["upper"]})
    if writer in ONE_NAME:
        with pytest.raises((DataError, ValueError), match=ONE_NAME[writer]):
            WRITERS[writer](stores, table, "cases")
    else:
        assert WRITERS[writer](stores, table, "cases").to_pylist() == table.to_pylist()


@pytest.mark.parametrize("writer", WRITERS)
def test_large_values_many_columns_and_nothing(stores: Stores, writer: str) -> None:
    many = {f"c{number}": pa.array([number, None, -number], pa.int16()) for number in range(498)}
    long = {"text": ["ž" * (LONG // 2), "", None], "bytes": [b"\xff\0" * (LONG // 4), b"", None]}
    table = pa.table({**{name: pa.array(values) for name, values in long.items()}, **many})
    found = WRITERS[writer](stores, table, "large")
    assert found.column_names == table.column_names
    for field in table.schema:
        wrote, got = values_of(table[field.name]), values_of(found[field.name])
        assert all(same(field.type, w, g) for w, g in zip(wrote, got, strict=True)), field
    nothing = WRITERS[writer](stores, table.slice(0, 0), "nothing")
    assert (nothing.num_rows, nothing.column_names) == (0, table.column_names)
    with pytest.raises(DataError, match=r"no columns|without columns"):
        WRITERS[writer](stores, table.select([]), "no_columns")
