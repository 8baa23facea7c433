"""The command lines for a sandbox's shell, as bash understands them."""

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osiris.remote.e2b_shell import detached, direct, exact, joined

AWKWARD = ["a b", "'", '"', "$HOME", "`id`", "*", "\\", "ä€", "", "-n", "x\ny"]
SHOW = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))"]


def bash(command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["bash", "-c", command], env=env, capture_output=True, check=False)


def test_arguments_arrive_as_they_are() -> None:
    assert json.loads(bash(direct([*SHOW, *AWKWARD])).stdout) == AWKWARD


def test_exact_keeps_every_byte_and_the_exit_code() -> None:
    done = bash(exact(["printf", r"\377\000\n"], 10))
    assert base64.b64decode(done.stdout) == b"\xff\x00\n"
    assert bash(exact(["sh", "-c", "echo said; exit 7"], 0.5)).returncode == 7


def test_detached_gets_exactly_its_variables_and_no_descriptor(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    program = (
        "import json, os, sys; from pathlib import Path; part = Path(sys.argv[1] + '.part'); "
        "fds = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)]; "
        "part.write_text(json.dumps([dict(os.environ), fds, os.getsid(0) == os.getpid()])); "
        "part.rename(sys.argv[1])"
    )
    given = {"SECRET": "a'b\n$c", "_x": "1"}
    around = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "USER": "u", "OTHER": "no"}
    command = detached([sys.executable, "-I", "-c", program, str(out)], given)
    assert "a'b" not in command
    done = bash(command, {**around, **given})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    for _ in range(200):
        if out.exists():
            break
        time.sleep(0.05)
    env, fds, leads_its_session = json.loads(out.read_text())
    of_python = {"LC_CTYPE"}
    of_bash = {"_", "PWD", "SHLVL", "OLDPWD"}
    assert set(env) - of_python - of_bash == {"PATH", "HOME", "SECRET", "_x"} - of_bash
    assert env["SECRET"] == given["SECRET"]
    assert set(fds) == {"/dev/null"}
    assert leads_its_session


@pytest.mark.parametrize("name", ["A B", "A=B", "", "1A", "A;id", "Ä"])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not names"):
        detached(["true"], {name: "x"})


def test_joined_makes_one_of_many(tmp_path: Path) -> None:
    parts = [tmp_path / f"x y.{n}" for n in range(3)]
    for number, part in enumerate(parts):
        part.write_text(str(number))
    whole = tmp_path / "x y"
    assert bash(joined([str(part) for part in parts], str(whole))).returncode == 0
    assert whole.read_text() == "012"
    assert list(tmp_path.iterdir()) == [whole]
