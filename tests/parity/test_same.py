"""Two runs of the same thing are the same, whatever chance, place and options do."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from osiris.parity.compare import compare_directories
from osiris.parity.comparison import Comparison
from tests.parity.scenarios import SCENARIOS, published

CROOKED = {"jobs": 1, "exchange_budget": 1}
WIDE = {"jobs": 4, "exchange_budget": 1 << 30}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(comparison: Comparison) -> list[dict[str, Any]]:
    return [one.to_dict() for row in comparison.aspects for one in row.differences]


@pytest.mark.parametrize("other", [CROOKED, WIDE, {}])
@pytest.mark.parametrize("name", SCENARIOS)
def test_two_runs_of_one_pipeline(tmp_path: Path, name: str, other: dict[str, Any]) -> None:
    """They run in two projects, one step at a time with no room in memory, and otherwise."""
    scenario = SCENARIOS[name]
    one = scenario.run(tmp_path / "a", **CROOKED)
    two = scenario.run(tmp_path / "a project", **other)
    comparison = compare_directories(one, two)
    assert told(comparison) == []
    assert comparison.same
    assert told(compare_directories(two, one)) == []


@pytest.mark.parametrize("name", ["fails in the middle", "two causes", "fails at once", "diamond"])
def test_chance_is_no_difference(tmp_path: Path, name: str) -> None:
    """However far a skipped step came, and whichever of two causes came first."""
    scenario = SCENARIOS[name]
    first = scenario.run(tmp_path / "p", jobs=1)
    for jobs in (2, 3, 4, 2, 3, 4):
        assert told(compare_directories(first, scenario.run(tmp_path / "p", jobs=jobs))) == []


def test_published_files(tmp_path: Path) -> None:
    one, two = published(tmp_path / "a"), published(tmp_path / "b")
    assert told(compare_directories(one, two)) == []
    copied = [
        json.dumps({**json.loads(line), "how": "copy"}) if '"how"' in line else line
        for line in (two / "events.jsonl").read_text().splitlines()
    ]
    (two / "events.jsonl").write_text("\n".join(copied) + "\n")
    assert told(compare_directories(one, two)) == []


def test_a_run_that_was_moved(tmp_path: Path) -> None:
    """Its own directory stands in its messages; that is not where it lies now."""
    project = tmp_path / "a"
    project.mkdir()
    one = published(project)
    moved = tmp_path / "elsewhere" / "evidence"
    shutil.copytree(one, moved)
    assert told(compare_directories(one, moved)) == []


def test_what_a_sandbox_adds(tmp_path: Path) -> None:
    """Events that begin with sandbox_, the commands, the name of the adapter, its host."""
    one = SCENARIOS["diamond"].run(tmp_path / "a")
    two = SCENARIOS["diamond"].run(tmp_path / "b")
    (two / "commands.jsonl").write_text("{}\n")
    status = json.loads((two / "status.json").read_text())
    status |= {"adapter": "e2b", "host": "elsewhere", "pid": 1, "process_start": None}
    (two / "status.json").write_text(json.dumps(status))
    lines = (two / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    events[1]["adapter"] = "e2b"
    extra = {"ts": events[0]["ts"], "session": events[0]["session"], "event": "sandbox_created"}
    for place in (2, 5, len(events)):
        events.insert(place, {**extra, "step_id": "a", "id": place})
    (two / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert told(compare_directories(one, two)) == []


@pytest.mark.parametrize("seed", range(10))
def test_any_order_between_steps(tmp_path: Path, seed: int) -> None:
    """Each step's events keep their order; how the steps' interleave is drawn."""
    one = SCENARIOS["diamond"].run(tmp_path / "a")
    two = tmp_path / "two"
    shutil.copytree(one, two)
    lines = (one / "events.jsonl").read_text().splitlines(keepends=True)
    events = [json.loads(line) for line in lines]
    first = next(i for i, event in enumerate(events) if event["event"] == "step_start")
    last = max(i for i, event in enumerate(events) if "step_id" in event)
    queues: dict[str, list[str]] = {}
    for line, event in zip(lines[first : last + 1], events[first : last + 1], strict=True):
        queues.setdefault(event["step_id"], []).append(line)
    drawn = [step for step, queue in queues.items() for _ in queue]
    random.Random(seed).shuffle(drawn)
    middle = [queues[step].pop(0) for step in drawn]
    assert middle != lines[first : last + 1]
    (two / "events.jsonl").write_text("".join([*lines[:first], *middle, *lines[last + 1 :]]))
    metrics = (one / "metrics.jsonl").read_text().splitlines(keepends=True)
    random.Random(seed).shuffle(metrics)
    (two / "metrics.jsonl").write_text("".join(metrics))
    assert told(compare_directories(one, two)) == []
