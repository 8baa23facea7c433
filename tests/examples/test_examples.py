"""The bundled examples, run as their READMEs say, give what is in their data."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Database

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLES = ("actors", "directors", "movie_actors", "movies", "reviews")


def _project(name: str, tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("logs", "output", ".env")
    return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignored))


def _osiris(project: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("osiris"), *arguments],
        cwd=project,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(project: Path, env: Mapping[str, str] | None = None) -> Path:
    _osiris(project, "compile", "pipeline.yaml", env=env)
    _osiris(project, "run", "--last-compile", env=env)
    (run,) = project.glob("logs/run_*")
    return run


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_demo_rates_movies_and_directors(tmp_path: Path) -> None:
    project = _project("demo", tmp_path)
    run = _run(project)
    movies = _rows(project / "output" / "movie_ratings.csv")
    reviewed = {row["movie_id"] for row in _rows(project / "data" / "reviews.csv")}
    assert len(movies) == len(reviewed)
    assert sum(int(row["reviews"]) for row in movies) == 50
    stars = [float(row["stars"]) for row in movies]
    assert stars == sorted(stars, reverse=True)
    directors = _rows(project / "output" / "director_ratings.csv")
    assert sum(int(row["movies"]) for row in directors) == len(movies)
    status = json.loads((run / "status.json").read_text())
    assert (status["ok"], status["steps_completed"], status["exit_code"]) == (True, 7, 0)


@pytest.fixture
def movies_env(database: Database) -> Mapping[str, str]:
    database.script((EXAMPLES / "movies" / "schema.sql").read_text("utf-8"))
    return {
        "MYSQL_HOST": database.server.host,
        "MYSQL_PORT": str(database.server.port),
        "MYSQL_DATABASE": database.name,
        "MYSQL_USER": database.server.login.user,
        "MYSQL_PASSWORD": database.server.login.password,
    }


def test_movies_leaves_the_whole_tree(
    tmp_path: Path, database: Database, movies_env: Mapping[str, str]
) -> None:
    project = _project("movies", tmp_path)
    run = _run(project, movies_env)
    steps = [s for t in TABLES for s in (_id("extract", t), f"{_id('write', t)}-csv")]
    status = json.loads((run / "status.json").read_text())
    assert (status["ok"], status["steps_completed"], status["exit_code"]) == (True, 10, 0)
    records = {"events.jsonl", "metrics.jsonl", "osiris.log", "debug.log", "status.json"}
    assert {p.name for p in run.iterdir()} == records | {"manifest.yaml", "cfg", "artifacts"}
    assert {p.name for p in (run / "cfg").iterdir()} == {f"{step}.json" for step in steps}
    assert {p.name for p in (run / "artifacts").iterdir()} == set(steps)
    for table in TABLES:
        count = database.execute(f"SELECT count(*) FROM {table}")[0][0]
        assert len(_rows(project / "output" / f"{table}.csv")) == count
        assert (run / "artifacts" / _id("extract", table) / "output.csv").is_file()
        assert (run / "artifacts" / f"{_id('write', table)}-csv" / f"{table}.csv").is_file()


def test_movies_keeps_what_is_awkward(
    tmp_path: Path, database: Database, movies_env: Mapping[str, str]
) -> None:
    project = _project("movies", tmp_path)
    run = _run(project, movies_env)
    movies = {row["id"]: row for row in _rows(project / "output" / "movies.csv")}
    assert movies["4"]["title"] == '"Quiet," She Said'
    assert movies["12"]["synopsis"] == "Nobody gets off.\nNobody ever got on."
    assert movies["15"]["title"] == "C:\\Memory"
    assert movies["17"]["title"] == "Żubr"
    text = (project / "output" / "movies.csv").read_text("utf-8")
    assert ',""\n' in text, "the empty synopsis of movie 19 is an empty string"
    nulls = r'^11,"?Untitled"?,10,,,"?documentary"?,0,,,$'
    assert re.search(nulls, text, re.MULTILINE), "the NULLs of movie 11 are empty and not quoted"
    budget = database.execute("SELECT budget FROM movies WHERE id = 1")[0][0]
    assert movies["1"]["budget"] == str(budget)
    secret = movies_env["MYSQL_PASSWORD"].encode()
    assert not [p for p in run.rglob("*") if p.is_file() and secret in p.read_bytes()]


def _id(verb: str, table: str) -> str:
    return f"{verb}-{table.replace('_', '-')}"
