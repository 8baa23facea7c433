"""Every record of a run dropped, doubled and moved, every member of it changed: all are found.

What may differ is written down here once more, by hand: the tests do not trust the table.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from osiris.parity.compare import compare_directories
from tests.parity.tampering import Record, Records, records, rich

MISSING = "no such member"
MAY_DIFFER = {
    ("adapter_selected", "adapter"),
    ("session_initialized", "jobs"),
    ("artifact_published", "how"),
}
MEASURED = {
    "bytes_out",
    "bytes_spilled",
    "step_duration_ms",
    "session_duration_seconds",
    "peak_memory_bytes",
}
IDENTITY = {
    *("session", "adapter", "osiris_version", "host", "pid", "process_start"),
    *("started_at", "finished_at", "duration_seconds", "duration_ms"),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("rich")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(project)
        return rich(project)


@pytest.fixture
def same(original: Path, tmp_path: Path) -> Callable[[str, object], bool]:
    """Put other records into a copy of the run and compare."""
    copy = Path(shutil.copytree(original, tmp_path / "copy"))

    def put(name: str, data: object) -> bool:
        lines = data if isinstance(data, list) else [data]
        (copy / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        return compare_directories(original, copy).same

    return put


Same = Callable[[str, object], bool]


def changed(value: Any) -> Iterator[Any]:
    """Yield values that are not this one, some of them nearly."""
    yield {"something": "else"}
    yield None if value is not None else ""
    if isinstance(value, bool):
        yield not value
        yield int(value)
    elif isinstance(value, int):
        yield value + 1
        yield str(value)
        yield bool(value)
    elif isinstance(value, str):
        yield value + " "
        yield value[:-1]
        yield value.swapcase() if value.swapcase() != value else "x"


def leaf_changes(data: Record, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the data with one member changed or taken away, for each member, and its path."""
    for key, value in data.items():
        for instead in changed(value):
            yield (*path, key), {**data, key: instead}
        yield (*path, key), {k: v for k, v in data.items() if k != key}
        if isinstance(value, dict):
            for inner, made in leaf_changes(value, (*path, key)):
                yield inner, {**data, key: made}


def is_time(value: object, path: tuple[str, ...]) -> bool:
    """Tell whether what was changed is the time, and is one still."""
    try:
        return path == ("ts",) and bool(datetime.fromisoformat(str(value)))
    except ValueError:
        return False


def value_at(data: Any, path: tuple[str, ...]) -> Any:
    """Return a member of JSON data."""
    for key in path:
        data = data.get(key, MISSING)
    return data


@pytest.mark.parametrize("name", ["events.jsonl", "metrics.jsonl"])
def test_each_record_dropped_and_doubled(original: Path, same: Same, name: str) -> None:
    found = records(original / name)
    assert same(name, found)
    assert len(found) > 15
    for index, record in enumerate(found):
        assert not same(name, [*found[:index], *found[index + 1 :]]), record
        assert not same(name, [*found[:index], record, *found[index:]]), record


def test_each_two_neighbouring_events_exchanged(original: Path, same: Same) -> None:
    """It makes no difference just between two steps, and to what the host publishes."""
    found = records(original / "events.jsonl")
    outcomes = []
    for index in range(len(found) - 1):
        one, other = found[index : index + 2]
        steps = {one.get("step_id"), other.get("step_id")}
        published = {one["event"], other["event"]} & {"artifact_published"}
        chance = len(steps) == 2 and (None not in steps or bool(published))
        swapped = [*found[:index], other, one, *found[index + 2 :]]
        assert same("events.jsonl", swapped) is chance, (one, other)
        outcomes.append(chance)
    assert True in outcomes
    assert False in outcomes


def test_each_event_moved_to_the_end(original: Path, same: Same) -> None:
    found = records(original / "events.jsonl")
    for index, event in enumerate(found[:-1]):
        if event["event"] != "artifact_published":
            assert not same("events.jsonl", [*found[:index], *found[index + 1 :], event]), event


@pytest.mark.parametrize("part", range(4))
def test_each_member_of_each_event_changed(original: Path, same: Same, part: int) -> None:
    found = records(original / "events.jsonl")
    for index, event in list(enumerate(found))[part::4]:
        for path, made in leaf_changes(event):
            tampered = [*found[:index], made, *found[index + 1 :]]
            new, old = value_at(made, path), value_at(event, path)
            other = type(new) is type(old) and new != MISSING
            may = (event["event"], path[0]) in MAY_DIFFER and other
            may = may or is_time(made.get("ts"), path)
            assert same("events.jsonl", tampered) is may, (path, made)


def test_a_time_may_be_another(original: Path, same: Same) -> None:
    for name in ("events.jsonl", "metrics.jsonl"):
        found = records(original / name)
        later = [{**record, "ts": "2031-12-31T23:59:59.999999Z"} for record in found]
        assert later != found
        assert same(name, later)


def test_each_member_of_each_metric_changed(original: Path, same: Same) -> None:
    found = records(original / "metrics.jsonl")
    for index, metric in enumerate(found):
        for path, made in leaf_changes(metric):
            tampered: Records = [*found[:index], made, *found[index + 1 :]]
            value = made.get("value")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            measured = path == ("value",) and metric["metric"] in MEASURED and number
            may = measured or is_time(made.get("ts"), path)
            assert same("metrics.jsonl", tampered) is may, (path, made)


def test_each_member_of_the_status_changed(original: Path, same: Same) -> None:
    """An identity or a time may be any other, and must be one."""
    status = json.loads((original / "status.json").read_text())
    seen = 0
    for path, made in leaf_changes(status):
        old, new = value_at(status, path), value_at(made, path)
        step = status["steps"][path[1]] if path[0] == "steps" and len(path) > 1 else {}
        skipped = step.get("state") == "skipped"
        of_run_or_step = len(path) == 1 or (path[0] == "steps" and len(path) == 3)
        identity = path[-1] in IDENTITY and of_run_or_step
        if path == ("session",):
            continue  # another session is another run: see below
        null = path[-1] == "process_start" or (skipped and new != MISSING)
        plain = not isinstance(new, dict | bool) and new != MISSING
        may = identity and plain and (null or type(new) is type(old))
        assert same("status.json", made) is may, (path, old, new)
        seen += may
    assert seen > 50


SESSIONS: tuple[object, ...] = ("run_20260101T000000Z_0000", "", None, 1, {})


def test_a_status_of_another_session(original: Path, same: Same) -> None:
    """Every record names its session; the status must not name another."""
    status = json.loads((original / "status.json").read_text())
    for session in SESSIONS:
        assert not same("status.json", {**status, "session": session})
    del status["session"]
    assert not same("status.json", status)
