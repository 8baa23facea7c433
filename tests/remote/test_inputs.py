"""Steps that read local files read the same in a sandbox, and say the same when they cannot."""

import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import osiris
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult, run_compiled
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.support.sandboxes import ChaosSandbox, FarProvider

PIPELINE = """\
oml_version: 0.1.0
name: inputs
steps:
  - {{id: read, component: filesystem.csv_extractor, mode: read, config: {{path: '{path}'}}}}
  - {{id: write, component: filesystem.csv_writer, mode: write, config: {{path: out/rows.csv}}}}
"""
CHAOS = FarProvider(lambda inner: ChaosSandbox(inner, seed=3))
# A process sandbox is what lies behind "far"; here it would see every file anyway.
PLACES: Mapping[str, Callable[[], ExecutionAdapter]] = {
    "bubblewrap": sandbox_adapter,
    "far": lambda: E2BTransparentProxy(FarProvider()),
    "chaos": lambda: E2BTransparentProxy(CHAOS),
}
ROWS = "id,name\n" + "".join(f"{i},row {i}\n" for i in range(1000))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with files in it, beside it, and a large one."""
    project = tmp_path / "the project"
    (project / "data" / "deep").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for name in ("data/a.csv", "data/b.csv", "data/deep/c.csv", "../outside/d.csv"):
        (project / name).write_text(ROWS)
    (project / "data/e.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    # Both are too large for the bundle.
    (project / "data/large.csv").write_text("id,text\n" + f"7,{'žluťoučký kůň ' * 9}\n" * 15_000)
    (project / "data/bad.csv").write_text(
        "text,n\n" + f"{'x' * 99},2\n" * 12_000 + "x,not a number\n"
    )
    (project / "data/cut.csv.gz").write_bytes(gzip.compress(ROWS.encode())[:-99])
    (tmp_path / "outside/empty.csv").touch()
    (project / "data/link.csv").symlink_to("../../outside/d.csv")
    (project / ".env").write_text("SECRET=not for the sandbox\n")
    return project


def run(project: Path, path: str, adapter: ExecutionAdapter) -> RunResult:
    pipeline = project / "pipeline.yaml"
    pipeline.write_text(PIPELINE.format(path=path))
    compiled = osiris.compile_pipeline(pipeline, project=project, write=False).compiled
    return run_compiled(compiled, adapter, project=project, env={"READ_FROM": "data/b.csv"})


PATHS = [
    "data/a.csv",
    "data/[ab].csv",
    "data/**/c.csv",
    "../outside/d.csv",
    "data/e.csv.gz",
    "data/large.csv",
    "data/link.csv",
    "./data/../data/a.csv",
    "${READ_FROM}",
]
FAILING = {
    "data/bad.csv": "data/bad.csv:12002: column 'n': 'not a number' does not fit bigint",
    "./data/none.csv": "cannot read data/none.csv: No such file or directory",
    "data/none*.csv": "no file matches data/none*.csv",
    "data": "data is a directory",
    "data/*": "data/* matches files of different compressions",
    "data/cut.csv.gz": "data/cut.csv.gz: IO Error: Unexpected end of GZIP stream: data/cut.csv.gz",
    "../outside/empty.csv": "{beside}/outside/empty.csv is empty; ",
}


CASES = [
    (path, place)
    for path in [*PATHS, *FAILING]
    for place in PLACES
    if place != "chaos" or path in {"data/[ab].csv", "data/large.csv", "data/bad.csv"}
]


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("path,place", CASES)
def test_the_same_files_are_read(project: Path, path: str, place: str) -> None:
    here = run(project, path, LocalAdapter())
    assert here.ok == (path in PATHS)
    told = (project / "out/rows.csv").read_bytes() if here.ok else None
    there = run(project, path, PLACES[place]())
    comparison = compare_directories(here.layout.root, there.layout.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]
    assert there.status.error == here.status.error
    if there.status.error is not None:
        expected = FAILING[path].format(beside=project.parent)
        assert there.status.error["message"].startswith(expected)
    if told is not None:
        assert (project / "out/rows.csv").read_bytes() == told


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("place", PLACES)
def test_an_absolute_path_is_the_same_inside(project: Path, place: str) -> None:
    result = run(project, str(project.parent / "outside/d.csv"), PLACES[place]())
    assert result.ok
    assert len((project / "out/rows.csv").read_text().splitlines()) == 1001


def test_a_socket_cannot_be_brought_anywhere(project: Path) -> None:
    os.mkfifo(project / "data/pipe.csv")
    result = run(project, "data/pipe.csv", E2BTransparentProxy(FarProvider()))
    assert result.exit_code == 4
    assert result.error is not None
    assert "not a plain file" in result.error.message
    assert "'read'" in result.error.message
