"""Every example, well and in every kind of trouble, is the same here and in every sandbox."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_adapter import e2b_adapter
from tests.conftest import Database
from tests.remote.examples import NAMES, Example, example, without_component

GUARDED = "token = config.connection.token.get_secret_value()\nassert token == 'right', token"
GARBAGE = r"""
import os, subprocess, sys
print("plain print", "ž" * 5000)
print("no newline at the end", end="", file=sys.stderr)
sys.stdout.buffer.write(b"\xff\xfe not utf-8 \x00\x1b[31m\r\n\n")
sys.stdout.flush()
os.write(1, b'{"v":1,"seq":1,"ts":1,"type":"closed","data":{}}\n')
os.write(2, b"\xc5" + b"x" * 70_000)
subprocess.run(["sh", "-c", r"printf 'from a child \377\n'; printf again >&2"], check=True)
"""
FAMILY = """
import subprocess, sys
subprocess.run(["sh", "-c", "(sleep 1; sleep 1) & setsid -f sleep 2; echo gone"], check=True)
child = "import os; os.fork() or os._exit(0); os.setsid(); os.fork() or os._exit(7)"
subprocess.run([sys.executable, "-c", child], check=True)
rows = ["all of them started"]
"""


def breaks(one: Example) -> None:
    """Let the first step fail: what it reads is not there."""
    config = one.steps[0]["config"]
    config["table" if "table" in config else "path"] = "there_is_none"


def branches(one: Example) -> None:
    """Add a branch that fails and one that has nothing to do with it."""
    one.add("bad", "probe.source", "read", code="raise ValueError('no bread today')")
    one.add("lost", "filesystem.csv_writer", "write", "bad", path="output/lost.csv")
    one.add("good", "probe.source", "read", code="rows = range(7)")
    one.add("kept", "filesystem.csv_writer", "write", "good", path="output/kept.csv")


def guards(one: Example, **env: str) -> None:
    """Add a step behind a token."""
    one.connections["probe"] = {"vault": {"token": "${PROBE_TOKEN}"}}
    one.add("guarded", "probe.remote", "read", connection="@probe.vault", code=GUARDED)
    one.env |= env


def wrong_secret(one: Example) -> None:
    guards(one, PROBE_TOKEN="wrong enough")
    one.env |= {name: "wrong as well" for name in one.env if name.endswith("_PASSWORD")}


def unknown_component(one: Example) -> None:
    first = one.steps[0]["id"]
    one.change = lambda compiled: without_component(compiled, first)


@dataclass(frozen=True)
class Trouble:
    """What happens to an example, and the exit code that it must come to everywhere."""

    prepare: Callable[[Example], Any]
    exit_code: int


TROUBLES = {
    "ok": Trouble(lambda one: guards(one, PROBE_TOKEN="right"), 0),
    "a failing step": Trouble(breaks, 1),
    "a failing branch with an independent one": Trouble(branches, 1),
    "wrong secret": Trouble(wrong_secret, 1),
    "missing secret": Trouble(guards, 4),
    "unknown component": Trouble(unknown_component, 3),
    "empty table": Trouble(lambda one: one.empty(), 0),
    "a step that prints garbage and non-UTF-8": Trouble(
        lambda one: one.add("loud", "probe.source", "read", code=GARBAGE), 0
    ),
    "a step that forks children": Trouble(
        lambda one: one.add("parent", "probe.source", "read", code=FAMILY), 0
    ),
}
BEFORE_ANY_SANDBOX = {"missing secret", "unknown component"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_same_everywhere(
    places: dict[str, Callable[[], ExecutionAdapter]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    name: str,
    trouble: str,
) -> None:
    def database() -> Database:
        made: Database = request.getfixturevalue("database")
        return made

    one = example(name, tmp_path, database)
    TROUBLES[trouble].prepare(one)
    here = one.run(LocalAdapter())
    assert here.exit_code == TROUBLES[trouble].exit_code, here.error
    for place, adapter in places.items():
        must_be_the_same(here, one.run(adapter()), trouble, place)


@pytest.mark.live
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_same_in_the_real_cloud(tmp_path: Path, trouble: str) -> None:
    """The example that needs no server, for the cloud cannot reach one here."""
    one = example("demo", tmp_path, pytest.fail)
    TROUBLES[trouble].prepare(one)
    here = one.run(LocalAdapter())
    there = one.run(e2b_adapter(os.environ, install_deps=True))
    must_be_the_same(here, there, trouble, "E2B")


def must_be_the_same(here: RunResult, there: RunResult, trouble: str, place: str) -> None:
    assert there.exit_code == here.exit_code, (place, there.error)
    was_there = "sandbox_killed" in there.layout.events.read_text()
    assert was_there == (trouble not in BEFORE_ANY_SANDBOX)
    comparison = compare_directories(here.layout.root, there.layout.root)
    assert comparison.same, (place, [d for row in comparison.aspects for d in row.differences])
