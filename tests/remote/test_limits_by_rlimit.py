"""Where no control group may be made, the bubblewrap sandbox is limited by rlimits instead."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# A user without rights over control groups, and with the system's Python: root's own is root's.
PROGRAM = """
import json, os, sys, tempfile
from pathlib import Path
from osiris.remote.bubblewrap_sandbox import BubblewrapSandboxProvider
from osiris.remote.control_group import ControlGroup, Resources
from osiris.remote.errors import SandboxError
from osiris.remote.sandbox import SandboxSpec

def attempt(*programs):
    wanted = dict(memory_bytes=300 << 20, pids=40)
    scratch = Path(tempfile.mkdtemp())
    group = ControlGroup.make(f"osiris-{scratch.name}", Resources(**wanted))
    group.close()
    sandbox = BubblewrapSandboxProvider().create(SandboxSpec("run_x", scratch=scratch, **wanted))
    said = []
    for program in programs:
        try:
            said.append(sandbox.run(["/bin/sh", "-c", program], timeout=60).decode())
        except SandboxError as error:
            said.append(error.message)
    sandbox.kill()
    sandbox.discard()
    scratch.rmdir()
    return [sorted(group.limited), *said]

if os.getuid() == 0:
    attempt("true")  # all that is needed is imported: the standard library may be root's alone
    sys.prefix = sys.base_prefix = sys.exec_prefix = sys.base_exec_prefix = "/usr"
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps(attempt(
    "head -c 400000000 /dev/zero | tail -c 400000000 | wc -c; true",
    "head -c 1000000 /dev/zero | tail -c 1000000 | wc -c",
    "i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; echo all of them",
    "for i in 1 2 3 4 5; do sleep 0 & done; wait; echo all of them",
)))
"""


@pytest.mark.usefixtures("bubblewrap")
def test_memory_and_processes_are_limited_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    limited, much, little, many, few = json.loads(done.stdout)
    assert not {"memory", "pids"} & set(limited)
    assert much != "400000000\n"
    assert little == "1000000\n"
    assert "all of them" not in many
    assert few == "all of them\n"
