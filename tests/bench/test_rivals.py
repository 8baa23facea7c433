"""Rivals are installed apart, a failing one costs only its own line, and lost values are said."""

import shlex
import zipfile
from pathlib import Path

import pytest

from bench.figure import Figure, Floor, NotMeasured
from bench.rivals.copied_values import NothingToReadError, differences, summary
from bench.rivals.environment import CannotInstallError, Environment, install, version
from bench.rivals.figures import measured
from bench.rivals.jobs import File, Job, Place, Table
from bench.rivals.tools import TOOLS, Tool
from tests.conftest import Database
from tests.support.postgres import PostgresDatabase

_ROWS = (
    "id,name,note,amount,at,quantity,ratio,active\n"
    '1,"Ærø, 1","say ""a""",425156.11,2020-10-30 06:46:06.227959,,0.24697400676086545,true\n'
    "2,Žofie,,986291.40,2020-03-24 18:05:21.985038,7,0.5782243893481791,false\n"
)
_ELSEWHERE = {"host": "db.example", "port": 1, "user": "u", "password": "p@ss/1", "database": "d"}
_TABLE = (
    "CREATE TABLE {} (id BIGINT, name VARCHAR(9), note VARCHAR(9), amount NUMERIC(12, 2),"
    " at TIMESTAMP, quantity INT, ratio DOUBLE PRECISION, active SMALLINT)"
)
_VALUES = (
    "INSERT INTO {} VALUES (1, 'a', '', 1.50, '2020-10-30 06:46:06', NULL, 0.1, 1),"
    " (2, 'b', 'x', 2.50, '2020-10-30 06:46:06', 7, 0.2, 0)"
)


def _csv(directory: Path, text: str = _ROWS) -> File:
    directory.mkdir()
    (directory / "out.csv").write_text(text)
    return File("csv", directory)


def _compared(tmp_path: Path, other: str) -> str:
    ours, theirs = _csv(tmp_path / "ours"), _csv(tmp_path / "theirs", other)
    return differences(summary(ours, {}), summary(theirs, {}))


def test_order_and_spelling_are_no_difference(tmp_path: Path) -> None:
    head, one, two = _ROWS.splitlines()
    one = one.replace("425156.11", "425156.1100000000").replace("true", "1")
    two = two.replace(" 18:05:21.985038", "T18:05:21.985038")
    assert _compared(tmp_path, f"{head}\n{two}\n{one}\n") == "same values"


@pytest.mark.parametrize(
    "change,said",
    [
        (("0.24697400676086545", "0.246974"), "OTHER VALUES in ratio"),
        (("986291.40", "986291.41"), "OTHER VALUES in amount"),
        ((".227959", ".227"), "OTHER VALUES in at"),
        ((",7,", ",,"), "OTHER VALUES in quantity"),
        (("false\n", "false\n3,,,,,,,\n"), "WRITES 3 ROWS OF 2"),
    ],
)
def test_what_is_lost_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert _compared(tmp_path, _ROWS.replace(*change)) == said


def test_values_of_two_rows_exchanged_are_seen(tmp_path: Path) -> None:
    swapped = _ROWS.replace("425156.11", "?").replace("986291.40", "425156.11")
    said = _compared(tmp_path, swapped.replace("?", "986291.40"))
    assert said == "OTHER VALUES in which values stand in one row"


def test_nothing_written_is_an_error_and_not_a_summary(tmp_path: Path) -> None:
    with pytest.raises(NothingToReadError, match=r"No files found"):
        summary(File("csv", tmp_path), {})


def test_a_table_with_other_types_or_values_is_told_apart(
    database: Database, pg: PostgresDatabase
) -> None:
    servers: dict[str, Database | PostgresDatabase] = {"mysql": database, "postgres": pg}
    execute = {kind: server.execute for kind, server in servers.items()}
    changed = {
        "mysql": "ALTER TABLE theirs MODIFY active TEXT",
        "postgres": "ALTER TABLE theirs ALTER active TYPE text",
    }
    for kind, server in servers.items():
        for name in ("ours", "theirs"):
            server.execute(_TABLE.format(name))
            server.execute(_VALUES.format(name))
        ours = Table(kind, server.connection(), "ours")
        theirs = Table(kind, server.connection(), "theirs")
        same = summary(ours, execute)
        assert differences(same, summary(theirs, execute)) == "same values"
        server.execute(changed[kind])
        assert differences(same, summary(theirs, execute)) == "same values, active as text"
        server.execute("UPDATE theirs SET ratio = 0.3 WHERE id = 2")
        said = differences(same, summary(theirs, execute))
        assert said == "OTHER VALUES in ratio, active as text"
        server.execute("ALTER TABLE theirs DROP COLUMN note")
        with pytest.raises(NothingToReadError, match="note"):
            summary(theirs, execute)


