"""`osiris logs`: the runs there were, and what happened in one."""

import json
import re
import shutil
from pathlib import Path

from tests.cli.program import Osiris
from tests.support.waiting import wait_for


def _runs(osiris: Osiris) -> list[Path]:
    return sorted((osiris.cwd / "logs").glob("run_*"))


def test_no_runs(sample: Osiris) -> None:
    done = sample("logs", "list")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("there are no runs in ")
    assert sample("logs", "list", "--json").document == {"runs": []}
    shown = sample("logs", "show")
    assert shown.code == 2
    assert "hint: `osiris run` makes one" in shown.err


def test_runs_are_listed_newest_first(sample: Osiris) -> None:
    for pipeline in ("sample.yaml", "branches.yaml", "secret.yaml", "sample.yaml"):
        sample("run", pipeline)
    done = sample("logs", "list")
    assert (done.code, done.err) == (0, "")
    head, *rows = [re.split(r"  +", line) for line in done.out.splitlines()]
    assert head == ["RUN", "STATE", "PIPELINE", "WHERE", "STEPS", "ROWS", "TIME"]
    assert [row[1:6] for row in rows] == [
        ["completed", "sample", "local", "3/3", "20"],
        ["failed", "secret", "local", "0/2", "0"],
        ["failed", "branches", "local", "2/4", "10"],
        ["completed", "sample", "local", "3/3", "20"],
    ]
    listed = sample("logs", "list", "--json").document["runs"]
    assert [run["session"] for run in listed] == [row[0] for row in rows]
    assert [run["exit_code"] for run in listed] == [0, 4, 1, 0]
    assert set(listed[0]) == {
        "session",
        "directory",
        "state",
        "note",
        "ok",
        "exit_code",
        "pipeline",
        "fingerprint",
        "adapter",
        "osiris_version",
        "host",
        "pid",
        "started_at",
        "finished_at",
        "duration_seconds",
        "steps_total",
        "steps_completed",
        "steps_failed",
        "steps_skipped",
        "total_rows",
        "error",
    }


def test_a_run_is_named_by_any_part_of_its_id(sample: Osiris) -> None:
    sample("run", "sample.yaml")
    sample("run", "branches.yaml")
    first, second = (
        next(run for run in _runs(sample) if (run / "cfg" / f"{step}.json").exists())
        for step in ("make", "good")
    )
    for name in (first.name, first.name[-4:]):
        assert sample("logs", "show", name).out.startswith(first.name)
    for arguments in ((), ("last",), (second.name,)):
        assert sample("logs", "show", *arguments).out.startswith(second.name)
    ambiguous = sample("logs", "show", "run_")
    assert ambiguous.code == 2
    assert first.name in ambiguous.err
    assert second.name in ambiguous.err
    gone = sample("logs", "show", "nothing", "--json")
    assert gone.code == 2
    assert gone.document["error"]["message"] == "there is no run 'nothing'"


def test_show_says_what_happened(sample: Osiris) -> None:
    ran = sample("run", "branches.yaml")
    shown = sample("logs", "show")
    assert (shown.code, shown.err) == (0, "")
    report, _, errors = shown.out.partition("error: ")
    assert report == ran.out
    assert "error: " + errors == ran.err[ran.err.index("error: ") :]


def test_show_lists_what_was_published(project: Osiris) -> None:
    project("run", "pipeline.yaml")
    shown = project("logs", "show")
    size = (project.cwd / "output" / "ratings.csv").stat().st_size
    assert f"published  output/ratings.csv (3 rows, {size} B)" in shown.out
    (output,) = project("logs", "show", "--json").document["outputs"]
    assert (output["step"], output["path"]) == ("write-ratings", "output/ratings.csv")
    assert (output["rows"], output["bytes"], len(output["sha256"])) == (3, size, 64)


def test_show_a_step_that_was_retried(sample: Osiris) -> None:
    pipeline = (sample.cwd / "sample.yaml").read_text()
    broken = '{rows: "${params.rows}", fault: transient, fault_times: 2, counter: tries}'
    pipeline = pipeline.replace(
        'config: {rows: "${params.rows}"}', f"config: {broken}, retry: {{attempts: 3, delay: 0.01}}"
    )
    (sample.cwd / "sample.yaml").write_text(pipeline)
    done = sample("run", "sample.yaml")
    assert done.code == 0, done.err
    assert "make: try 1 of 3 failed: the sample is busy; next in 10 ms" in done.err
    assert "completed (try 3)" in sample("logs", "show").out


def test_events_and_metrics_are_shown_as_lines_or_as_they_are(sample: Osiris) -> None:
    sample("run", "sample.yaml")
    (run,) = _runs(sample)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    lines = sample("logs", "show", "--events").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[e["ts"], e["event"]] for e in events]
    assert any(
        line.endswith("step_start step_id=make component=sample.source mode=read") for line in lines
    )
    lines = sample("logs", "show", "--metrics").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[m["ts"], m["metric"]] for m in metrics]
    document = sample("logs", "show", "--events", "--metrics", "--json").document
    assert (document["events"], document["metrics"]) == (events, metrics)
    assert "events" not in sample("logs", "show", "--json").document


