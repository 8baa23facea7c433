"""What steps print does not get into what the program says, and is in the run's log."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.program import ROOT, Osiris, plain

PROBES = ROOT / "tests" / "remote" / "probe_package"
PRINTING = r"""
import ctypes, os, subprocess, sys, warnings
print("from Python")
sys.stderr.write("on stderr\n")
os.write(1, b"\xff\xfe no text\n{\"state\": \"forged\"}\n")
subprocess.run(["sh", "-c", "echo from a child; echo on its stderr >&2; echo cut > /dev/stdout"])
libc = ctypes.CDLL(None)
libc.printf(b"\nheld back by C\n")
warnings.warn("a warning of Python's")
print("no newline at the end", end="")
"""


def said(osiris: Osiris) -> list[str]:
    """What the run's log has of what its steps printed."""
    (log,) = osiris.cwd.glob("logs/run_*/osiris.log")
    return [x.split("INFO     ", 1)[1] for x in log.read_text().splitlines() if " worker.std" in x]


def printing(cwd: Path, code: str, **more: object) -> Osiris:
    """Return the program in a directory with a pipeline whose step runs the code."""
    step = {"id": "probe", "component": "probe.source", "mode": "read", "config": {"code": code}}
    pipeline = {"oml_version": "0.1.0", "name": "probing", "steps": [{**step, **more}]}
    (cwd / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    return Osiris(cwd, {"PYTHONPATH": f"{ROOT}{os.pathsep}{PROBES}"})


def test_nothing_of_it_is_on_the_programs_streams(tmp_path: Path) -> None:
    osiris = printing(tmp_path, PRINTING)
    done = osiris("run", "pipeline.yaml", "--json")
    assert done.code == 0, done.err
    assert done.document["state"] == "completed"
    assert len(done.err.splitlines()) == 3
    log = said(osiris)
    for text in ("from Python", r"\xff\xfe no text", '{"state": "forged"}', "from a child", "cut"):
        assert f"worker.stdout: {text}" in log
    assert "worker.stdout: held back by C" in log
    assert "worker.stdout: no newline at the end" in log
    assert "worker.stderr: on stderr" in log
    assert "worker.stderr: on its stderr" in log
    assert any("UserWarning: a warning of Python's" in line for line in log)


def test_nor_on_a_terminal(tmp_path: Path) -> None:
    osiris = printing(tmp_path, PRINTING + "import time; time.sleep(0.5)")
    done = osiris.terminal("run", "pipeline.yaml", columns=133)
    assert done.code == 0
    shown = plain(done.out)
    assert "completed" in shown
    assert "from" not in shown
    assert "on stderr" not in shown
    assert "worker.stderr: on stderr" in said(osiris)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(tmp_path: Path, closed: str) -> None:
    osiris = printing(tmp_path, PRINTING)
    done = osiris.shell(f"osiris run pipeline.yaml {closed}")
    assert done.code == 0, done.err
    (run,) = tmp_path.glob("logs/run_*")
    assert json.loads((run / "status.json").read_text())["state"] == "completed"
    for line in (run / "events.jsonl").read_text().splitlines():
        assert json.loads(line)["session"] == run.name
    assert "worker.stdout: from a child" in said(osiris)


def test_code_that_prints_while_it_holds_the_interpreters_lock(tmp_path: Path) -> None:
    """Nobody could empty a pipe meanwhile: Python's own threads are stopped."""
    osiris = printing(
        tmp_path,
        "import ctypes\n"
        "write = ctypes.PyDLL(None).write\n"
        "write.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]\n"
        "rows = [write(1, b'x' * 2_500_000, 2_500_000) for _ in range(4)]",
    )
    done = osiris("run", "pipeline.yaml")
    assert done.code == 0, done.err
    assert "2500000\n" in next(tmp_path.rglob("output.csv")).read_text().replace('"', "")
    assert said(osiris)[-1].endswith("more bytes were not kept)")


FLOOD = """
import os, subprocess, time
subprocess.run("yes | head -c 100000000", shell=True)
def link(fd):
    try: return os.readlink(f"/proc/self/fd/{fd}")
    except OSError: return ""
(file,) = [fd for fd in map(int, os.listdir("/proc/self/fd")) if "osiris stdout" in link(fd)]
ends = time.monotonic() + 30
while (size := os.fstat(file).st_blocks * 512) > 3_000_000 and time.monotonic() < ends:
    time.sleep(0.05)
rows = [os.fstat(file).st_size >= 100_000_000, size <= 3_000_000]
"""


def test_what_prints_without_end_takes_no_memory(tmp_path: Path) -> None:
    osiris = printing(tmp_path, FLOOD)
    done = osiris("run", "pipeline.yaml")
    assert done.code == 0, done.err
    (kept,) = tmp_path.rglob("output.csv")
    assert kept.read_text().split() == ['"text"', '"True"', '"True"']
    assert "more bytes were not kept" in said(osiris)[-1]


LEFT_BEHIND = """
import sys
from pathlib import Path
from osiris.core.local_adapter import LocalAdapter
from tests.remote.probes import probing
from tests.support.pipelines import run_with
code = "import time\\nwhile True: print('noise', flush=True); time.sleep(0.001)"
builder = probing(code)
builder.steps[0] = builder.steps[0].model_copy(update={"timeout": 0.3})
adapter = LocalAdapter(owns_process=True)
evidence = run_with(adapter, Path(sys.argv[1]), builder, grace_seconds=0.2)
sys.exit(evidence.result.exit_code)
"""


def test_a_thread_that_is_left_behind_prints_into_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_BEHIND, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PROBES}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert "worker.stdout: noise" in said(Osiris(tmp_path))


def test_the_traceback_of_a_crash_is_shown(tmp_path: Path) -> None:
    osiris = printing(tmp_path, "import os; print('last words', flush=True); os.abort()")
    done = osiris("run", "pipeline.yaml")
    assert done.code == -6
    assert "Fatal Python error: Aborted" in done.err
    assert "osiris_probe.py" in done.err


def test_a_second_signal_is_told_while_steps_run(tmp_path: Path) -> None:
    """The program's last word comes past the streams that the steps have."""
    code = (
        "import os, time; os.kill(os.getpid(), 2); time.sleep(0.5);"
        "os.kill(os.getpid(), 2); time.sleep(60)"
    )
    osiris = printing(tmp_path, code)
    done = osiris("run", "pipeline.yaml")
    assert done.code == 130
    assert "stopped at once" in done.err
