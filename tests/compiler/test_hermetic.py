"""The same source gives the same bytes: whenever, wherever, and whoever compiles it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import osiris

PROGRAM = """
import json, os, sys
from pathlib import Path
import osiris
from osiris.compiler.compile_source import compile_source
from osiris.compiler.store import read_connections, read_pipeline, write_compiled
from osiris.components.registry import ComponentRegistry

project, umask, user = Path(sys.argv[1]), int(sys.argv[2], 8), int(sys.argv[3])
def compiled():
    return compile_source(
        read_pipeline(project / "pipeline.yaml"),
        filename="pipeline.yaml",
        connections=read_connections(project),
        params={"day": "2024-01-31"},
        registry=ComponentRegistry(),
    ).require()

os.umask(umask)
if user:
    compiled()  # imports what the other user may not be allowed to read
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
result = compiled()
manifest = write_compiled(result, project)
compiled = manifest.parent
files = {
    str(path.relative_to(compiled)): path.read_bytes().decode()
    for path in sorted(compiled.rglob("*")) if path.is_file()
}
print(json.dumps({"package": osiris.__file__, "files": files}))
"""
PIPELINE = """\
oml_version: 0.1.0
name: hermetic
params: {day: {type: date}}
steps:
  - id: extract
    component: mysql.extractor
    mode: read
    config: {connection: "@mysql", query: "SELECT 'é' FROM t WHERE d = '${params.day}'"}
  - id: files
    component: filesystem.csv_extractor
    mode: read
    config: {path: in/*.csv, columns: {b: integer, a: string}}
  - id: join
    component: duckdb.processor
    mode: transform
    needs: [extract, files]
    config: {query: "FROM extract JOIN files USING (id)"}
  - id: write
    component: filesystem.csv_writer
    mode: write
    config: {path: "out/${params.day}.csv"}
"""
CONNECTIONS = """\
connections:
  mysql:
    main: {default: true, host: "${H:-localhost}", user: u, password: "${PW}"}
"""


@dataclass(frozen=True)
class Surroundings:
    """What a compilation must not depend on."""

    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None
    umask: str = "022"
    user: int = 0


def compiled(project: Path, around: Surroundings) -> dict[str, Any]:
    """Compile in a new process; give the path of the package and the files written."""
    project.mkdir(parents=True, exist_ok=True)
    (project / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    (project / "osiris_connections.yaml").write_text(CONNECTIONS, encoding="utf-8")
    if around.user:
        for path in (project, *project.iterdir()):
            os.chown(path, around.user, around.user)
    fixed = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(project), around.umask, str(around.user)],
        env={**os.environ, **fixed, **around.env},
        cwd=around.cwd or project,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    files = compiled(tmp_path_factory.mktemp("project"), Surroundings())["files"]
    assert len(files) == 5
    return dict(files)


@pytest.mark.parametrize(
    "around",
    [
        Surroundings({"PYTHONHASHSEED": "1"}),
        Surroundings({"PYTHONHASHSEED": "4242"}),
        Surroundings({"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "tr_TR.UTF-8"}),
        Surroundings({"PYTHONUTF8": "0", "LC_ALL": "POSIX", "PYTHONOPTIMIZE": "1"}),
        Surroundings({"HOME": "/nonexistent", "USER": "x", "HOSTNAME": "y", "PW": "secret"}),
        Surroundings(umask="077"),
        Surroundings(cwd="/"),
    ],
    ids=str,
)
def test_the_surroundings_change_nothing(
    around: Surroundings, reference: dict[str, str], tmp_path: Path
) -> None:
    assert compiled(tmp_path / "a" / "project with blanks", around)["files"] == reference


def test_another_place_of_the_package_changes_nothing(
    reference: dict[str, str], tmp_path: Path
) -> None:
    clone = tmp_path / "clone" / "osiris"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(osiris.__file__).parent, clone, ignore=ignored)
    found = compiled(tmp_path / "project", Surroundings({"PYTHONPATH": str(clone.parent)}))
    assert found["package"] == str(clone / "__init__.py")
    assert found["files"] == reference


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_changes_nothing(reference: dict[str, str]) -> None:
    base = Path("/var/tmp") / f"osiris-test-{os.getpid()}"  # pytest's own lets only root in
    try:
        assert compiled(base, Surroundings(user=65534))["files"] == reference
    finally:
        shutil.rmtree(base, ignore_errors=True)
