"""What can happen to a run in E2B besides a cut: torn characters, doubles, no memory, slow ways."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris.remote.control_group import ControlGroup, Resources
from osiris.remote.rpc_protocol import Joiner, parse_line
from tests.e2b_server.faults import DOWNLOAD, START, UPLOAD, Fault
from tests.e2b_server.server import E2BServer
from tests.remote.e2b_runs import QUICK, Runs, failed_with, good, ids, only, slow, went_well
from tests.remote.probes import probe, probing
from tests.support.pipelines import Evidence, PipelineBuilder

HOST_ONLY = {"run_start", "run_complete", "adapter_selected", "manifest_materialized"}
HOST_ONLY |= {"cfg_materialized", "artifact_published", "preflight_validation_success"}


def told_inside(server: E2BServer) -> list[dict[str, Any]]:
    """The events in the journal on the sandbox's disk, which outlives the sandbox here."""
    (journal,) = only(server).box.root.rglob("journal.jsonl")
    joiner = Joiner()
    lines = [line for line in journal.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"]
    records = [joiner.join(parse_line(line)) for line in lines]
    return [record.data for record in records if record is not None and record.type == "event"]


def nothing_is_missing(server: E2BServer, evidence: Evidence, *, all_of_it: bool) -> None:
    """Check the host's records against the journal: what came is its beginning, without a gap."""
    inside = [(e["event"], e.get("step_id")) for e in told_inside(server)]
    here = [
        (e["event"], e.get("step_id"))
        for e in evidence.events()
        if e["event"] not in HOST_ONLY and not e["event"].startswith("sandbox_")
    ]
    if all_of_it:
        assert here == inside
        return
    # The host ends what the sandbox cannot end any more.
    while here and here[-1][0] in {"step_failed", "step_skipped"} and here != inside[: len(here)]:
        here.pop()
    assert here == inside[: len(here)]
    assert ("step_start", "make") in here


# --- the stream of records ---


def talkative() -> PipelineBuilder:
    """Two steps that take a second, and one that says much in several bytes a character."""
    code = "for i in range(40): log.warning('line %d žluťoučký kůň €🎬', i)"
    return probe(slow(1), "said", code)


def went_on(evidence: Evidence) -> None:
    """Check that the disturbed run is whole, each line once."""
    assert evidence.result.exit_code == 0, evidence.status["error"]
    assert ids(evidence) == list(range(20))
    log = evidence.result.layout.log.read_text()
    said = [log.count(f"line {i} žluťoučký kůň €🎬\n") for i in range(40)]
    assert said == [1] * 40
    assert "\ufffd" not in log


def test_a_stream_that_is_split_inside_its_characters(server: E2BServer, runs: Runs) -> None:
    """Five bytes a piece: every character of several bytes is torn somewhere."""
    runs.during = lambda: setattr(only(server).commands, "piece", 5)
    evidence = runs(talkative())
    went_on(evidence)
    nothing_is_missing(server, evidence, all_of_it=True)


def test_a_stream_that_says_everything_twice(server: E2BServer, runs: Runs) -> None:
    doubled = server.faults.add(Fault(START, times=1, skip=2, duplicate=True))
    evidence = runs(talkative())
    went_on(evidence)
    assert doubled.hits == 1
    nothing_is_missing(server, evidence, all_of_it=True)


@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_a_stream_that_is_cut_at_every_turn_loses_nothing(
    server: E2BServer, runs: Runs, ending: str
) -> None:
    for size in (150, 1_000, 2_500, 4_001):
        server.faults.add(Fault(START, skip=2, cut_response=size, ending=ending))
    evidence = runs(talkative())
    went_on(evidence)
    assert evidence.events("sandbox_reconnected")
    nothing_is_missing(server, evidence, all_of_it=True)


# --- the sandbox ---


@pytest.mark.parametrize("why", ["killed", "lost"])
def test_what_was_told_before_the_end_is_kept(server: E2BServer, runs: Runs, why: str) -> None:
    runs.during = lambda: server.kill(only(server), why)
    evidence = runs(slow(60))
    failed_with(evidence, "sandbox.gone")
    nothing_is_missing(server, evidence, all_of_it=False)


def test_what_was_told_before_the_worker_was_killed_is_kept(server: E2BServer, runs: Runs) -> None:
    runs.during = lambda: server.kill_process(only(server), " begin /", youngest=True)
    evidence = runs(slow(60))
    failed_with(evidence, "sandbox.worker_died")
    nothing_is_missing(server, evidence, all_of_it=False)
    assert evidence.state("make") == "failed"


@pytest.fixture
def little_memory(tmp_path: Path) -> Iterator[Path]:
    """The door of a group of 300 MiB: what goes in is ended by the kernel when it wants more."""
    memory = 300 * 1024 * 1024
    group = ControlGroup.make(f"osiris-test-{tmp_path.name}", Resources(memory_bytes=memory))
    if "memory" not in group.limited:
        pytest.skip("no control group may be made here, so nothing can run out of memory alone")
    yield group.entrances[0]
    group.close()


def test_a_worker_that_the_kernel_ends_for_want_of_memory(
    server: E2BServer, runs: Runs, little_memory: Path
) -> None:
    code = f"""
        import os
        open({str(little_memory)!r}, "w").write(str(os.getppid()))  # the runner counts the kills
        open({str(little_memory)!r}, "w").write(str(os.getpid()))
        eaten = [bytearray(8 << 20) for _ in range(200)]
    """
    evidence = runs(probing(code))
    error = failed_with(evidence, "sandbox.worker_died")
    assert "OOM" in error["message"]
    (ended,) = evidence.events("sandbox_worker_ended")
    assert (ended["oom"], ended["signal"]) == (True, 9)
    assert evidence.status["steps"]["probe"]["error"]["message"] == error["message"]
    assert not server.living()


def test_a_key_that_is_refused(server: E2BServer, runs: Runs) -> None:
    runs.env["E2B_API_KEY"] = "e2b_of_nobody"
    evidence = runs(good())
    error = failed_with(evidence, "sandbox.unavailable")
    assert "E2B_API_KEY" in error["hint"]
    assert not server.sandboxes()
    assert all(
        b"e2b_of_nobody" not in p.read_bytes() for p in evidence.root.iterdir() if p.is_file()
    )


# --- what takes its time ---


@pytest.mark.parametrize("way,pace", [(UPLOAD, 150_000), (DOWNLOAD, 900)])
def test_the_sandboxs_time_is_renewed_while_files_travel(
    server: E2BServer, runs: Runs, way: str, pace: int
) -> None:
    """The way in and the way out each take longer than the sandbox has to begin with."""
    slowed = server.faults.add(Fault(way, times=1, bytes_per_second=pace))
    evidence = runs(good(1_000), dataclasses.replace(QUICK, ttl=3))
    went_well(evidence, 1_000)
    assert slowed.hits == 1
    assert evidence.status["duration_seconds"] > 3
    assert len(only(server).extensions) >= 2


def test_no_command_of_a_run_lives_by_the_sdks_minute(server: E2BServer, runs: Runs) -> None:
    """Every command has a deadline of its own, and the worker is none of E2B's commands."""
    seen: list[list[str]] = []
    runs.during = lambda: seen.append([" ".join(c.argv) for c in only(server).commands.running()])
    went_well(runs(slow(1)), 20)
    starts = server.log.find("POST", "/process.Process/Start")
    deadlines = [int(request.headers["connect-timeout-ms"]) for request in starts]
    assert len(deadlines) >= 3  # its home, its begin, its pump
    assert 60_000 not in deadlines
    (running,) = seen
    assert len(running) == 1
    assert " pump " in running[0]


def test_a_run_outlives_what_e2b_remembers_of_its_commands(server: E2BServer, runs: Runs) -> None:
    """E2B forgets a command half a minute after its end; a run needs none to be remembered."""

    def forget() -> None:
        server.pass_time(40)
        server.gateway.reset_streams(only(server))

    runs.during = forget
    went_well(runs(slow(2)), 40)


def test_status_says_what_it_was(server: E2BServer, runs: Runs) -> None:
    """The cause, the sandbox and the way out of it are in status.json, the log and the events."""
    runs.during = lambda: server.kill(only(server), "expired")
    evidence = runs(slow(60))
    error = failed_with(evidence, "sandbox.gone")
    assert only(server).sandbox_id in error["message"]
    assert error["hint"]
    assert error["message"] in evidence.result.layout.log.read_text()
    complete = evidence.events("run_complete")[0]
    assert (complete["state"], complete["exit_code"]) == ("failed", 5)
    assert json.loads(evidence.result.layout.status.read_text())["error"] == error
