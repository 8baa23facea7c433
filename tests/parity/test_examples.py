"""The bundled examples leave the same evidence one step at a time and overlapping, well or ill."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

import osiris
from osiris.core.run_options import RunOptions
from osiris.parity.aspects import Aspect
from tests.conftest import Database

EXAMPLES = Path(__file__).parents[2] / "examples"


def twice(
    tmp_path: Path, example: str, env: Mapping[str, str], exit_code: int
) -> osiris.Comparison:
    """Run an example in two projects, differently, and compare."""
    runs = []
    for jobs, budget in ((1, 1), (4, 1 << 26)):
        project = tmp_path / f"{example}-{jobs}"
        ignored = shutil.ignore_patterns("logs", "output", ".env")
        shutil.copytree(EXAMPLES / example, project, ignore=ignored)
        options = RunOptions(jobs=jobs, exchange_budget=budget)
        done = osiris.run_pipeline(project / "pipeline.yaml", env=env, options=options)
        assert done.exit_code == exit_code
        runs.append(done.layout.root)
    return osiris.compare_runs(*runs, project=tmp_path)


def assert_same(comparison: osiris.Comparison) -> None:
    assert [one for row in comparison.differing for one in row.differences] == []


@pytest.fixture
def env(database: Database) -> dict[str, str]:
    database.script((EXAMPLES / "movies" / "schema.sql").read_text("utf-8"))
    return {
        "MYSQL_HOST": database.server.host,
        "MYSQL_PORT": str(database.server.port),
        "MYSQL_DATABASE": database.name,
        "MYSQL_USER": database.server.login.user,
        "MYSQL_PASSWORD": database.server.login.password,
    }


def test_demo(tmp_path: Path) -> None:
    assert_same(twice(tmp_path, "demo", {}, 0))


def test_movies(tmp_path: Path, env: dict[str, str]) -> None:
    comparison = twice(tmp_path, "movies", env, 0)
    assert_same(comparison)
    rows = {row.aspect: row.a for row in comparison.aspects}
    assert rows[Aspect.CONFIG_LOADING] == "10 opened"
    assert rows[Aspect.CONNECTION_RESOLUTION] == "5 resolved"
    assert rows[Aspect.ARTIFACTS] == "10 files"


def test_movies_with_a_branch_that_fails(
    tmp_path: Path, database: Database, env: dict[str, str]
) -> None:
    database.execute("DROP TABLE reviews")
    comparison = twice(tmp_path, "movies", env, 1)
    assert_same(comparison)
    rows = {row.aspect: row.a for row in comparison.aspects}
    assert rows[Aspect.STEP_FAILURE] == "1 failed, 1 skipped"


def test_movies_with_a_wrong_password(tmp_path: Path, env: dict[str, str]) -> None:
    assert_same(twice(tmp_path, "movies", {**env, "MYSQL_PASSWORD": "wrong password"}, 1))


def test_movies_without_a_password(tmp_path: Path, env: dict[str, str]) -> None:
    del env["MYSQL_PASSWORD"]
    assert_same(twice(tmp_path, "movies", env, 4))


def test_a_row_that_changed_in_the_database_is_found(
    tmp_path: Path, database: Database, env: dict[str, str]
) -> None:
    project = tmp_path / "movies"
    ignored = shutil.ignore_patterns("logs", "output", ".env")
    shutil.copytree(EXAMPLES / "movies", project, ignore=ignored)
    one = osiris.run_pipeline(project / "pipeline.yaml", env=env).layout.root
    database.execute("UPDATE actors SET name = 'Somebody' WHERE id = 3")
    other = osiris.run_pipeline(project / "pipeline.yaml", env=env).layout.root
    comparison = osiris.compare_runs(one, other)
    found = {
        difference.where: difference.place
        for row in comparison.differing
        for difference in row.differences
        if row.aspect is Aspect.ARTIFACTS
    }
    assert set(found) == {
        "artifacts/extract-actors/output.csv",
        "artifacts/write-actors-csv/actors.csv",
    }
    for place in found.values():
        assert place is not None
        assert (place.row, place.column, place.b) == (3, "name", "Somebody")