def test_every_tool_has_a_pinned_version_and_a_command_for_what_it_writes(tmp_path: Path) -> None:
    tables = [Table(kind, _ELSEWHERE, "t") for kind in ("mysql", "postgres")]
    jobs = [
        Job("", tables[0], tables[1], tmp_path),
        Job("", tables[1], File("csv", tmp_path), tmp_path),
    ]
    for tool in TOOLS:
        assert version(tool.name).count(".") == 2
        for job in jobs:
            if job.target.kind in tool.writes:
                command = tool.command(Environment(tmp_path), job)
                assert "p%40ss%2F1" in shlex.join(command.argv)
                assert Path(command.env["HOME"]).is_relative_to(tmp_path)
                assert command.env["SLING_DISABLE_TELEMETRY"] == "true"


def _scripted(name: str, script: str) -> Tool:
    def argv(_: Environment, job: Job, place: Place) -> list[str]:
        assert isinstance(place, File)
        ours = job.directory / "osiris" / "output" / "out.parquet"
        return ["sh", "-c", script.format(ours=ours, out=place.path / "out.parquet")]

    return Tool(name, argv)


def test_tools_that_fail_or_cannot_cost_only_their_own_lines(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(_ROWS)
    source, target = File("csv", tmp_path / "in.csv"), File("parquet", tmp_path)
    job = Job("CSV → Parquet", source, target, tmp_path / "job")
    tools = [
        Tool("connectorx", lambda *_: [], writes=("csv",)),
        _scripted("sling", "echo 'no | room' >&2; exit 3"),
        _scripted("ingestr", "true"),
        _scripted("dlt", "cp {ours} {out}"),
    ]
    lines = list(measured(job, [(tool, Environment(tmp_path)) for tool in tools], {}, "2", 2))
    told = [str(line) for line in lines]
    assert [type(line) for line in lines] == [NotMeasured, NotMeasured, NotMeasured, Figure]
    assert "connectorx | – | – | not measured | writes no parquet" in told[0]
    assert "sling | – | – | not measured | failed: no / room" in told[1]
    assert "ingestr | – | – | not measured | failed: " in told[2]
    assert "| > 1 × |" in told[3]
    assert told[3].endswith("; same values |")


def _wheel(directory: Path) -> Path:
    wheel = directory / "rival-1.2.3-py3-none-any.whl"
    info = "rival-1.2.3.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("rival.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: rival\nVersion: 1.2.3\n")
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def test_a_rival_is_installed_once_and_one_that_cannot_be_leaves_nothing(tmp_path: Path) -> None:
    kept, wheel = tmp_path / "kept", _wheel(tmp_path)
    offline = f"\n--no-index\n--find-links {tmp_path}\n"
    (tmp_path / "rival.txt").write_text(f"rival==1.2.3{offline}")
    (tmp_path / "absent.txt").write_text(f"absent==4.5.6{offline}")
    installed = install("rival", kept, tmp_path)
    assert Path(installed.package_file("rival.py")).exists()
    wheel.unlink()
    assert install("rival", kept, tmp_path) == installed
    assert (version("rival", tmp_path), version("absent", tmp_path)) == ("1.2.3", "4.5.6")
    with pytest.raises(CannotInstallError, match=r"absent==4\.5\.6"):
        install("absent", kept, tmp_path)
    assert [path.name.partition("-")[0] for path in kept.iterdir()] == ["rival"]


@pytest.mark.parametrize("measured_value,verdict", [(1.0, "MISSED"), (1.01, "held")])
def test_a_floor_holds_above_it_only(measured_value: float, verdict: str) -> None:
    line = str(Figure("rival", measured_value, Floor(1.0, "×"), "beside"))
    assert line == f"| rival | {measured_value:.3g} × | > 1 × | {verdict} | beside |"