def test_records_cannot_steer_the_terminal(sample: Osiris) -> None:
    sample("run", "branches.yaml")
    (run,) = _runs(sample)
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnp"
    for name in ("status.json", "events.jsonl"):
        text = (run / name).read_text().replace("the sample refuses", json.dumps(evil)[1:-1])
        (run / name).write_text(text.replace('"sample.source"', json.dumps(evil)))
    for arguments in (("show",), ("show", "--events"), ("list",)):
        done = sample("logs", *arguments)
        assert done.code == 0
        assert not re.search("[\x07\x1b\u202e]", done.out), arguments
    assert "\\x1b]0;owned" in sample("logs", "show").out


def test_the_project_can_be_named(sample: Osiris, tmp_path: Path) -> None:
    sample("run", "sample.yaml")
    assert (
        len(sample("-C", sample.cwd, "logs", "list", "--json", cwd=tmp_path).document["runs"]) == 1
    )
    below = sample.cwd / "logs"
    assert len(sample("logs", "list", "--json", cwd=below).document["runs"]) == 1
    shutil.rmtree(below)
    below.write_text("not a directory")
    done = sample("logs", "list")
    assert done.code == 2
    assert "cannot read" in done.err


def test_on_a_terminal_a_line_is_a_line(sample: Osiris) -> None:
    text = (sample.cwd / "sample.yaml").read_text()
    (sample.cwd / "sample.yaml").write_text(text.replace("name: sample", f"name: {'x' * 90}"))
    sample("run", "sample.yaml")
    for columns in (60, 80, 200):
        lines = sample.terminal("logs", "list", columns=columns).out.splitlines()
        assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= columns for line in lines)


def test_runs_are_found_by_pipeline_state_and_time(sample: Osiris) -> None:
    for pipeline in ("sample.yaml", "branches.yaml", "secret.yaml"):
        sample("run", pipeline)

    def found(*arguments: str) -> list[str]:
        done = sample("logs", "list", "--json", *arguments)
        assert done.code == 0, done.err
        return [run["pipeline"] for run in done.document["runs"]]

    assert found() == ["secret", "branches", "sample"]
    assert found("--state", "failed") == ["secret", "branches"]
    assert found("--state", "failed", "--state", "completed") == found()
    assert found("--state", "crashed") == []
    assert found("--pipeline", "s*") == ["secret", "sample"]
    assert found("--pipeline", "sampl") == []
    assert found("--pipeline", "s*", "--state", "failed") == ["secret"]
    assert found("--limit", "1") == ["secret"]
    assert found("--since", "1h") == found("--since", "2020-01-01") == found()
    assert found("--since", "2999-12-31T00:00:00+00:00") == []
    none = sample("logs", "list", "--state", "cancelled")
    assert none.out.startswith("none of the 3 runs in ")
    for wrong in (("--since", "soon"), ("--state", "odd"), ("--limit", "0")):
        assert sample("logs", "list", *wrong).code == 2


def test_a_run_in_another_process_is_followed_to_its_end(sample: Osiris) -> None:
    text = (sample.cwd / "slow.yaml").read_text()
    (sample.cwd / "slow.yaml").write_text(text.replace("rows: 100000", "rows: 60"))
    running = sample.start("run", "slow.yaml")
    wait_for(lambda: bool(_runs(sample)) and (_runs(sample)[0] / "events.jsonl").exists())
    watching = sample.start("logs", "show", "--follow", "--events")
    done = sample("logs", "show", "-f")
    assert running.wait(60) == 0
    out, _ = watching.communicate(timeout=60)
    for process in (running, watching):
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
    lines = done.out.splitlines()
    assert "running slow, 2 steps" in lines[0]
    assert any(re.fullmatch(r"[\d:]+ make: completed, 60 rows in .+", line) for line in lines)
    assert any(line.endswith(" 60 rows written, 2 of 2 steps completed") for line in lines) or (
        "60 rows written, 2 of 2 steps completed" in done.out
    )
    assert [line.split()[1] for line in out.splitlines()][-1] == "run_complete"


def test_following_ends_with_the_process_that_is_followed(sample: Osiris) -> None:
    running = sample.start("run", "slow.yaml")
    wait_for(lambda: bool(_runs(sample)) and "step_start" in _events_text(sample))
    watching = sample.start("logs", "show", "--follow")
    assert watching.stdout is not None
    assert "running slow" in watching.stdout.readline()
    running.kill()
    running.communicate(timeout=60)
    out, err = watching.communicate(timeout=60)
    assert (watching.returncode, err) == (0, "")
    assert re.search(r"run_\S+  crashed  slow", out)


def test_what_does_not_go_with_follow(sample: Osiris) -> None:
    sample("run", "sample.yaml")
    assert "run_complete" in sample("logs", "show", "--follow", "--events").out
    for other in ("--json", "--metrics"):
        done = sample("logs", "show", "--follow", other)
        assert done.code == 2
        assert f"--follow does not go with {other}" in done.err + done.out


def _events_text(sample: Osiris) -> str:
    path = _runs(sample)[0] / "events.jsonl"
    return path.read_text() if path.exists() else ""
