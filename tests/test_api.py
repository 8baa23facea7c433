"""Osiris from Python: the same compiler, engine and records as from the command line."""

import ast
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import get_type_hints

import pytest

import osiris
from osiris.core.errors import (
    CancelledError,
    InputError,
    ManifestError,
    MissingVariableError,
    PipelineError,
    UnwritableOutputError,
    UsageError,
)
from osiris.core.events import Event, StepStart
from osiris.core.records import Record
from osiris.project import Project

ROOT = Path(__file__).parents[1]
CANARY = "canary-of-the-api"

SAMPLE = """\
oml_version: 0.1.0
name: sample
params:
  rows: {type: integer, default: 20}
steps:
  - {id: make, component: sample.source, mode: read, config: {rows: "${params.rows}", delay: 0.01}}
  - {id: keep, component: sample.sink, mode: write, config: {}}
"""

SECRET = """\
oml_version: 0.1.0
name: secret
steps:
  - {id: make, component: sample.secret_source, mode: read, config: {connection: "@sample.vault"}}
  - {id: keep, component: sample.sink, mode: write, config: {}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "osiris.yaml").write_text("name: project\n")
    (root / "pipeline.yaml").write_text(SAMPLE)
    (root / "secret.yaml").write_text(SECRET)
    (root / "osiris_connections.yaml").write_text(
        "connections: {sample: {vault: {token: '${API_TOKEN}'}}}\n"
    )
    return root


def test_importing_osiris_imports_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import osiris; "
        "print(sorted(m for m in set(sys.modules) - before if '.' not in m or 'osiris' in m))"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    imported = ast.literal_eval(done.stdout)
    assert [name for name in imported if name.startswith("osiris")] == ["osiris", "osiris.version"]
    heavy = {"pydantic", "pyarrow", "yaml", "click", "rich", "sqlglot"}
    assert heavy.isdisjoint(imported)


def test_every_public_name_is_there() -> None:
    for name in osiris.__all__:
        assert getattr(osiris, name) is not None
    assert set(dir(osiris)) == set(osiris.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = osiris.nothing  # type: ignore[attr-defined]  # that is what is tested
    assert get_type_hints(osiris.check_pipeline)


def test_a_user_s_code_is_type_checked(tmp_path: Path) -> None:
    """The package says that it is typed, and the lazy names have their types."""
    assert (ROOT / "osiris" / "py.typed").is_file()
    script = tmp_path / "script.py"
    script.write_text(
        "import osiris\n"
        "result = osiris.run_pipeline('p.yaml', options=osiris.RunOptions(jobs=1))\n"
        "reveal_type(result.ok)\n"
        "reveal_type(osiris.compile_pipeline('p.yaml').manifest)\n"
        "osiris.run_pipeline(1)\n"
        "osiris.run_pipline('p.yaml')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "--config-file=", str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'script.py:3: note: Revealed type is "bool"' in done.stdout
    assert 'Revealed type is "pathlib.Path | None"' in done.stdout
    assert 'script.py:6: error: Module has no attribute "run_pipline"' in done.stdout
    assert 'Argument 1 to "run_pipeline" has incompatible type "int"' in done.stdout


def test_run_a_pipeline(project: Path) -> None:
    result = osiris.run_pipeline(project / "pipeline.yaml", params={"rows": 7})
    assert (result.ok, result.exit_code, result.error) == (True, 0, None)
    assert result.status.total_rows == 7
    assert result.layout.root.parent == project / "logs"
    status = json.loads(result.layout.status.read_text())
    assert status["state"] == "completed"


def test_compile_then_run_what_was_compiled(project: Path) -> None:
    compilation = osiris.compile_pipeline(str(project / "pipeline.yaml"))
    assert compilation.manifest is not None
    assert compilation.warnings == ()
    fingerprints = {
        osiris.run_pipeline(what, project=project).layout.root.name
        for what in (compilation.compiled, compilation.manifest, compilation.manifest.parent)
    }
    assert len(fingerprints) == 3
    copies = {path.read_bytes() for path in project.glob("logs/run_*/manifest.yaml")}
    assert copies == {compilation.manifest.read_bytes()}


def test_compile_without_writing(project: Path) -> None:
    compilation = osiris.compile_pipeline(project / "pipeline.yaml", write=False)
    assert compilation.manifest is None
    assert not (project / "logs").exists()
    assert [step.id for step in compilation.compiled.manifest.steps] == ["make", "keep"]


def test_mistakes_are_all_in_the_error(project: Path) -> None:
    path = project / "pipeline.yaml"
    path.write_text(SAMPLE.replace("sample.sink", "sample.snk").replace("mode: read", "mode: red"))
    with pytest.raises(osiris.InvalidPipelineError) as raised:
        osiris.compile_pipeline(path)
    assert isinstance(raised.value, PipelineError)
    assert [problem.line for problem in raised.value.problems] == [6, 7]
    assert raised.value.to_dict()["problems"][1]["hint"] == "did you mean 'sample.sink'?"
    found = osiris.check_pipeline(path)
    assert found.compiled is None
    assert found.problems == list(raised.value.problems)


def test_what_cannot_be_read(project: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml does not exist"):
        osiris.run_pipeline(project / "gone.yaml")
    with pytest.raises(InputError, match="is not a directory"):
        osiris.run_pipeline(project / "pipeline.yaml", project=project / "gone")
    (project / "osiris.yaml").write_text("nam: x\n")
    with pytest.raises(osiris.InvalidPipelineError, match=r"osiris\.yaml cannot be used"):
        osiris.compile_pipeline(project / "pipeline.yaml")


def test_params_do_not_go_with_a_manifest(project: Path) -> None:
    manifest = osiris.compile_pipeline(project / "pipeline.yaml").manifest
    assert manifest is not None
    with pytest.raises(UsageError, match="its parameters were fixed"):
        osiris.run_pipeline(manifest, params={"rows": 1})
    manifest.write_text("osiris_manifest: 1\n")
    with pytest.raises(ManifestError):
        osiris.run_pipeline(manifest)


def test_the_environment_is_what_it_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = project / "secret.yaml"
    monkeypatch.setenv("API_TOKEN", CANARY)
    assert osiris.run_pipeline(pipeline).ok
    missing = osiris.run_pipeline(pipeline, env={})
    assert isinstance(missing.error, MissingVariableError)
    assert missing.exit_code == 4
    monkeypatch.delenv("API_TOKEN")
    (project / ".env").write_text(f"API_TOKEN={CANARY}\n")
    assert osiris.run_pipeline(pipeline).ok
    assert "API_TOKEN" not in os.environ


def test_an_observer_sees_every_record_and_no_secret(project: Path) -> None:
    seen: list[Record] = []
    result = osiris.run_pipeline(
        project / "secret.yaml", env={"API_TOKEN": CANARY}, observer=seen.append
    )
    assert result.ok
    names = [record.name for record in seen if isinstance(record, Event)]
    kept = [json.loads(line)["event"] for line in result.layout.events.read_text().splitlines()]
    assert names == kept
    assert CANARY not in repr(seen)


@pytest.mark.parametrize("error", [OSError("no more"), ValueError("a bug")])
def test_an_observer_that_fails_cannot_break_the_run(project: Path, error: Exception) -> None:
    seen: list[Record] = []

    def observe(record: Record) -> None:
        seen.append(record)
        if len(seen) > 3:
            raise error

    result = osiris.run_pipeline(project / "pipeline.yaml", observer=observe)
    assert (result.ok, result.error) == (True, None)
    assert len(seen) == 4
    assert json.loads(result.layout.status.read_text())["state"] == "completed"
    assert "the run's observer failed" in result.layout.log.read_text()
    assert str(error) in result.layout.debug_log.read_text()


def test_a_run_can_be_cancelled(project: Path) -> None:
    cancel = osiris.CancelToken()

    def observe(record: Record) -> None:
        if isinstance(record, StepStart):
            threading.Thread(target=cancel.cancel).start()

    result = osiris.run_pipeline(
        project / "pipeline.yaml", params={"rows": 100_000}, observer=observe, cancel=cancel
    )
    assert isinstance(result.error, CancelledError)
    assert (result.status.state, result.exit_code) == ("cancelled", 130)


def test_a_failed_step_is_a_result(project: Path) -> None:
    text = SAMPLE.replace("delay: 0.01", "fault: config")
    (project / "pipeline.yaml").write_text(text)
    result = osiris.run_pipeline(project / "pipeline.yaml")
    assert (result.ok, result.exit_code) == (False, 1)
    assert result.status.error is not None
    assert result.status.error["step_id"] == "make"


def test_a_project_that_cannot_be_written(project: Path) -> None:
    compiled = osiris.compile_pipeline(project / "pipeline.yaml", write=False).compiled
    (project / "logs").write_text("a file")
    with pytest.raises(UnwritableOutputError):
        osiris.run_pipeline(compiled, project=project)
    with pytest.raises(UnwritableOutputError):
        osiris.compile_pipeline(project / "pipeline.yaml")


def test_an_unknown_adapter(project: Path) -> None:
    with pytest.raises(UsageError, match="there is no adapter 'moon'") as raised:
        osiris.run_pipeline(project / "pipeline.yaml", adapter="moon")
    assert raised.value.hint is not None
    assert "local" in raised.value.hint


def test_the_project_of_a_pipeline(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(deep)
    assert Project.of().root == project
    assert Project.of(Path("x.yaml")).root == project
    assert Project.of(other / "x.yaml").root == project  # no project of its own: ours
    monkeypatch.chdir(other)
    assert Project.of().root == other
    assert Project.of(project / "a" / "x.yaml").root == project
    (other / "osiris.yaml").touch()
    assert Project.of(project / "a" / "x.yaml").root == project
    (deep / "osiris.yaml").mkdir()  # a directory of that name marks nothing
    assert Project.of(deep / "x.yaml").root == project


@pytest.mark.parametrize(
    "text,values",
    [
        (
            "A=1\nB='two words'\nexport C=\"x#y\"\n# D=4\n\nE=\n",
            {"A": "1", "B": "two words", "C": "x#y", "E": ""},
        ),
        ("A='pa$$w${ord}'\n", {"A": "pa$$w${ord}"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ('A="one\ntwo"\n', {"A": "one\ntwo"}),
    ],
)
def test_what_a_dotenv_says(tmp_path: Path, text: str, values: dict[str, str]) -> None:
    (tmp_path / ".env").write_bytes(text.encode())
    project = Project.at(tmp_path)
    assert project.environment({}) == values
    assert project.environment({"A": "outside"})["A"] == "outside"
    assert project.environment({"A": ""})["A"] == ""


@pytest.mark.parametrize(
    "data,words",
    [
        (b"A=1\nnot a line\n", r"\.env:2: "),
        (b"A='open\nB=2\n", r"\.env:1: "),
        (b"A\n", r"\.env:1: "),
        (b"A=\xff\n", "it is not UTF-8"),
    ],
)
def test_a_dotenv_that_cannot_be_read(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(data)
    with pytest.raises(InputError, match=words):
        Project.at(tmp_path).environment()


def test_a_dotenv_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(InputError, match="Is a directory"):
        Project.at(tmp_path).environment()
