"""Completion in real shells on terminals: what each of them makes of its script."""

import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Osiris, plain
from tests.support.debian import ensure_programs

PROMPT = "NEXT> "
SET_PROMPT = 'PS1=NEXT"> "'
COLUMNS = 200
TELL = 'osiris() { printf ran:; printf " <%s>" "$@"; echo; }'


@dataclass(frozen=True)
class Kind:
    """How a shell starts, and what is typed first.

    From then on `osiris` is a function that tells its arguments; completion asks the program.
    """

    command: tuple[str, ...]
    setup: tuple[str, ...]


KINDS = {
    "bash": Kind(
        ("bash", "--norc", "--noprofile", "-i"),
        ('eval "$(osiris completion bash)"', TELL, SET_PROMPT),
    ),
    "zsh": Kind(
        ("zsh", "-f", "-i"),
        (
            "autoload -U compinit; compinit -D -u",
            'eval "$(osiris completion zsh)"',
            TELL,
            SET_PROMPT,
        ),
    ),
    "zsh with a file": Kind(
        ("zsh", "-f", "-i"),
        (
            "mkdir ~/.zfunc; osiris completion zsh > ~/.zfunc/_osiris; fpath+=~/.zfunc",
            "autoload -Uz compinit && compinit -D -u",
            TELL,
            SET_PROMPT,
        ),
    ),
    "fish": Kind(
        ("fish", "--no-config", "--private", "-i"),
        (
            "osiris completion fish | source",
            'function osiris; printf ran:; printf " <%s>" $argv; echo; end',
            'function fish_prompt; printf NEXT"> "; end',
        ),
    ),
    "fish with a file": Kind(
        ("fish", "--private", "-i"),
        (
            "mkdir -p ~/.config/fish/completions",
            "osiris completion fish > ~/.config/fish/completions/osiris.fish",
            'function osiris; printf ran:; printf " <%s>" $argv; echo; end',
            'function fish_prompt; printf NEXT"> "; end',
        ),
    ),
}


class Shell:
    """An interactive shell on a terminal, in a project."""

    def __init__(self, command: Sequence[str], osiris: Osiris, programs: Path) -> None:
        program = programs / "osiris"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m osiris "$@"\n')
        program.chmod(0o755)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        environment = {
            **osiris.environment,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
        }
        self._process = subprocess.Popen(
            ("setsid", "--ctty", *command),
            cwd=osiris.cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        self._seen = ""

    def prepare(self, lines: Iterable[str]) -> None:
        """Type what comes first; wait for the prompt that it sets."""
        for line in lines:
            self.type(f"{line}\n")
        self._wait(PROMPT)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def ran(self, keys: str) -> str:
        """Press keys, then Enter; return the arguments with which `osiris` ran, in brackets."""
        self._seen = ""
        self.type(f"{keys}\n")
        self._wait("ran:")
        self._seen = self._seen.partition("ran:")[2]
        return self._wait("\n").strip()

    def _wait(self, text: str) -> str:
        """Wait until the text is on the screen; return what was there before it."""
        deadline = time.monotonic() + 60
        while text not in self._seen:
            assert time.monotonic() < deadline, self._seen
            if select.select([self._master], [], [], 1)[0]:
                self._seen += plain(os.read(self._master, 65536).decode(errors="replace")).replace(
                    "\r", ""
                )
        return self._seen.partition(text)[0]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.fixture(params=KINDS)
def shell(
    request: pytest.FixtureRequest, shop: Osiris, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """Each shell, its script read; Debian's package of it is installed where it is missing."""
    kind = KINDS[request.param]
    ensure_programs({kind.command[0]: kind.command[0]})
    found = Shell(kind.command, shop, tmp_path_factory.mktemp("programs"))
    try:
        found.prepare(kind.setup)
        yield found
    finally:
        found.close()


def test_it_completes(shell: Shell) -> None:
    """Commands, connections, runs, components and files."""
    assert shell.ran("osiris conn\ttest @mysql.sh\t") == "<connections> <test> <@mysql.shop>"
    assert shell.ran("osiris logs show ru\t") == "<logs> <show> <run_20260101T000000Z_abcd>"
    assert shell.ran("osiris components show duckdb.pr\t") == (
        "<components> <show> <duckdb.processor>"
    )
    assert shell.ran("osiris discover da\t") == "<discover> <data.csv>"
