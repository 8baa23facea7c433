"""How the program's process ends: quickly, and with nothing left undone."""

import subprocess
import sys

PROGRAM = """
import atexit, sys, threading, time
from osiris.cli.main import end_process

def late():
    time.sleep(0.3)
    print("thread")

atexit.register(print, "last")
threading.Thread(target=late, daemon=sys.argv[1] == "daemon").start()
print("begin")
end_process(3)
"""


def _ended(kind: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, kind],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_was_printed_is_out_and_what_was_registered_is_done() -> None:
    done = _ended("daemon")
    assert (done.returncode, done.stdout, done.stderr) == (3, "begin\nlast\n", "")


def test_threads_that_are_not_done_are_waited_for() -> None:
    done = _ended("waited for")
    assert done.returncode == 3
    assert sorted(done.stdout.split()) == ["begin", "last", "thread"]
