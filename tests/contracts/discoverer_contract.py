"""What every extractor that can look into a database must do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
import yaml

import osiris
from osiris.core.discovery import ColumnInfo, TableInfo
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import StepTimeoutError, UsageError
from osiris.discovery.pipeline import pipeline_of
from tests.support.driver_run import DriverRun


@dataclass(frozen=True)
class Source:
    """A database of the tests and how Osiris reaches it.

    It holds what `DiscovererContract.tables` says.

    Attributes:
        project: a project whose connections file names it.
        ref: the connection's reference.
        fields: the connection's fields, filled in.
        schema: the schema that holds the tables; None when the family has none.

    """

    project: Path
    ref: str
    fields: dict[str, Any]
    schema: str | None

    def discover(self, **choices: Any) -> osiris.Discovery:
        """Look into it."""
        return osiris.discover(self.ref, project=self.project, **choices)


def project_with(root: Path, ref: str, fields: dict[str, Any]) -> None:
    """Write a project with one connection; its password is a variable of the project's .env."""
    family, _, alias = ref.removeprefix("@").partition(".")
    shown = dict(fields)
    if "password" in fields:
        quoted = str(fields["password"]).replace("'", "\\'")
        (root / ".env").write_text(f"DATABASE_PASSWORD='{quoted}'\n")
        shown["password"] = "${DATABASE_PASSWORD}"
    text = yaml.safe_dump({"connections": {family: {alias: shown}}})
    (root / "osiris_connections.yaml").write_text(text)
    (root / "osiris.yaml").write_text("name: looking\n")


def rows_of(table: TableInfo) -> list[dict[str, Any]]:
    """Return a table's sample rows."""
    assert table.samples is not None
    rows: list[dict[str, Any]] = table.samples.to_pylist()
    return rows


class DiscovererContract:
    """Subclass as `TestSomething`, set what is here, and define `source`.

    The source holds a table `customers` (id: primary key; email, unique; api_token; name; tier;
    note) of two rows, the first with NULL for its note, a table `orders` (id: primary key;
    customer: foreign key to customers.id), a view `names` over customers (name), and a table
    called `odd"'name` with a column `${x}`.

    Attributes:
        component: the extractor's name.
        keys: whether the family knows keys.

    """

    component: ClassVar[str]
    keys: ClassVar[bool] = True
    views: ClassVar[bool] = True

    @pytest.fixture
    def source(self) -> Source:
        """The database."""
        raise NotImplementedError

    @pytest.fixture
    def table(self, source: Source) -> Callable[..., TableInfo]:
        """Look at one table."""

        def one(name: str, **choices: Any) -> TableInfo:
            (found,) = source.discover(tables=[name], **choices).tables
            return found

        return one

    def test_every_table_is_found_and_named(self, source: Source) -> None:
        found = source.discover()
        assert found.component == self.component
        assert found.connection == found.target == source.ref
        names = [table.name for table in found.tables]
        assert {"customers", "orders", "odd\"'name"} <= set(names)
        assert {table.schema for table in found.tables} == {source.schema}
        assert all(not table.problems for table in found.tables), found.tables

    def test_kinds_tell_views_from_tables(self, source: Source) -> None:
        if self.views:
            kinds = {table.name: table.kind for table in source.discover().tables}
            assert (kinds["names"], kinds["customers"]) == ("view", "table")

    def test_the_arrow_types_are_those_of_the_extractor(
        self, source: Source, tmp_path: Path
    ) -> None:
        component = DriverRegistry().component(self.component)
        for table in source.discover().tables:
            outputs = DriverRun(tmp_path).run(
                component, {}, connection=source.fields, **dict(table.read or {})
            )
            schema = pa.RecordBatchReader.from_stream(outputs["df"]).schema
            told = [(column.name, column.arrow_type) for column in table.columns]
            assert told == [(field.name, str(field.type)) for field in schema], table.name

    def test_nullable_columns(self, table: Callable[..., TableInfo]) -> None:
        columns: dict[str, ColumnInfo] = {c.name: c for c in table("customers").columns}
        assert columns["name"].nullable is False
        assert columns["note"].nullable is True

    def test_keys(self, source: Source, table: Callable[..., TableInfo]) -> None:
        if not self.keys:
            return
        primary, unique = table("customers").keys
        assert (primary.kind, primary.columns) == ("primary", ("id",))
        assert (unique.kind, unique.columns) == ("unique", ("email",))
        first, foreign = table("orders").keys
        assert first.kind == "primary"
        assert (foreign.kind, foreign.columns) == ("foreign", ("customer",))
        full = "customers" if source.schema is None else f"{source.schema}.customers"
        assert (foreign.references, foreign.referenced_columns) == (full, ("id",))

    def test_samples_are_rows_with_secrets_hidden(self, table: Callable[..., TableInfo]) -> None:
        found = table("customers", samples=2)
        masked = [column.name for column in found.columns if getattr(column, "masked", False)]
        assert masked == ["email", "api_token"]
        rows = sorted(rows_of(found), key=lambda row: int(row["id"]))
        assert [row["email"] for row in rows] == ["***", "***"]
        assert [row["api_token"] for row in rows] == ["***", None]
        assert [row["name"] for row in rows] == ["Ann", "Bob"]
        assert rows[0]["note"] is None
        assert len(rows_of(table("customers", samples=1))) == 1
        assert table("customers").samples is None

    def test_a_hidden_column_can_be_revealed(self, table: Callable[..., TableInfo]) -> None:
        found = table("customers", samples=2, reveal=["email"])
        assert {row["email"] for row in rows_of(found)} == {"ann@x.org", "bob@x.org"}

    def test_patterns_choose_tables(self, source: Source) -> None:
        found = source.discover(tables=["cust*", "orders"])
        assert [table.name for table in found.tables] == ["customers", "orders"]

    def test_a_wrong_name_is_told_with_the_nearest(self, source: Source) -> None:
        with pytest.raises(UsageError, match="no table 'custommers'") as told:
            source.discover(tables=["custommers"])
        assert told.value.hint == "did you mean 'customers'?"
        if source.schema is not None:
            with pytest.raises(UsageError, match="no schema") as told:
                source.discover(schema=source.schema + "x")
            assert source.schema in str(told.value.hint)

    def test_the_pipeline_reads_every_table(self, source: Source) -> None:
        found = source.discover()
        document = pipeline_of([found], "copy")
        (source.project / "copy.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        done = osiris.run_pipeline(source.project / "copy.yaml")
        assert done.ok, done.status
        written = sorted((source.project / "output").iterdir())
        assert len(written) == len(found.tables)
        (customers,) = (path for path in written if "customers" in path.name)
        assert customers.read_text().splitlines()[0].startswith('"id","email","api_token","name"')
        assert len(customers.read_text().splitlines()) == 3

    def test_it_ends_in_time(self, source: Source) -> None:
        with pytest.raises(StepTimeoutError, match="took longer than"):
            source.discover(seconds=0.0001)
