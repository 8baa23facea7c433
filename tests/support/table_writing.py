"""Running a component that writes into PostgreSQL, for tests of those."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components.component import Component
from osiris.core.stream import TableStream
from tests.support.driver_run import DriverRun, stream_of
from tests.support.postgres import PostgresDatabase


@dataclass
class TableWriting:
    """Writes tables into a database with one component; `run` is the last run's surroundings."""

    database: PostgresDatabase
    component: Component
    root: Path
    run: DriverRun = field(init=False)

    def __post_init__(self) -> None:
        self.run = DriverRun(self.root)

    def write(self, data: pa.Table | TableStream, /, **options: Any) -> int:
        """Write a table and return how many rows that were."""
        self.run = DriverRun(self.root)
        stream = stream_of(data) if isinstance(data, pa.Table) else data
        given = {"connection": self.database.connection(), **options}
        return int(self.run.run(self.component, {"df": stream}, **given)["rows_written"])

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the fields of the last run's events of one name."""
        return [event.data() for event in self.run.events if event.name == name]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.execute(query)


def broken_stream(table: pa.Table, error: Exception, *, after: int) -> TableStream:
    """Return a stream that raises an error after so many batches of one row."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(table.to_batches(max_chunksize=1)):
            if number == after:
                raise error
            yield batch
        raise error

    return TableStream(table.schema, batches(), source="make")
