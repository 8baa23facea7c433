"""`osiris run`: what it runs, what it says, what it ends with."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import COMMAND, ROOT, Done, Osiris, plain

CANARY = "canary-9f3e-token"


def _runs(osiris: Osiris) -> list[Path]:
    return sorted((osiris.cwd / "logs").glob("run_*"))


def _compiled(osiris: Osiris, pipeline: str = "sample.yaml") -> Path:
    done = osiris("compile", pipeline, "--json")
    assert done.code == 0, done.err
    return Path(done.document["manifest"])


def test_a_pipeline_is_compiled_and_run(sample: Osiris) -> None:
    done = sample("run", "sample.yaml")
    assert done.code == 0, done.err
    (run,) = _runs(sample)
    lines = done.out.splitlines()
    assert lines[0] == f"{run.name}  completed  sample"
    head = ["STEP", "STATE", "ROWS IN", "ROWS OUT", "SIZE", "TIME", "ROWS/S"]
    assert re.split(r"  +", lines[2]) == head
    steps = [re.split(r"  +", line)[:4] for line in lines[3:6]]
    assert steps == [
        ["make", "completed", "-", "20"],
        ["pass", "completed", "20", "20"],
        ["keep", "completed", "20", "20"],
    ]
    assert f"records    logs/{run.name}" in lines
    assert re.fullmatch(r"total      20 rows written, 3 of 3 steps completed, .+", lines[-1])
    assert len(list((sample.cwd / "logs").glob("compile_*"))) == 1


def test_progress_goes_to_stderr_as_lines_with_the_time(sample: Osiris) -> None:
    done = sample("run", "branches.yaml")
    lines = done.err.splitlines()
    progress = [re.fullmatch(r"\d\d:\d\d:\d\d (.+)", line) for line in lines]
    told = [match[1] for match in progress if match]
    assert told[0] == "running branches, 4 steps"
    for text in (
        "good: started (sample.source)",
        "bad: skipped",
        "keep-bad: skipped (upstream_failed because of bad)",
    ):
        assert (text in told) is (text != "bad: skipped")
    assert any(re.fullmatch(r"keep-good: completed, 10 rows in .+", text) for text in told)
    assert any(re.fullmatch(r"bad: failed after .+: the sample refuses", text) for text in told)
    assert not re.search(r"\d\d:\d\d:\d\d", done.out)


def test_a_failed_step_ends_with_1_and_says_why(sample: Osiris) -> None:
    done = sample("run", "branches.yaml")
    assert done.code == 1
    assert done.err.endswith("error: step bad: the sample refuses\nhint: ask nicely\n")
    lines = "\n".join(done.out.splitlines()[2:])
    states = dict(re.findall(r"^(\S+) +(completed|failed|skipped \(bad\))", lines, re.MULTILINE))
    assert states == {
        "good": "completed",
        "keep-good": "completed",
        "bad": "failed",
        "keep-bad": "skipped (bad)",
    }


def test_as_json_it_is_what_the_records_say(sample: Osiris) -> None:
    done = sample("run", "branches.yaml", "--json")
    assert done.code == 1
    document = done.document
    (run,) = _runs(sample)
    assert document["session"] == run.name
    assert document["directory"] == str(run)
    status = json.loads((run / "status.json").read_text())
    for key in ("state", "ok", "exit_code", "total_rows", "error", "fingerprint", "steps_failed"):
        assert document[key] == status[key], key
    assert {step["id"]: step["state"] for step in document["steps"]} == {
        "good": "completed",
        "keep-good": "completed",
        "bad": "failed",
        "keep-bad": "skipped",
    }
    assert document == sample("logs", "show", "--json").document


def test_fail_fast_stops_everything(sample: Osiris) -> None:
    pipeline = (sample.cwd / "branches.yaml").read_text()
    slow = pipeline.replace("{rows: 10}", "{rows: 1000, delay: 0.05}")
    (sample.cwd / "branches.yaml").write_text(slow)
    document = sample("run", "branches.yaml", "--fail-fast", "--jobs", "4", "--json").document
    assert document["exit_code"] == 1
    assert {step["id"]: step["state"] for step in document["steps"]}["keep-good"] == "skipped"


def test_jobs_and_step_outputs_reach_the_engine(sample: Osiris) -> None:
    done = sample("run", "sample.yaml", "--jobs", "1", "--step-outputs", "parquet")
    assert done.code == 0, done.err
    (run,) = _runs(sample)
    assert (run / "artifacts" / "make" / "output.parquet").is_file()
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    (session,) = [event for event in events if event["event"] == "session_initialized"]
    assert session["jobs"] == 1


def test_a_manifest_runs_as_it_is(sample: Osiris) -> None:
    manifest = _compiled(sample)
    (sample.cwd / "sample.yaml").unlink()
    fingerprints = {
        sample("run", *arguments, "--json").document["fingerprint"]
        for arguments in ([manifest], [manifest.parent], ["--last-compile"])
    }
    assert len(fingerprints) == 1
    assert len(list((sample.cwd / "logs").glob("compile_*"))) == 1
    assert len(_runs(sample)) == 3


def test_a_project_is_found_from_the_pipeline(sample: Osiris, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = sample("run", sample.cwd / "sample.yaml", cwd=elsewhere)
    assert done.code == 0, done.err
    assert len(_runs(sample)) == 1
    assert list(elsewhere.iterdir()) == []
    below = sample.cwd / "deep" / "er"
    below.mkdir(parents=True)
    assert sample("run", "../../sample.yaml", cwd=below).code == 0
    assert sample("-C", sample.cwd, "run", "sample.yaml", cwd=elsewhere).code == 0
    assert len(_runs(sample)) == 3
    assert list(elsewhere.iterdir()) == []


def test_params_are_given_to_the_compiler(sample: Osiris) -> None:
    assert sample("run", "sample.yaml", "--param", "rows=7", "--json").document["total_rows"] == 7
    done = sample("run", "sample.yaml", "--param", "rows=many", "--param", "rosw=1")
    assert done.code == 3
    assert "sample.yaml has 2 problems" in done.err
    assert "--param: params.rows: must be a whole number" in done.err
    assert "did you mean 'rows'?" in done.err
    assert len(_runs(sample)) == 1


@pytest.mark.parametrize(
    "arguments,words",
    [
        ((), "nothing to run: name a pipeline or a manifest"),
        (("sample.yaml", "--last-compile"), "--last-compile and sample.yaml both say what to run"),
        (("--last-compile", "--param", "rows=1"), "--param does not go with --last-compile"),
        (("MANIFEST", "--param", "rows=1"), "is a compiled manifest: its parameters were fixed"),
    ],
)
def test_what_does_not_go_together(sample: Osiris, arguments: tuple[str, ...], words: str) -> None:
    manifest = _compiled(sample)
    given = [manifest if argument == "MANIFEST" else argument for argument in arguments]
    done = sample("run", *given)
    assert done.code == 2
    assert words in done.err
    assert "hint: " in done.err
    assert _runs(sample) == []


def test_nothing_was_compiled_yet(sample: Osiris) -> None:
    done = sample("run", "--last-compile")
    assert done.code == 3
    assert "hint: " in done.err


def test_mistakes_in_the_pipeline_are_all_told(sample: Osiris) -> None:
    text = (sample.cwd / "sample.yaml").read_text()
    (sample.cwd / "sample.yaml").write_text(
        text.replace("sample.mapper", "sample.maper").replace("mode: write", "mode: read")
    )
    done = sample("run", "sample.yaml")
    assert (done.code, done.out) == (3, "")
    assert "error: sample.yaml has 2 problems" in done.err
    assert re.search(
        r"^sample\.yaml:7:\d+: steps\[1\]\.component: .*'sample\.maper'", done.err, re.MULTILINE
    )
    assert re.search(r"^sample\.yaml:8:\d+: steps\[2\]\.mode: ", done.err, re.MULTILINE)
    problems = sample("run", "sample.yaml", "--json").document["error"]["problems"]
    assert [problem["line"] for problem in problems] == [7, 8]
    assert _runs(sample) == []


def test_damage_to_a_manifest_is_told(sample: Osiris) -> None:
    manifest = _compiled(sample)
    cfg = manifest.parent / "cfg" / "make.json"
    cfg.write_bytes(cfg.read_bytes().replace(b"20", b"30"))
    assert sample("run", manifest).code == 3
    cfg.unlink()
    done = sample("run", manifest)
    assert done.code == 3
    assert "make.json is missing" in done.err
    manifest.write_text("osiris_manifest: 1\n")
    assert sample("run", manifest).code == 3
    assert sample("run", "gone.yaml").code == 3


def test_a_missing_variable_ends_with_4_and_a_true_status(sample: Osiris) -> None:
    done = sample("run", "secret.yaml")
    assert done.code == 4
    assert "environment variable VAULT_TOKEN is not set" in done.err
    assert ".env" in done.err
    (run,) = _runs(sample)
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("failed", 4)
    assert status["error"]["code"] == "environment.missing_variable"


def test_dotenv_is_read_and_does_not_override(sample: Osiris) -> None:
    (sample.cwd / ".env").write_text(f"VAULT_TOKEN='{CANARY}'\n")
    assert sample("run", "secret.yaml").code == 0
    assert sample("run", "secret.yaml", VAULT_TOKEN="from-outside").code == 0
    runs = [run.read_text() for run in (sample.cwd / "logs").glob("run_*/debug.log")]
    assert not any(CANARY in text or "from-outside" in text for text in runs)


def test_a_broken_dotenv_is_told_with_its_line(sample: Osiris) -> None:
    (sample.cwd / ".env").write_text("A=1\nVAULT_TOKEN='unclosed\n")
    done = sample("run", "secret.yaml")
    assert done.code == 3
    assert re.search(r"\.env:2: this line is not NAME=value", done.err)
    assert "unclosed" not in done.err
    (sample.cwd / ".env").write_bytes(b"A=\xff\n")
    assert "it is not UTF-8" in sample("run", "secret.yaml").err


@pytest.mark.parametrize("fault", ["none", "config", "crash"])
@pytest.mark.parametrize("options", [("--verbose",), ("--json",), ()])
def test_a_secret_is_nowhere(sample: Osiris, fault: str, options: tuple[str, ...]) -> None:
    pipeline = sample.cwd / "secret.yaml"
    config = f'connection: "@sample.vault", fault: {fault}'
    pipeline.write_text(pipeline.read_text().replace('connection: "@sample.vault"', config))
    done = sample("run", "secret.yaml", *options, VAULT_TOKEN=CANARY)
    assert done.code == (0 if fault == "none" else 1)
    assert CANARY not in done.out + done.err
    for path in (sample.cwd / "logs").rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_verbose_shows_every_record(sample: Osiris) -> None:
    done = sample("run", "sample.yaml", "-v")
    (run,) = _runs(sample)
    for path, key in ((run / "events.jsonl", "event"), (run / "metrics.jsonl", "metric")):
        records = [json.loads(line) for line in path.read_text().splitlines()]
        names = {record[key] for record in records}
        shown = [line.split()[1] for line in done.err.splitlines()]
        assert {name: shown.count(name) for name in names} == {
            name: sum(record[key] == name for record in records) for name in names
        }


def test_a_place_that_cannot_be_written(sample: Osiris) -> None:
    manifest = sample("compile", "sample.yaml", "--out", "compiled", "--json").document["manifest"]
    (sample.cwd / "logs").write_text("a file where the directory should be")
    done = sample("run", "sample.yaml")
    assert done.code == 4
    assert "cannot write the compiled pipeline below" in done.err
    done = sample("run", manifest)
    assert done.code == 4
    assert re.match(r"error: cannot write .*logs/run_\w+: Not a directory\nhint: ", done.err)


def test_without_a_terminal_nothing_is_imported_that_only_a_terminal_needs(sample: Osiris) -> None:
    code = (
        "import os, sys; from osiris.cli.main import outcome; out = os.fdopen(os.dup(1), 'w'); "
        "code = outcome(['run', 'sample.yaml']); "
        "print(code, [m for m in ('rich', 'duckdb', 'pymysql') if m in sys.modules], file=out)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=sample.cwd,
        env=sample.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def _shown(done: Done) -> list[str]:
    """Return what is left on the screen, as a terminal without an end to its height keeps it."""
    screen, row = [""], 0
    for part in re.split(r"(\x1b\[\d*[AKJ]|\r|\n)", done.out):
        if part == "\n":
            row += 1
            screen += [""] * (row + 1 - len(screen))
        elif part.endswith("A") and part.startswith("\x1b["):
            row -= int(part[2:-1] or 1)
            assert row >= 0
        elif part == "\x1b[K":
            screen[row] = ""  # the cursor is where the line begins
        elif part == "\x1b[J":
            screen[row:] = [""]
        elif part != "\r":
            screen[row] += plain(part)
    return screen


@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_shows_a_live_table(sample: Osiris, columns: int) -> None:
    long = "extract-with-a-name-that-is-quite-long-for-a-step-and-longer-than-most-people-choose"
    text = (sample.cwd / "branches.yaml").read_text().replace("good", long)
    text = text.replace("{rows: 10}", "{rows: 300, delay: 0.01}")
    (sample.cwd / "branches.yaml").write_text(text)
    done = sample.terminal("run", "branches.yaml", columns=columns)
    assert done.code == 1
    frames = plain(done.out)
    assert re.search(r"STEP +STATE +ROWS +ROWS/S +MB/S +TIME", frames)
    assert re.search(r"running +[1-9]\d* +[\d,]+ +\d+\.\d+ +", frames)
    assert (f"{long} " in frames) is (columns == 200)
    left = "\n".join(_shown(done))
    assert "steps ended" not in left
    assert left.count("STEP ") == 1
    assert all(len(line) < columns + 1 for line in left.splitlines() if "records" not in line)
    assert "error: step bad: the sample refuses" in left


def test_a_terminal_without_colours(sample: Osiris) -> None:
    done = sample.terminal("run", "branches.yaml", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", done.out)
    dumb = sample.terminal("run", "branches.yaml", TERM="dumb")
    assert "\x1b" not in dumb.out
    assert "running branches, 4 steps" in dumb.out


@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_a_terminal_that_is_closed_does_not_stop_the_run(
    sample: Osiris, options: tuple[str, ...]
) -> None:
    text = (sample.cwd / "sample.yaml").read_text()
    slow = '{rows: "${params.rows}", delay: 0.1}'
    (sample.cwd / "sample.yaml").write_text(text.replace('{rows: "${params.rows}"}', slow))
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["nohup", *COMMAND, "run", "sample.yaml", *options],
        cwd=sample.cwd,
        env={**sample.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    assert os.read(master, 1)
    while not list((sample.cwd / "logs").glob("run_*/status.json")):
        assert process.poll() is None
    os.close(master)
    assert process.wait(timeout=60) == 0
    (run,) = _runs(sample)
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["total_rows"]) == ("completed", 20)


def test_the_project_goes_with_its_directory(sample: Osiris, tmp_path: Path) -> None:
    """A project that was moved runs what was compiled before the move."""
    _compiled(sample)
    moved = tmp_path / "moved"
    shutil.move(sample.cwd, moved)
    done = Osiris(moved, sample.env)("run", "--last-compile")
    assert done.code == 0, done.err
    assert len(_runs(Osiris(moved))) == 1
    assert str(ROOT) not in done.out


@pytest.mark.parametrize(
    "number,steps",
    [
        (1, "step 'make0' needs it"),
        (2, "steps 'make0' and 'make1' need it"),
        (3, "steps 'make0', 'make1' and 'make2' need it"),
        (5, "steps 'make0', 'make1', 'make2' and 2 more need it"),
    ],
)
def test_a_variable_that_several_steps_need_is_told_once(
    sample: Osiris, number: int, steps: str
) -> None:
    step = "  - {id: make%d, component: sample.secret_source, mode: read, config: %s}\n"
    made = [step % (n, '{connection: "@sample.vault"}') for n in range(number)]
    text = "oml_version: 0.1.0\nname: many\nsteps:\n" + "".join(made)
    (sample.cwd / "many.yaml").write_text(text)
    for options in ((), ("--dry-run",)):
        done = sample("run", "many.yaml", "--progress", "none", *options)
        assert done.code == 4
        assert done.err == (
            f"error: environment variable VAULT_TOKEN is not set; {steps}\n"
            "hint: export VAULT_TOKEN=…, or put it into the project's .env file\n"
        )
