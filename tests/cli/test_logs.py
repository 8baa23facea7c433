"""`osiris logs`: the runs there were, and what happened in one."""

import json
import re
import shutil
from pathlib import Path

from tests.cli.program import Osiris


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
