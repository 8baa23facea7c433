"""Figures: `osiris run` beside other tools that do the same job, on the same servers by turns."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.figure import Figure, Floor, NotMeasured
from bench.measure import Command, CommandFailedError, Sample, Series, run_once
from bench.mysql_to_csv import DATABASE, make_table
from bench.mysql_to_postgres import CREATE
from bench.rivals.copied_values import Execute, NothingToReadError, differences, summary
from bench.rivals.environment import CannotInstallError, Environment, install, version
from bench.rivals.jobs import File, Job, Table, osiris_command
from bench.rivals.tools import TOOLS, Tool
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresServer

_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "16GB"}
_AHEAD = Floor(1.0, "×")
# A tool that takes longer than this is run once, the others once to warm up and then by turns.
_PATIENCE_SECONDS = 60.0
_MOST_ROUNDS = 3
_SOURCE, _TARGET = "rivals_source", "rivals_target"

Line = Figure | NotMeasured


@dataclass
class _Entrant:
    """A tool with its command, what it wrote, and its runs that count."""

    tool: Tool
    command: Command
    wrote: str
    first: Sample
    samples: list[Sample] = field(default_factory=list)
    failed: int = 0

    @property
    def in_turns(self) -> bool:
        """Whether it is quick enough to be run again."""
        return self.first.seconds <= _PATIENCE_SECONDS

    @property
    def series(self) -> Series:
        """What counts: the runs by turns, or the only one."""
        return Series(tuple(self.samples or [self.first]))

    @property
    def times(self) -> str:
        """How often it was run, where that must be said."""
        if self.failed:
            return f" (FAILED {self.failed} TIMES)"
        return "" if self.samples else " (run once)"


def figures(mysql: MariaDBServer, work: Path, sizes: list[int], rounds: int) -> Iterator[Line]:
    """Measure every job at the first size, with every tool that can be installed here."""
    installed: list[tuple[Tool, Environment]] = []
    for tool in TOOLS:
        try:
            installed.append((tool, install(tool.name)))
        except CannotInstallError as error:
            yield NotMeasured(f"{tool.name} {version(tool.name)}", f"cannot be installed: {error}")
    with PostgresServer(_SETTINGS) as postgres:
        postgres.create_database(DATABASE)
        execute: dict[str, Execute] = {
            "mysql": partial(mysql.execute, database=DATABASE),
            "postgres": partial(postgres.execute, database=DATABASE),
        }
        for job in _jobs(mysql, postgres, work / "rivals", sizes[0], execute):
            yield from measured(job, installed, execute, f"{sizes[0]:,}", rounds)
            shutil.rmtree(job.directory)


def _jobs(
    mysql: MariaDBServer,
    postgres: PostgresServer,
    work: Path,
    rows: int,
    execute: Mapping[str, Execute],
) -> Iterator[Job]:
    make_table(mysql, _SOURCE, rows)
    execute["postgres"](CREATE.format(table=_SOURCE))
    here, there = mysql.connection(DATABASE), postgres.connection(DATABASE)
    in_mysql, in_postgres = Table("mysql", here, _SOURCE), Table("postgres", there, _SOURCE)
    copy = Job("copy to PostgreSQL", in_mysql, in_postgres, work / "copy")
    run_once(osiris_command(copy))
    ready = Job("copy to CSV", in_mysql, File("csv", work), work / "ready")
    run_once(osiris_command(ready))
    csv, parquet = File("csv", work / "out.csv"), File("parquet", work)
    (ready.directory / "osiris" / "output" / "out.csv").rename(csv.path)
    to_postgres, to_mysql = Table("postgres", there, _TARGET), Table("mysql", here, _TARGET)
    # Not just emptied: some tools change the types of the columns.
    create = f"DROP TABLE IF EXISTS {_TARGET}; {CREATE.format(table=_TARGET)}; CHECKPOINT"
    empty_postgres = partial(execute["postgres"], create)
    empty_mysql = partial(execute["mysql"], f"CREATE OR REPLACE TABLE {_TARGET} LIKE {_SOURCE}")
    yield Job("PostgreSQL → CSV", in_postgres, File("csv", work), work / "a")
    yield Job("MySQL → CSV", in_mysql, File("csv", work), work / "b")
    yield Job("MySQL → PostgreSQL append", in_mysql, to_postgres, work / "c", empty_postgres)
    yield Job("PostgreSQL → MySQL append", in_postgres, to_mysql, work / "d", empty_mysql)
    yield Job("CSV → Parquet", csv, parquet, work / "e")
    execute["mysql"](f"DROP TABLE {_SOURCE}, {_TARGET}")


def measured(
    job: Job,
    installed: Sequence[tuple[Tool, Environment]],
    execute: Mapping[str, Execute],
    rows: str,
    rounds: int,
) -> Iterator[Line]:
    """Run every tool once, look at what it wrote, then run all of them by turns."""
    ours = osiris_command(job)
    run_once(ours)
    expected = summary(job.place_for("osiris"), execute)
    entrants = []
    for tool, environment in installed:
        name = f"{job.name}, {rows} rows: {tool.name}"
        if job.target.kind not in tool.writes:
            yield NotMeasured(name, f"writes no {job.target.kind}")
            continue
        command = tool.command(environment, job)
        try:
            first = run_once(command)
            wrote = differences(expected, summary(job.place_for(tool.name), execute))
        except (CommandFailedError, NothingToReadError) as error:
            yield NotMeasured(name, f"failed: {_last_line(error)}")
            continue
        entrants.append(_Entrant(tool, command, wrote, first))
    mine = _by_turns(ours, [entrant for entrant in entrants if entrant.in_turns], rounds)
    for entrant in entrants:
        yield _figure(f"{job.name}, {rows} rows", entrant, mine)


def _by_turns(ours: Command, entrants: list[_Entrant], rounds: int) -> Series:
    mine = []
    for _ in range(min(rounds, _MOST_ROUNDS)):
        mine.append(run_once(ours))
        for entrant in entrants:
            try:
                entrant.samples.append(run_once(entrant.command))
            except CommandFailedError:
                entrant.failed += 1
    return Series(tuple(mine))


def _figure(name: str, entrant: _Entrant, mine: Series) -> Figure:
    theirs = entrant.series
    told = [
        f"{theirs.seconds:.2f} s, {theirs.megabytes:.0f} MB" + entrant.times,
        f"osiris run {mine.seconds:.2f} s, {mine.megabytes:.0f} MB",
        entrant.wrote,
    ]
    full_name = f"{name}: {entrant.tool.name} {version(entrant.tool.name)}"
    return Figure(full_name, theirs.seconds / mine.seconds, _AHEAD, "; ".join(told))


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:200].replace("|", "/")
