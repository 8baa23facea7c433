"""The tools beside which Osiris is measured, each configured as its documentation has it."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.measure import Command
from bench.rivals.environment import Environment
from bench.rivals.jobs import COLUMNS, File, Job, Place, Table

_HERE: Final = Path(__file__).parent
_SECONDS: Final = 1_800
_SLING: Final = "sling_linux_amd64/bin/sling-linux-amd64"
# Nobody is told that they run, and what they might ask for elsewhere fails at once.
_ALONE: Final = {
    "DO_NOT_TRACK": "1",
    "INGESTR_DISABLE_TELEMETRY": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SLING_DISABLE_TELEMETRY": "true",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}
# The types of a CSV file's columns, as each tool takes them; Osiris is told them too.
_INGESTR_TYPES: Final = {
    "id": "bigint",
    "name": "string",
    "note": "string",
    "amount": "decimal(12,2)",
    "at": "timestamp_ntz",
    "quantity": "int",
    "ratio": "double",
    "active": "boolean",
}
_SLING_TYPES: Final = {
    "id": "bigint",
    "name": "string",
    "note": "string",
    "amount": "decimal(12,2)",
    "at": "datetime",
    "quantity": "integer",
    "ratio": "float",
    "active": "bool",
}


@dataclass(frozen=True)
class Tool:
    """A rival.

    Attributes:
        name: what it is called, and its file in `requirements/`.
        argv: the command line that does a job, its output going to the place given.
        writes: the kinds of place that it can write to.
        env: variables that it needs on top of those that keep it alone.
    """

    name: str
    argv: Callable[[Environment, Job, Place], list[str]]
    writes: tuple[str, ...] = ("csv", "parquet", "mysql", "postgres")
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, installed: Environment, job: Job) -> Command:
        """Return the command that does the job, everything that it keeps in one directory."""
        home = job.directory / self.name
        place = job.place_for(self.name)
        argv = self.argv(installed, job, place)
        clear = job.cleared(self.name)

        def before() -> None:
            # Each run is a first run: none finds what an earlier one remembers of the job.
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            clear()

        env = {**_ALONE, "HOME": str(home), **self.env}
        limit = ("timeout", "--kill-after=10", str(_SECONDS))
        return Command(self.name, [*limit, *argv], job.directory, env, before=before)


def _connectorx(installed: Environment, job: Job, target: Place) -> list[str]:
    source = job.source
    if not isinstance(source, Table) or not isinstance(target, File):
        raise TypeError("connectorx reads tables, and pyarrow writes what it read to a file")
    program = str(_HERE / "connectorx_to_csv.py")
    out = str(target.path / "out.csv")
    return [installed.program("python"), program, source.url, source.name, out]


def _dlt(installed: Environment, job: Job, target: Place) -> list[str]:
    given = {
        "pipelines": str(job.directory / "dlt" / "pipelines"),
        "source": _described(job.source),
        "target": _described(target),
    }
    return [installed.program("python"), str(_HERE / "dlt_copy.py"), json.dumps(given)]


def _described(place: Place) -> dict[str, Any]:
    if isinstance(place, File):
        return {"kind": place.kind, "path": str(place.path), "columns": COLUMNS}
    where = {"url": place.url, "schema": place.schema, "table": place.name}
    return {"kind": place.kind, **where}


def _ingestr(installed: Environment, job: Job, target: Place) -> list[str]:
    argv = [installed.program("ingestr"), "ingest", "--yes", "--progress", "log"]
    argv += ["--source-uri", _uri(job.source), "--source-table", _table(job.source)]
    argv += ["--dest-uri", _uri(target, making=True), "--dest-table", _table(target)]
    if isinstance(target, Table):
        argv += ["--incremental-strategy", "append"]
    if isinstance(job.source, File):
        argv += ["--columns", ",".join(f"{name}:{kind}" for name, kind in _INGESTR_TYPES.items())]
    return argv


def _uri(place: Place, *, making: bool = False) -> str:
    if isinstance(place, Table):
        return place.url
    return f"{place.kind}://{place.path / f'out.{place.kind}' if making else place.path}"


def _table(place: Place) -> str:
    return f"{place.schema}.{place.name}" if isinstance(place, Table) else "rows"


def _sling(installed: Environment, job: Job, target: Place) -> list[str]:
    if isinstance(job.source, Table):
        read = ["--src-conn", _uri(job.source), "--src-stream", _table(job.source)]
    else:
        # In order: from a mapping it takes the columns in an order of its own.
        types = json.dumps([{"name": name, "type": kind} for name, kind in _SLING_TYPES.items()])
        read = ["--src-stream", f"file://{job.source.path}", "--columns", types]
    if isinstance(target, Table):
        # Rows with a higher key than the target has are appended; it has none.
        append = ["--mode", "incremental", "--update-key", "id"]
        write = ["--tgt-conn", _uri(target), "--tgt-object", _table(target), *append]
    else:
        write = ["--tgt-object", f"file://{target.path / f'out.{target.kind}'}"]
    return [installed.package_file(_SLING), "run", *read, *write]


TOOLS: Final = (
    Tool("dlt", _dlt, env={"NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true"}),
    Tool("ingestr", _ingestr),
    # The DuckDB with which it writes Parquet otherwise is downloaded at run time.
    Tool("sling", _sling, env={"SLING_DUCKDB_COMPUTE": "false"}),
    Tool("connectorx", _connectorx, writes=("csv",)),
)
