"""The jobs that every tool is given: a table or a file to be copied to another place."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from bench.measure import Command
from bench.workspace import Project

COLUMNS: Final = {
    "id": "BIGINT",
    "name": "VARCHAR",
    "note": "VARCHAR",
    "amount": "DECIMAL(12, 2)",
    "at": "TIMESTAMP",
    "quantity": "INTEGER",
    "ratio": "DOUBLE",
    "active": "BOOLEAN",
}
"""The columns of every table and file, with the types that DuckDB calls them by."""

_URLS: Final = {"mysql": ("mysql", ""), "postgres": ("postgresql", "?sslmode=disable")}
_COMPONENTS: Final = {
    "csv": "filesystem.csv_",
    "parquet": "filesystem.parquet_",
    "mysql": "mysql.",
    "postgres": "postgres.",
}


@dataclass(frozen=True)
class Table:
    """A table on a server; `connection` is as `osiris_connections.yaml` writes it."""

    kind: str
    connection: Mapping[str, Any]
    name: str

    @property
    def schema(self) -> str:
        """The schema that holds it, as PostgreSQL means the word, or MySQL's database."""
        return "public" if self.kind == "postgres" else str(self.connection["database"])

    @property
    def url(self) -> str:
        """The server's address, the password in it, as every tool takes it."""
        given = self.connection
        login = f"{given['user']}:{quote(str(given['password']), safe='')}"
        scheme, tls = _URLS[self.kind]
        return f"{scheme}://{login}@{given['host']}:{given['port']}/{given['database']}{tls}"


@dataclass(frozen=True)
class File:
    """A file; as a target, the directory in which one is to be made."""

    kind: str
    path: Path


Place = Table | File


@dataclass(frozen=True)
class Job:
    """Copy everything from one place to another; an append where the target is a table.

    Attributes:
        name: what it is called in the report.
        directory: where the tools keep what they write.
        empty: removes the rows of a target that is a table.
    """

    name: str
    source: Place
    target: Place
    directory: Path
    empty: Callable[[], object] = field(default=lambda: None)

    def place_for(self, tool: str) -> Place:
        """Return the target; for files, a directory of the tool's own."""
        if isinstance(self.target, Table):
            return self.target
        return File(self.target.kind, self.directory / tool / "output")

    def cleared(self, tool: str) -> Callable[[], None]:
        """Return what empties the target before each of the tool's runs."""
        place = self.place_for(tool)

        def clear() -> None:
            self.empty()
            if isinstance(place, File):
                shutil.rmtree(place.path, ignore_errors=True)
                place.path.mkdir(parents=True)

        return clear


def osiris_command(job: Job) -> Command:
    """Compile the job as a pipeline and return `osiris run` of it."""
    project = Project.create(job.directory / "osiris", _steps(job), others=_connections(job))
    run = project.run_command()
    clear = job.cleared("osiris")

    def before() -> None:
        run.before()
        clear()

    return Command(run.name, run.argv, run.cwd, run.env, before=before)


def _steps(job: Job) -> list[dict[str, Any]]:
    source, target = job.source, job.target
    if isinstance(source, Table):
        read: dict[str, Any] = {"connection": f"@{source.kind}.db_bench", "table": source.name}
    else:
        read = {"path": str(source.path), "columns": COLUMNS}
    if isinstance(target, Table):
        write = {"connection": f"@{target.kind}.db_bench", "table": target.name}
    else:
        write = {"path": f"output/out.{target.kind}"}
    reader = f"{_COMPONENTS[source.kind]}extractor"
    writer = f"{_COMPONENTS[target.kind]}writer"
    return [
        {"id": "read", "component": reader, "mode": "read", "config": read},
        {"id": "write", "component": writer, "mode": "write", "config": write},
    ]


def _connections(job: Job) -> dict[str, Mapping[str, Any]]:
    tables = [place for place in (job.source, job.target) if isinstance(place, Table)]
    # The other tools come without TLS too.
    plain: dict[str, Any] = {"tls": {"mode": "disabled"}}
    return {
        table.kind: {**table.connection, **(plain if table.kind == "postgres" else {})}
        for table in tables
    }
