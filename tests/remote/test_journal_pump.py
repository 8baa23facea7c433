"""The journal and the pump inside the sandbox: from any seq on, while it is written, to its end."""

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.remote.journal import Journal
from osiris.remote.rpc_protocol import parse_line
from osiris.remote.runner_command import launched
from osiris.remote.session_paths import SessionPaths
from tests.remote.test_local_sandbox import wait_until

ROOT = Path(__file__).parents[2]
CLOSED = {"exit_code": 0, "left": {}}


@pytest.fixture
def paths(tmp_path: Path) -> SessionPaths:
    paths = SessionPaths(tmp_path)
    paths.proxy.mkdir()
    return paths


def start_pump(paths: SessionPaths, seq: int, life: float = 60.0) -> "subprocess.Popen[bytes]":
    # Without site-packages: the pump is standard library only.
    command = launched(
        [sys.executable, "-S"], [str(ROOT)], "pump", str(paths.root), str(seq), str(life)
    )
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def pumped(paths: SessionPaths, seq: int, life: float = 60.0) -> list[bytes]:
    out, err = start_pump(paths, seq, life).communicate(timeout=60)
    assert err == b""
    return out.splitlines(keepends=True)


def records(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def held(paths: SessionPaths) -> Callable[[], None]:
    """Hold the runner's lock; return what lets go of it."""
    file = paths.lock.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file.close


def test_the_pump_sends_every_line_from_any_seq_on(paths: SessionPaths) -> None:
    journal = Journal(paths.journal)
    for number in range(200):
        journal.add("log", {"message": "ž" * (number * 13 % 700), "number": number})
    journal.add("log", {"message": "x" * 100_000})
    journal.add("closed", CLOSED)
    journal.close()
    lines = paths.journal.read_bytes().splitlines(keepends=True)
    assert [parse_line(line).seq for line in lines] == list(range(1, len(lines) + 1))
    for start in (1, 2, 77, 200, len(lines) - 1, len(lines)):
        assert pumped(paths, start) == lines[start - 1 :]


def test_the_pump_follows_a_journal_that_is_being_written(paths: SessionPaths) -> None:
    let_go = held(paths)
    process = start_pump(paths, 3)
    time.sleep(0.2)
    journal = Journal(paths.journal)
    for number in range(100):
        journal.add("log", {"number": number})
        if number % 10 == 0:
            time.sleep(0.02)
    journal.add("closed", CLOSED)
    journal.close()
    out, _ = process.communicate(timeout=60)
    let_go()
    assert [r["data"].get("number") for r in records(out.splitlines())] == [*range(2, 100), None]


def test_a_line_that_is_written_in_pieces_is_sent_whole(paths: SessionPaths) -> None:
    let_go = held(paths)
    Journal(paths.journal).add("log", {"message": "first"})
    process = start_pump(paths, 1)
    line = b'{"v":1,"seq":2,"ts":1,"type":"closed","data":{"m":"\xc5\xbelu\xc5\xa5"}}\n'
    with paths.journal.open("ab", buffering=0) as file:
        for byte in line:
            file.write(bytes([byte]))
            time.sleep(0.003)
    out, _ = process.communicate(timeout=60)
    let_go()
    assert out.splitlines(keepends=True)[1] == line


def test_a_dead_runner_is_told_after_its_last_line(paths: SessionPaths) -> None:
    let_go = held(paths)
    journal = Journal(paths.journal)
    journal.add("log", {"message": "last words"})
    process = start_pump(paths, 1)
    time.sleep(0.3)
    assert process.poll() is None
    journal.add("log", {"message": "really the last"})
    let_go()
    out, _ = process.communicate(timeout=60)
    *said, lost = records(out.splitlines())
    assert [record["data"]["message"] for record in said] == ["last words", "really the last"]
    assert (lost["type"], lost["seq"]) == ("lost", 0)


def test_a_last_line_that_was_cut_short_is_not_sent(paths: SessionPaths) -> None:
    let_go = held(paths)
    Journal(paths.journal).add("log", {"message": "whole"})
    with paths.journal.open("ab") as file:
        file.write(b'{"v":1,"seq":2,"ts":1,"type":"log","da')
    let_go()
    whole, lost = records(pumped(paths, 1))
    assert whole["data"]["message"] == "whole"
    assert (lost["type"], lost["seq"]) == ("lost", 0)


def test_a_pump_has_a_life(paths: SessionPaths) -> None:
    let_go = held(paths)
    Journal(paths.journal).add("heartbeat", {})
    started = time.monotonic()
    assert len(pumped(paths, 1, life=0.5)) == 1
    assert 0.4 < time.monotonic() - started < 60
    let_go()


def test_a_pump_holds_the_lease(paths: SessionPaths) -> None:
    let_go = held(paths)
    Journal(paths.journal).add("heartbeat", {})
    process = start_pump(paths, 1)
    wait_until(paths.lease.exists)
    first = paths.lease.stat().st_mtime_ns
    wait_until(lambda: paths.lease.stat().st_mtime_ns > first)
    process.kill()
    process.communicate()
    let_go()


def test_a_pump_ends_when_nobody_reads(paths: SessionPaths) -> None:
    let_go = held(paths)
    journal = Journal(paths.journal)
    journal.add("log", {"message": "x"})
    process = start_pump(paths, 1)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    journal.add("log", {"message": "y"})
    assert process.wait(timeout=60) != 0
    assert process.stderr is not None
    process.stderr.close()
    let_go()


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 3000), max_size=3), count=st.integers(1, 60))
def test_pumping_again_and_again_gives_everything_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], count: int
) -> None:
    paths = SessionPaths(tmp_path_factory.mktemp("session"))
    paths.proxy.mkdir()
    journal = Journal(paths.journal)
    for number in range(count):
        journal.add("log", {"number": number, "text": "žluťoučký kůň " * (number % 5)})
    journal.add("closed", CLOSED)
    journal.close()
    seen: list[int] = []
    for cut in [*cuts, 10**9]:
        out = b"".join(pumped(paths, len(seen) + 1))[:cut]
        seen += [parse_line(line).seq for line in out.split(b"\n")[:-1]]
    assert seen == list(range(1, count + 2))


def test_a_full_disk_keeps_lines_back_and_loses_none(tmp_path: Path) -> None:
    """A limit on file size stands for the full disk: each is a short write, then an error."""
    program = f"""
import resource, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from osiris.remote.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path({str(tmp_path / "journal")!r}))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
for number in range(1000):
    journal.add("log", {{"number": number}})
assert not journal.stuck
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal.add("log", {{"number": 1000}})
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
for number in range(400):
    journal.add("log", {{"number": number, "text": "x" * 100_000}})
assert journal.stuck
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.stderr == b""
    lines = (tmp_path / "journal").read_bytes().splitlines()
    numbers = [parse_line(line).data.get("number") for line in lines[:1001]]
    assert numbers == list(range(1001))
