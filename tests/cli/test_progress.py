"""Progress: a live table on a terminal, lines elsewhere, JSON for programs; the same everywhere."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable

import pytest

from tests.cli.program import COMMAND, Osiris, plain

PIPELINE = """\
oml_version: 0.1.0
name: busy
steps:
  - {id: make, component: sample.source, mode: read, config: {rows: 300, delay: 0.01}}
  - {id: keep, component: sample.sink, mode: write, config: {}}
  - {id: shaky, component: sample.source, mode: read, retry: {attempts: 3, delay: 1.5, backoff: 1},
     config: {rows: 60, delay: 0.1, fault: transient, fault_after: 3, fault_times: 1,
              counter: tries}}
  - {id: keep-shaky, component: sample.sink, mode: write, config: {}, needs: [shaky]}
  - {id: bad, component: sample.source, mode: read, config: {fault: config, fault_after: 1}}
  - {id: keep-bad, component: sample.sink, mode: write, config: {}, needs: [bad]}
"""


@pytest.fixture
def busy(sample: Osiris) -> Osiris:
    """The program in a project with a pipeline of which a step is retried, one fails."""
    (sample.cwd / "busy.yaml").write_text(PIPELINE)
    return sample


def _frames(text: str) -> list[list[str]]:
    """Return the lines of each table that was drawn."""
    parts = re.split(r"(?=STEP +STATE +ROWS (?! *IN))", plain(text).replace("\r", ""))
    return [part.splitlines() for part in parts[1:]]


@pytest.mark.parametrize("columns", [80, 200])
def test_a_line_a_step(busy: Osiris, columns: int) -> None:
    done = busy.terminal("run", "busy.yaml", columns=columns)
    frames = _frames(done.out)
    assert len(frames) > 2
    for lines in frames:
        assert re.fullmatch(r"STEP +STATE +ROWS +ROWS/S +MB/S +TIME", lines[0].rstrip())
        for line in lines[: 1 + 6 + 1]:
            assert len(line.rstrip()) <= columns
    told = "\n".join(line for lines in frames for line in lines)
    assert re.search(r"^make +running +[1-9]\d* +[\d,]+ +\d+\.\d+ +[\d.]+ m?s", told, re.MULTILINE)
    assert re.search(r"^shaky +retrying \(2/3 in 1\.5\d* s\)", told, re.MULTILINE)
    assert re.search(r"^shaky +running \(try 2/3\) +[1-9]", told, re.MULTILINE)
    assert re.search(r"^keep-bad +skipped \(bad\)", told, re.MULTILINE)
    assert re.search(r"^bad +failed ", told, re.MULTILINE)
    assert "6 of 6 steps ended" in told


def test_the_same_from_a_sandbox(busy: Osiris) -> None:
    done = busy.terminal("run", "busy.yaml", "--sandbox=process", columns=100)
    told = "\n".join(line for lines in _frames(done.out) for line in lines)
    assert re.search(r"^make +running +[1-9]\d* +[\d,]+ +\d+\.\d+ ", told, re.MULTILINE)
    assert re.search(r"^shaky +retrying \(2/3 in 1\.5\d* s\)", told, re.MULTILINE)
    assert re.search(r"^keep-bad +skipped \(bad\)", told, re.MULTILINE)


def test_a_warning_stands_above_the_table_for_good(sample: Osiris) -> None:
    """The table is drawn below it again, never over it."""
    done = sample.terminal("run", "secret.yaml", VAULT_TOKEN="canary-4711")
    assert done.code == 0
    shown = plain(done.out).replace("\r", "")
    assert shown.count("using token ***") == 1
    before, _, after = done.out.partition("using token ***")
    assert before.rpartition("STEP")[2].endswith("\x1b[J")
    assert after.startswith("\n")
    assert "STEP" in after.partition("steps ended")[0]


def test_no_colours_where_they_are_not_wanted(busy: Osiris) -> None:
    coloured = r"\x1b\[[0-9;]*3[0-7]m"
    assert re.search(coloured, busy.terminal("run", "busy.yaml").out)
    (busy.cwd / "tries").unlink()
    done = busy.terminal("run", "busy.yaml", NO_COLOR="1")
    assert not re.search(coloured, done.out)
    assert len(_frames(done.out)) > 2


def test_a_terminal_that_changes_its_size(sample: Osiris) -> None:
    """What is drawn after a while fits the new width."""
    name = "a-step-with-a-name-that-needs-room"
    text = (sample.cwd / "slow.yaml").read_text().replace("id: make", f"id: {name}")
    (sample.cwd / "slow.yaml").write_text(text)
    master, slave = pty.openpty()
    _resize(slave, 120)
    process = subprocess.Popen(
        [*COMMAND, "run", "slow.yaml"],
        cwd=sample.cwd,
        env={**sample.environment, "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )

    def has_step(text: str) -> bool:
        return any(line.startswith(f"{name} ") for lines in _frames(text)[:-1] for line in lines)

    assert has_step(_read(master, has_step))
    _resize(slave, 64)
    # Some frames may have been drawn before; the last may not be whole yet.
    after = _read(master, lambda text: any(map(_is_narrow, _frames(text)[:-1])))
    after += _read(master, lambda text: len(_frames(text)) >= 4)
    process.terminate()
    os.close(slave)
    rest = _read(master, lambda _: False)
    assert process.wait(timeout=60) == 143
    os.close(master)
    late = _frames(after)[-4:-1]
    assert all(map(_is_narrow, late))
    assert all(lines[1].startswith("a-step-") for lines in late)
    assert "\x1b[JSIGTERM: stopping" in rest  # above the table, which is drawn below it again
    assert "cancelled" in plain(rest)


def _is_narrow(lines: list[str]) -> bool:
    return max(len(line.rstrip()) for line in lines[:3]) <= 64


def _resize(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))


def _read(master: int, enough: Callable[[str], bool]) -> str:
    """Read what the program shows until it is enough, or its end."""
    output = b""
    end = time.monotonic() + 60
    while not enough(output.decode(errors="replace")) and time.monotonic() < end:
        if select.select([master], [], [], 1)[0]:
            try:
                output += os.read(master, 65536)
            except OSError:
                break
    return output.decode(errors="replace")


def _lines(err: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in err.splitlines()]


@pytest.mark.parametrize("place", [(), ("--sandbox=process",)])
def test_json_lines_for_programs(busy: Osiris, place: tuple[str, ...]) -> None:
    done = busy("run", "busy.yaml", "--progress", "json", *place)
    assert done.code == 1
    lines = _lines(done.err)
    assert {line["type"] for line in lines} >= {"event", "metric", "progress"}
    assert all(re.fullmatch(r"20\d\d-.+Z", str(line["ts"])) for line in lines)
    (run,) = (path for path in (busy.cwd / "logs").glob("run_*") if path.is_dir())
    kept = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    shown = [line for line in lines if line["type"] == "event"]
    assert [(e["ts"], e["event"]) for e in shown] == [(e["ts"], e["event"]) for e in kept]
    told = [line for line in lines if line["type"] == "progress" and line["step_id"] == "make"]
    rows = [line["rows"] for line in told if isinstance(line["rows"], int)]
    assert rows == sorted(rows)
    assert len(rows) > 1
    assert "error:" in done.out or "failed" in done.out


def test_json_lines_and_a_json_result(sample: Osiris) -> None:
    done = sample("run", "sample.yaml", "--progress", "json", "--json", "-v")
    assert done.document["ok"] is True
    assert _lines(done.err)[-1]["event"] == "run_complete"


def test_a_person_may_choose(sample: Osiris) -> None:
    assert sample("run", "sample.yaml", "--progress", "none").err == ""
    shown = sample.terminal("run", "sample.yaml", "--progress", "plain")
    assert re.search(r"\d\d:\d\d:\d\d make: completed, 20 rows in ", shown.out)
    assert "\x1b[1A" not in shown.out
    assert sample("run", "sample.yaml", "--progress", "loud").code == 2
    live = sample("run", "sample.yaml", "--progress", "live")
    assert "3 of 3 steps ended" in live.err


def test_the_records_are_the_same_however_they_are_shown(sample: Osiris) -> None:
    kinds = []
    for choice in ("plain", "json", "none"):
        sample("run", "sample.yaml", "--progress", choice)
        run = max((sample.cwd / "logs").glob("run_*"), key=lambda path: path.stat().st_mtime_ns)
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
        kinds.append(sorted(event["event"] for event in events))
    assert kinds[0] == kinds[1] == kinds[2]
