"""Whole runs in E2B sandboxes, with something going wrong at each point of their life."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris.core.cancel import CancelToken
from osiris.core.errors import TerminatedError
from osiris.core.step_config import DescribedConnection
from tests.e2b_server.faults import CREATE, DOWNLOAD, KILL, START, UPLOAD, Fault
from tests.e2b_server.relay import Relay, relay_to
from tests.e2b_server.server import E2BServer
from tests.remote.e2b_runs import (
    CANARY,
    QUICK,
    Runs,
    failed_with,
    good,
    only,
    sandbox_events,
    slow,
    went_well,
)
from tests.support.pipelines import PipelineBuilder

# --- what a run asks of E2B ---


def test_a_run_asks_little_and_gives_no_secret_away(
    server: E2BServer, runs: Runs, tmp_path: Path
) -> None:
    token = DescribedConnection(
        ref="@sample.one", fields={"host": "h.invalid", "token": "${SAMPLE_TOKEN}"}
    )
    runs.env["SAMPLE_TOKEN"] = CANARY
    builder = PipelineBuilder().add("make", "secret_source", connection=token, rows=5)
    builder.add("take", "sink", "make")
    evidence = runs(builder)
    assert evidence.result.exit_code == 0, evidence.status["error"]
    assert len(server.log.control_plane()) <= 6
    assert len(server.log.find("POST", "/files")) <= 8
    assert server.log.places_of(CANARY) == []
    (sandbox,) = server.sandboxes()
    assert sandbox.ended == "killed"
    assert CANARY.encode() not in b"".join(every_file(sandbox.box.root))
    assert CANARY.encode() not in b"".join(every_file(tmp_path))
    assert sandbox_events(evidence, "killed")


def every_file(root: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_the_network_that_a_run_gets_is_that_of_its_connections(
    server: E2BServer, runs: Runs
) -> None:
    runs(good())
    assert server.log.creations()[0].json()["allow_internet_access"] is False


# --- creation ---


@pytest.mark.parametrize(
    "status,code",
    [(429, "sandbox.busy"), (503, "sandbox.busy"), (401, "sandbox.unavailable")],
)
def test_a_sandbox_that_is_refused(server: E2BServer, runs: Runs, status: int, code: str) -> None:
    server.faults.add(Fault(CREATE, times=None, status=status))
    failed_with(runs(good()), code)
    assert not server.sandboxes()


def test_a_creation_that_is_refused_at_first(server: E2BServer, runs: Runs) -> None:
    busy = Fault(CREATE, times=1, status=429, headers={"Retry-After": "1"})
    server.faults.add(busy)
    server.faults.add(Fault(CREATE, times=1, status=504, after=True))
    went_well(runs(good()), 50)
    assert len(server.sandboxes()) == 1


def test_a_template_that_is_not_there(runs: Runs) -> None:
    error = failed_with(runs(good(), template="none"), "sandbox.unavailable")
    assert "template 'none' not found" in error["message"]


def test_a_template_without_the_packages(server: E2BServer, runs: Runs) -> None:
    evidence = runs(good(), template="base")
    assert evidence.result.exit_code == 4
    assert evidence.status["error"]["code"] == "environment.missing_dependency"
    assert "pyarrow" in evidence.status["error"]["message"]
    assert not evidence.events("step_start")
    assert not server.living()


# --- the way in ---


@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_an_upload_that_is_cut(server: E2BServer, runs: Runs, ending: str) -> None:
    cut = Fault(UPLOAD, times=2, cut_request=10_000)
    server.faults.add(dataclasses.replace(cut, ending=ending))
    went_well(runs(good()), 50)


def test_an_upload_that_arrives_damaged(server: E2BServer, runs: Runs) -> None:
    damage = server.faults.add(Fault(UPLOAD, corrupt=True))
    went_well(runs(good()), 50)
    assert damage.hits == 1


def test_a_disk_that_is_full(server: E2BServer, runs: Runs) -> None:
    server.faults.add(Fault(UPLOAD, times=None, status=507, message="not enough disk space"))
    failed_with(runs(good()), "sandbox.full")
    assert not server.living()


# --- the stream of records ---


@pytest.mark.parametrize("at", [200, 9_001])
@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_a_stream_that_is_cut(server: E2BServer, runs: Runs, at: int, ending: str) -> None:
    # The first start asks for the home, the second begins the run; the pump is the third.
    cut = Fault(START, times=3, skip=2, cut_response=at)
    server.faults.add(dataclasses.replace(cut, ending=ending))
    evidence = runs(slow(2))
    went_well(evidence, 40)
    assert sandbox_events(evidence, "reconnected")


def test_a_stream_that_is_frozen(server: E2BServer, runs: Runs) -> None:
    frozen = server.faults.add(Fault(START, times=2, skip=2, freeze=4_000))
    started = time.monotonic()
    went_well(runs(slow(2)), 40)
    assert frozen.hits == 2
    assert time.monotonic() - started < 60


def test_a_way_that_is_cut_again_and_again(server: E2BServer, runs: Runs) -> None:
    with relay_to(server.port) as relay:
        runs.sandbox_url = relay.url
        # Not for ever: a loaded machine may need longer for one record than the way holds.
        stop = relay.cut_now_and_then(seed=7, shortest=0.2, longest=0.6, times=12)
        went_well(runs(slow(2)), 40)
        stop.set()
        assert relay.cuts


def test_a_way_that_is_down_for_a_while(server: E2BServer, runs: Runs) -> None:
    with relay_to(server.port) as relay:
        runs.sandbox_url = relay.url
        runs.during = lambda: outage(relay, 1.5)
        went_well(runs(slow(2)), 40)


def test_a_way_that_stays_down(server: E2BServer, runs: Runs) -> None:
    with relay_to(server.port) as relay:
        runs.sandbox_url = relay.url
        runs.during = relay.go_down
        choices = dataclasses.replace(QUICK, patience=2.0)
        started = time.monotonic()
        failed_with(runs(slow(60), choices), "sandbox.unreachable")
        assert time.monotonic() - started < 60
    assert not server.living()


def outage(relay: Relay, seconds: float) -> None:
    relay.go_down()
    time.sleep(seconds)
    relay.come_up()


# --- the sandbox ---


@pytest.mark.parametrize("why", ["killed", "expired", "lost"])
def test_a_sandbox_that_ends_under_a_run(server: E2BServer, runs: Runs, why: str) -> None:
    runs.during = lambda: server.kill(only(server), why)
    started = time.monotonic()
    evidence = runs(slow(60))
    failed_with(evidence, "sandbox.gone")
    assert time.monotonic() - started < 60
    assert evidence.events("step_start")
    assert evidence.state("make") == "failed"


def test_a_sandbox_that_is_paused_under_a_run_goes_on(server: E2BServer, runs: Runs) -> None:
    runs.during = lambda: server.pause(only(server))
    went_well(runs(slow(2)), 40)


def test_a_worker_that_is_killed(server: E2BServer, runs: Runs) -> None:
    runs.during = lambda: server.kill_process(only(server), " begin /", youngest=True)
    evidence = runs(slow(60))
    error = failed_with(evidence, "sandbox.worker_died")
    assert "signal 9" in error["message"]
    assert evidence.state("make") == "failed"
    assert not server.living()


def test_a_runner_that_is_killed_with_all_it_started(server: E2BServer, runs: Runs) -> None:
    runs.during = lambda: server.kill_process(only(server), " begin /")
    started = time.monotonic()
    failed_with(runs(slow(60)), "sandbox.worker_died")
    assert time.monotonic() - started < 60


def test_a_life_that_is_shorter_than_the_run_is_renewed(server: E2BServer, runs: Runs) -> None:
    evidence = runs(slow(4), dataclasses.replace(QUICK, ttl=3))
    went_well(evidence, 80)
    assert len(only(server).extensions) >= 3


# --- the way out ---


def test_downloads_that_are_cut_and_truncated(server: E2BServer, runs: Runs) -> None:
    server.faults.add(Fault(DOWNLOAD, times=2, cut_response=1_000))
    went_well(runs(good(5_000)), 5_000)


def test_downloads_that_are_short_are_read_on(server: E2BServer, runs: Runs) -> None:
    server.faults.add(Fault(DOWNLOAD, times=None, truncate=10_000))
    went_well(runs(good(5_000)), 5_000)


def test_a_download_that_lies_is_not_believed(server: E2BServer, runs: Runs) -> None:
    server.faults.add(Fault(DOWNLOAD, times=None, corrupt_response=True))
    evidence = runs(good(5_000))
    assert evidence.result.exit_code == 5
    assert evidence.status["error"]["code"] == "sandbox.hostile"
    assert not (evidence.root / "artifacts" / "take" / "ids.txt").exists()


# --- the end ---


def test_a_kill_that_fails_is_recorded_and_the_run_is_good(server: E2BServer, runs: Runs) -> None:
    server.faults.add(Fault(KILL, times=None, status=500))
    evidence = runs(good())
    went_well(evidence, 50)
    (told,) = sandbox_events(evidence, "kill_failed")
    assert told["sandbox"] == only(server).sandbox_id
    assert server.living()


def test_a_sandbox_that_is_kept(server: E2BServer, runs: Runs) -> None:
    evidence = runs(good(), dataclasses.replace(QUICK, keep=True))
    went_well(evidence, 50)
    assert sandbox_events(evidence, "kept")
    assert server.living()


def test_a_run_that_is_told_to_stop(server: E2BServer, runs: Runs) -> None:
    cancel = CancelToken()
    runs.during = lambda: cancel.cancel(TerminatedError("SIGTERM"))
    started = time.monotonic()
    evidence = runs(slow(60), cancel=cancel)
    assert evidence.result.exit_code == 143
    assert evidence.status["state"] == "cancelled"
    assert time.monotonic() - started < 60
    assert not server.living()
