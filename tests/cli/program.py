"""The console program as a user runs it: a process of its own, on pipes or on a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "osiris")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a run of the program ended."""

    code: int
    out: str
    err: str = ""

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Osiris:
    """The program in a directory, with an environment of its own."""

    cwd: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """A clean environment; this checkout is what is run."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.cwd),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            **self.env,
        }

    def __call__(self, *args: str | Path, cwd: Path | None = None, **env: str) -> Done:
        """Run the program on pipes and wait for its end."""
        done = subprocess.run(
            [*COMMAND, *map(str, args)],
            cwd=cwd or self.cwd,
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str | Path, **env: str) -> "subprocess.Popen[str]":
        """Start the program on pipes."""
        return subprocess.Popen(
            [*COMMAND, *map(str, args)],
            cwd=self.cwd,
            env={**self.environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def shell(self, line: str) -> Done:
        """Run a line of bash in which `osiris` is the program."""
        command = " ".join(COMMAND)
        done = subprocess.run(
            ["bash", "-c", f'osiris() {{ {command} "$@"; }}; {line}'],
            cwd=self.cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def terminal(self, *args: str | Path, columns: int = 80, **env: str) -> Done:
        """Run the program on a terminal; both its streams are in `out`, escapes included."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            [*COMMAND, *map(str, args)],
            cwd=self.cwd,
            env={**self.environment, "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        output = _read_all(master)
        return Done(process.wait(timeout=60), output.decode().replace("\r\n", "\n"))


def _read_all(master: int) -> bytes:
    output = b""
    while select.select([master], [], [], 60)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the last process closed the other side
            break
        if not chunk:
            break
        output += chunk
    os.close(master)
    return output


_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-B])")


def plain(text: str) -> str:
    """Return what a terminal shows of a text without colours and cursor movements."""
    return _ESCAPE.sub("", text)
