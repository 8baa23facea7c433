"""A run that is stopped or killed: the exit code, and what the records say afterwards."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.cli.program import Osiris


def _until_running(osiris: Osiris, steps: int = 1) -> Path:
    """Wait until so many steps have started; return the run's directory."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for events in (osiris.cwd / "logs").glob("run_*/events.jsonl"):
            if events.read_text().count('"step_start"') >= steps:
                return events.parent
        time.sleep(0.02)
    pytest.fail("no step began within 60 s")


@pytest.mark.parametrize(
    "number,code,name", [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_signal_stops_between_batches(
    sample: Osiris, number: signal.Signals, code: int, name: str
) -> None:
    process = sample.start("run", "slow.yaml", "--json")
    run = _until_running(sample)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"{name}: stopping between batches" in err
    document = json.loads(out)
    assert (document["state"], document["exit_code"]) == ("cancelled", code)
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["ok"], status["exit_code"]) == ("cancelled", False, code)
    assert name in status["error"]["message"]
    assert status["steps_completed"] == 0
    assert not list(run.rglob("*.part"))
    (listed,) = sample("logs", "list", "--json").document["runs"]
    assert listed["state"] == "cancelled"


def test_a_second_signal_ends_at_once(sample: Osiris) -> None:
    pipeline = sample.cwd / "slow.yaml"
    pipeline.write_text(pipeline.read_text().replace("delay: 0.05", "delay: 600, deaf: true"))
    process = sample.start("run", "slow.yaml", "--step-outputs", "none")
    _until_running(sample, steps=2)
    time.sleep(0.5)  # the sink has begun when there is a batch; then the source is asleep
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert any("stopping between batches" in line for line in process.stderr)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 60
    assert process.returncode == 130, err
    assert "stopped at once" in err
    (listed,) = sample("logs", "list", "--json").document["runs"]
    assert listed["state"] == "crashed"


def test_a_killed_run_is_shown_as_crashed(sample: Osiris) -> None:
    process = sample.start("run", "slow.yaml")
    _until_running(sample, steps=2)
    (alive,) = sample("logs", "list", "--json").document["runs"]
    assert (alive["state"], alive["note"]) == ("running", None)
    process.kill()
    process.communicate()
    (dead,) = sample("logs", "list", "--json").document["runs"]
    assert dead["state"] == "crashed"
    assert (dead["ok"], dead["exit_code"]) == (False, None)
    assert "its process is gone" in dead["note"]
    assert dead["duration_seconds"] > 0
    shown = sample("logs", "show")
    assert shown.code == 0
    assert "crashed" in shown.out.splitlines()[0]
    assert "make" in shown.out
    assert "keep" in shown.out


def test_a_zombie_is_dead(sample: Osiris) -> None:
    """A process whose parent does not ask for it is in the table still, and runs no more."""
    process = sample.start("run", "slow.yaml")
    _until_running(sample)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    (dead,) = sample("logs", "list", "--json").document["runs"]
    process.communicate()
    assert dead["state"] == "crashed"


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("delay", [0.15, 0.25, 0.35, 0.5])
def test_a_signal_at_any_moment_of_the_start(
    sample: Osiris, number: signal.Signals, code: int, delay: float
) -> None:
    process = sample.start("run", "slow.yaml", "--json")
    time.sleep(delay)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    if "init_import_site" in err:  # Python itself is not up yet, and says so with exit code 1
        return
    # Before the handlers are there the signal itself ends the process: the same to a shell.
    assert process.returncode in {code, -number}, err
    if process.returncode == code and out:
        document = json.loads(out)
        told = document if "state" in document else document["error"]
        assert told["exit_code"] == code
    for status in (sample.cwd / "logs").glob("run_*/status.json"):
        assert json.loads(status.read_text())["state"] == "cancelled"
