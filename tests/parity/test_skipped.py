"""What is tolerated of skipped steps, and how little that is."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from osiris.parity.compare import compare_directories
from tests.parity.scenarios import SCENARIOS
from tests.parity.tampering import Record, Records, at, drop, events, put, records, status, swap


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run in which the step `map` was skipped after it had begun."""
    run = SCENARIOS["fails in the middle"].run(tmp_path / "p", jobs=4)
    names = [e["event"] for e in records(run / "events.jsonl") if e.get("step_id") == "map"]
    assert names == [
        *("cfg_materialized", "step_start", "cfg_opened", "inputs_resolved", "step_skipped"),
    ]
    return run


@pytest.fixture
def never(tmp_path: Path) -> Path:
    """A run of the same pipeline in which it was skipped before."""
    run = SCENARIOS["fails in the middle"].run(tmp_path / "p", jobs=1)
    names = [e["event"] for e in records(run / "events.jsonl") if e.get("step_id") == "map"]
    assert names == ["cfg_materialized", "step_skipped"]
    return run


def found(a: Path, b: Path) -> set[str]:
    differing = {row.aspect.id for row in compare_directories(a, b).differing}
    assert differing == {row.aspect.id for row in compare_directories(b, a).differing}
    return differing


def test_how_far_it_came_does_not_count(begun: Path, never: Path, tmp_path: Path) -> None:
    assert found(begun, never) == set()
    shorter = Path(shutil.copytree(begun, tmp_path / "shorter"))
    for name in ("inputs_resolved", "cfg_opened", "step_start"):
        events(drop(name, "map"))(shorter)
        assert found(begun, shorter) == set()
    assert found(shorter, never) == set()


@pytest.mark.parametrize(
    "change,aspects",
    [
        (drop("step_start", "map"), {"config_pass"}),
        (drop("step_skipped", "map"), {"step_failure"}),
        (drop("cfg_materialized", "map"), {"config_events"}),
        (put("cfg_opened", "map", sha256="0"), {"config_loading"}),
        (put("step_skipped", "map", because="good"), {"step_failure"}),
        (put("step_skipped", "map", reason="cancelled"), {"step_failure"}),
        (swap("step_start", "cfg_opened", "map"), {"step_events"}),
        (put("step_skipped", "map", event="step_complete"), {"step_failure", "step_events"}),
    ],
)
def test_what_both_did_must_be_the_same(
    begun: Path, tmp_path: Path, change: Callable[[Records], object], aspects: set[str]
) -> None:
    tampered = Path(shutil.copytree(begun, tmp_path / "tampered"))
    events(change)(tampered)
    assert found(begun, tampered) - {"event_count"} >= aspects


def test_a_step_that_was_skipped_once_is_a_difference(begun: Path, never: Path) -> None:
    """Then nothing of its beginning is tolerated."""

    def complete(listed: Records) -> None:
        listed[at(listed, "step_skipped", "map")]["event"] = "step_complete"

    events(complete)(never)
    assert {"config_pass", "config_loading", "step_failure"} <= found(begun, never)


def test_which_of_two_causes_was_first_does_not_count(tmp_path: Path) -> None:
    one = SCENARIOS["two causes"].run(tmp_path / "p", jobs=1)
    cause = next(e for e in records(one / "events.jsonl") if e["event"] == "step_skipped")
    other = {"one": "two", "two": "one"}[cause["because"]]

    def blame(name: str) -> Path:
        copy = Path(shutil.copytree(one, tmp_path / name))
        events(put("step_skipped", "both", because=name))(copy)

        def in_status(found: Record) -> None:
            found["steps"]["both"]["because"] = name

        status(in_status)(copy)
        return copy

    assert found(one, blame(other)) == set()
    assert found(one, blame("nobody")) == {"step_failure", "status"}


def test_runs_that_are_the_same_need_no_arrow(never: Path) -> None:
    """Importing it takes longer than comparing."""
    code = (
        "import sys; from pathlib import Path; from osiris.parity import compare;"
        "run = Path(sys.argv[1]); assert compare.compare_directories(run, run).same;"
        "print('pyarrow' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, never], capture_output=True, text=True, check=True, cwd=root
    )
    assert json.loads(done.stdout.lower()) is False
