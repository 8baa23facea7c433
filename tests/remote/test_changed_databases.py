"""A database that steps change in a sandbox ends as after a run here, and so do the records."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from tests.remote.database_runs import PLACE, Databases, keep, read, source, write
from tests.support.pipelines import Evidence
from tests.support.sandboxes import ChaosSandbox, FarProvider

UPSERT = {"write_mode": "upsert", "primary_key": ["id"]}
REPLACE = {"write_mode": "replace"}
Steps = dict[str, dict[str, Any]]


def into(name: str, **config: Any) -> dict[str, Any]:
    return {"path": f"data/{name}.duckdb", **config}


def asked(name: str, *after: str) -> dict[str, Any]:
    return read("SELECT count(*) AS n, sum(id) AS s FROM t", *after, path=f"data/{name}.duckdb")


GOOD: Steps = {
    "make": source(),
    "replace": write("make", **into("replaced"), **REPLACE),
    "upsert": write("make", **into("upserted"), **UPSERT),
    "new": write("make", **into("new", create_if_missing=True)),
    "evolve": write("make", **into("evolved"), table="narrow", on_new_column="evolve"),
    "first": write("make", **into("twice"), **REPLACE),
    "second": write("make", "first", path="./data/link.duckdb", table="other"),
    "one": write("make", **into("at_once"), **REPLACE),
    "other": write("make", **into("at_once"), table="other"),
    "before": asked("asked"),
    "kept": keep("before"),
    "between": write("make", "kept", **into("asked"), **REPLACE),
    "after": asked("asked", "between"),
    "told": keep("after"),
    "rows": read("SELECT * FROM itself.t", path="data/itself.duckdb"),
    "back": write("rows", **into("itself"), table="other"),
    "outside": write("make", path="${WHERE}", **REPLACE),
}
BAD: Steps = {
    "unread": asked("text"),  # the first to fail, so that the run's error is no chance
    "make": source(),
    "duplicate": write("make", **into("duplicate")),
    "half": source(fault="data", fault_after=4),
    "nothing": write("half", **into("nothing", create_if_missing=True)),
    "no_file": write("make", **into("none")),
    "no_directory": write("make", path="none/new.duckdb", create_if_missing=True),
    "no_database": write("make", **into("text")),
    "bad": write("make", **into("one_of_two")),
    "good": write("make", **into("one_of_two"), table="other"),
}
CODES = {
    "duplicate": "data.invalid",
    "half": "data.invalid",
    "no_file": "step.config",
    "no_directory": "step.config",
    "no_database": "data.invalid",
    "bad": "data.invalid",
    "unread": "data.invalid",
}
OTHERS = ("replaced", "upserted", "evolved", "twice", "at_once", "asked", "itself")


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    return Databases(tmp_path / "the ${project}")


def begin(databases: Databases) -> None:
    others = (*OTHERS, "duplicate", "one_of_two")
    databases.begin("CREATE TABLE narrow (id BIGINT)", others=others)
    (databases.project / "data/link.duckdb").symlink_to("twice.duckdb")
    (databases.project / "data/text.duckdb").write_text("id,name\n" * 2000)


def run_everywhere(
    databases: Databases, steps: Steps, places: Mapping[str, Callable[[], ExecutionAdapter]]
) -> Evidence:
    """Run the steps here and everywhere else, and compare all that is left."""
    env = {"WHERE": str(databases.path)}
    begin(databases)
    here = databases.run(LocalAdapter(), steps, env=env)
    files = databases.files
    told = {p.name: p.read_bytes() for p in databases.project.glob("out/*")}
    for place, adapter in places.items():
        begin(databases)
        there = databases.run(adapter(), steps, env=env)
        assert databases.files == files, place
        assert {p.name: p.read_bytes() for p in databases.project.glob("out/*")} == told
        assert len(there.events("sandbox_killed")) == 1
        comparison = compare_directories(here.root, there.root)
        assert comparison.same, (place, [d for row in comparison.aspects for d in row.differences])
        assert there.status["error"] == here.status["error"], place
        assert not list(there.root.rglob("*.duckdb*")), place
    return here


def test_all_that_goes_well(
    databases: Databases, places: Mapping[str, Callable[[], ExecutionAdapter]]
) -> None:
    evidence = run_everywhere(databases, GOOD, places)
    assert evidence.result.ok, evidence.status["error"]
    new = [(i, f"row {i}") for i in range(5)]
    for name in ("replaced", "new", "twice", "at_once", "asked", "w"):
        assert databases.rows(name) == new, name
    for name in ("twice", "at_once"):
        assert databases.rows(name, "other") == new, name
    assert (databases.project / "out/before.csv").read_text() == '"n","s"\n2,3\n'
    assert (databases.project / "out/after.csv").read_text() == '"n","s"\n5,10\n'


def test_all_that_fails(
    databases: Databases, places: Mapping[str, Callable[[], ExecutionAdapter]]
) -> None:
    evidence = run_everywhere(databases, BAD, places)
    assert evidence.result.exit_code == 1
    told = evidence.status["steps"]
    codes = {step: status["error"]["code"] for step, status in told.items() if status["error"]}
    assert codes == CODES
    assert databases.rows("one_of_two", "other") == [(i, f"row {i}") for i in range(5)]
    assert databases.rows("one_of_two") == databases.rows("duplicate") == [(1, "a"), (2, "b")]
    assert not (databases.project / "none").exists()


def test_a_large_database(
    databases: Databases, places: Mapping[str, Callable[[], ExecutionAdapter]]
) -> None:
    """It does not travel with the code, and comes back in several parts."""
    rows = "SELECT i AS id, md5(i::VARCHAR) || repeat('x', 20) AS text FROM range(500000) n(i)"
    databases.begin(f"CREATE TABLE large AS {rows}")
    before = databases.sql("SELECT sum(hash(l)) FROM large l")
    assert databases.path.stat().st_size > 9 << 20
    steps = {"make": source(), "load": write("make", **REPLACE)}
    bad_line = E2BTransparentProxy(FarProvider(lambda inner: ChaosSandbox(inner, seed=5)))
    for adapter in (places["bubblewrap"](), places["e2b"](), bad_line):
        evidence = databases.run(adapter, steps)
        assert evidence.result.ok, evidence.status["error"]
        assert databases.sql("SELECT sum(hash(l)) FROM large l") == before
        assert databases.sql("FROM t ORDER BY 1") == [(i, f"row {i}") for i in range(5)]
        (replaced,) = evidence.events("sandbox_target_replaced")
        assert replaced["path"] == PLACE
        assert replaced["bytes"] == databases.path.stat().st_size
        databases.sql("DELETE FROM t")
