"""What the schema contract does, looked at without a server."""

from typing import Any

import pyarrow as pa
import pytest

from osiris.components.table_writer import TableWriterConfig
from osiris.core.errors import ConfigError, DataError
from osiris.drivers.relational.column_type import Column, ColumnType, Target
from osiris.drivers.relational.plan import Plan, check_input, plan_write

TEXT = ColumnType("text", pa.string())
INT = ColumnType("integer", pa.int32())


class PlainDialect:
    """A database that knows four types and tells names apart."""

    def column_type(self, arrow: pa.DataType) -> ColumnType:
        return ColumnType(str(arrow), arrow)

    def fold(self, name: str) -> str:
        return name

    def check_names(self, names: Any) -> None:
        """Any name will do."""


TARGET = Target("t", (Column("id", INT, nullable=False), Column("name", TEXT)))
SCHEMA = pa.schema([("id", pa.int32()), ("name", pa.string())])


def _plan(schema: pa.Schema, target: Target = TARGET, **options: Any) -> Plan:
    config = TableWriterConfig.model_validate({"table": "t", **options})
    return plan_write(schema, target, config, PlainDialect())


def _changes(plan: Plan) -> list[tuple[str, str, str | None, str]]:
    return [(e.change, e.column.name, e.from_type, e.to_type) for e in plan.evolutions]


def test_columns_go_by_name_in_any_order() -> None:
    plan = _plan(pa.schema([("name", pa.string()), ("id", pa.int32())]))
    assert [(c.position, c.column.name) for c in plan.columns] == [(0, "name"), (1, "id")]
    assert not plan.evolutions


def test_a_new_column_stops_is_added_or_is_left_out() -> None:
    schema = SCHEMA.append(pa.field("more", pa.int64()))
    with pytest.raises(DataError, match="no column 'more'"):
        _plan(schema)
    assert _changes(_plan(schema, on_new_column="evolve")) == [
        ("column_added", "more", None, "int64")
    ]
    left_out = _plan(schema, on_new_column="ignore")
    assert left_out.unwritten == ("more",)
    assert len(left_out.columns) == 2


def test_a_missing_column_stops_or_is_null_where_it_may() -> None:
    only_id = pa.schema([("id", pa.int32())])
    with pytest.raises(DataError, match="no column 'name'"):
        _plan(only_id)
    assert not _plan(only_id, on_missing_column="ignore").evolutions
    only_name = pa.schema([("name", pa.string())])
    with pytest.raises(DataError, match="must not be NULL"):
        _plan(only_name, on_missing_column="ignore")
    assert _changes(_plan(only_name, on_missing_column="evolve")) == [
        ("not_null_dropped", "id", None, "integer")
    ]


def test_what_the_database_fills_in_is_not_missing() -> None:
    target = Target("t", (*TARGET.columns, Column("at", TEXT, nullable=False, filled=True)))
    assert len(_plan(SCHEMA, target).columns) == 2


def test_a_computed_column_is_not_written() -> None:
    target = Target("t", (Column("id", INT, computed=True), Column("name", TEXT)))
    with pytest.raises(DataError, match="computed"):
        _plan(SCHEMA, target)


def test_a_type_stops_widens_or_is_nulled() -> None:
    wide = pa.schema([("id", pa.int64()), ("name", pa.string())])
    assert not _plan(wide).evolutions  # each value is looked at
    assert _changes(_plan(wide, on_type_change="evolve")) == [
        ("type_widened", "id", "integer", "int64")
    ]
    assert _plan(wide, on_type_change="ignore").columns[0].nulled
    other = pa.schema([("id", pa.string()), ("name", pa.string())])
    for choice in ("error", "evolve"):
        with pytest.raises(DataError, match=r"'id' of t is integer, .* string"):
            _plan(other, on_type_change=choice)


def test_the_key_must_be_written() -> None:
    with pytest.raises(ConfigError, match="primary_key names nope"):
        _plan(SCHEMA, write_mode="upsert", primary_key=["nope"])
    assert _plan(SCHEMA, write_mode="upsert", primary_key=["id"]).key == ("id",)


def test_an_input_without_columns_is_refused() -> None:
    with pytest.raises(DataError, match="no columns"):
        check_input(pa.schema([]), PlainDialect(), "t")


@pytest.mark.parametrize(
    "options,message",
    [
        ({"write_mode": "upsert"}, "needs primary_key"),
        ({"primary_key": ["id"]}, "not looked at"),
        ({"write_mode": "upsert", "primary_key": ["a", "a"]}, "more than once"),
        ({"schema": "a\0b"}, "NUL"),
        ({"batch_size": 0}, "greater than"),
        ({"on_new_column": "drop"}, "error"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TableWriterConfig.model_validate({"table": "t", **options})
