"""Writing through the driver of mysql.writer, and looking at what is there afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components.mysql_writer import COMPONENT
from osiris.core.events import DataWarning, SchemaEvolved
from tests.conftest import Database
from tests.support.driver_run import DriverRun, stream_of
from tests.support.mysql_reading import NO_TLS, read, settings


@dataclass(frozen=True)
class Target:
    """A table `t` of a test's database and what writes it."""

    database: Database
    root: Path

    def write(self, table: pa.Table, /, *, rows: int = 1000, **options: Any) -> DriverRun:
        """Write a table into `t`, made when it is not there; `rows` a batch."""
        run = DriverRun(self.root)
        connection = {**self.database.connection(), "tls": NO_TLS}
        defaults = {"connection": connection, "table": "t", "create_if_missing": True}
        outputs = run.run(COMPONENT, {"df": stream_of(table, rows=rows)}, **{**defaults, **options})
        assert outputs == {"rows_written": table.num_rows}
        return run

    def read(self, order: str = "", columns: str = "*") -> pa.Table:
        """Read `t` back with the extractor's reader."""
        sql = f"SELECT {columns} FROM t" + (f" ORDER BY {order}" if order else "")
        return read(settings(self.database), sql)

    def tables(self) -> list[str]:
        """Name all tables of the database."""
        return self.database.tables()

    def rows(self, order: str = "1") -> list[tuple[Any, ...]]:
        """Give the rows of `t` as PyMySQL reads them."""
        return self.database.execute(f"SELECT * FROM t ORDER BY {order}")


def evolved(run: DriverRun) -> Sequence[tuple[str, str | None, str | None, str | None]]:
    """Give the changes to a table that a run told of: change, column, from and to."""
    return [
        (event.change, event.column, event.from_type, event.to_type)
        for event in run.events
        if isinstance(event, SchemaEvolved)
    ]


def warned(run: DriverRun) -> list[tuple[str, int]]:
    """Give code and count of the warnings that a run told of."""
    return [(event.code, event.count) for event in run.events if isinstance(event, DataWarning)]
