"""Completion: what is proposed, and a real bash that completes with it."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from osiris.cli.completion import VARIABLE
from osiris.cli.main import cli
from tests.cli.program import ROOT, Osiris, plain

CONNECTIONS = "connections:\n  mysql:\n    shop: {user: u}\n    stock: {user: u}\n"


@pytest.fixture
def shop(osiris: Osiris) -> Osiris:
    """The program in a project with two connections and a run."""
    (osiris.cwd / "osiris.yaml").touch()
    (osiris.cwd / "osiris_connections.yaml").write_text(CONNECTIONS)
    (osiris.cwd / "logs" / "run_20260101T000000Z_abcd").mkdir(parents=True)
    (osiris.cwd / "data.csv").touch()
    return osiris


def proposed(osiris: Osiris, words: str) -> list[str]:
    """Ask as the script of bash does; the last word is the one to complete."""
    number = len(words.split(" ")) - 1
    done = osiris(COMP_WORDS=words, COMP_CWORD=str(number), _OSIRIS_COMPLETE="bash_complete")
    assert done.err == ""
    return [line.partition(",")[2] for line in done.out.splitlines() if line]


@pytest.mark.parametrize(
    "words,expected",
    [
        ("osiris conn", ["connections"]),
        ("osiris connections e", ["exec"]),
        ("osiris connections test @mysql.", ["@mysql.shop", "@mysql.stock"]),
        ("osiris connections doctor @mysql.shop @mysql.st", ["@mysql.stock"]),
        ("osiris connections exec @", ["@mysql.shop", "@mysql.stock"]),
        ("osiris discover @mysql.sh", ["@mysql.shop"]),
        ("osiris logs show ", ["last", "run_20260101T000000Z_abcd"]),
        ("osiris parity last run_2", ["run_20260101T000000Z_abcd"]),
        ("osiris components show duckdb.p", ["duckdb.processor"]),
        ("osiris explain step.tl", ["step.tls"]),
        ("osiris run --step-outputs c", ["csv"]),
        ("osiris run --dry", ["--dry-run"]),
        ("osiris completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_what_is_proposed(
    shop: Osiris, words: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.cwd)
    *arguments, incomplete = words.split(" ")[1:]
    completer = ShellComplete(cli, {}, "osiris", VARIABLE)
    found = completer.get_completions(arguments, incomplete)
    assert [item.value for item in found] == expected


def test_a_project_that_is_named_and_one_that_is_broken(shop: Osiris, tmp_path: Path) -> None:
    elsewhere = Osiris(tmp_path.parent)
    words = f"osiris -C {shop.cwd} connections test @mysql.sh"
    assert proposed(elsewhere, words) == ["@mysql.shop"]
    (shop.cwd / "osiris_connections.yaml").write_text("connections: [")
    assert proposed(shop, "osiris connections test @") == []


def test_scripts(osiris: Osiris) -> None:
    for shell in ("bash", "zsh", "fish"):
        done = osiris("completion", shell)
        assert done.code == 0
        assert f"_OSIRIS_COMPLETE={shell}_complete" in done.out
    assert osiris("completion", "csh").code == 2


class Bash:
    """An interactive bash on a terminal, in which `osiris` is the program."""

    def __init__(self, osiris: Osiris, programs: Path) -> None:
        program = programs / "osiris"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m osiris "$@"\n')
        program.chmod(0o755)
        self._master, slave = pty.openpty()
        environment = {
            **osiris.environment,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TERM": "dumb",
            "PS1": "$ ",
        }
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            cwd=osiris.cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait(self, text: str) -> None:
        """Wait until the text is on the screen, and forget what was there."""
        deadline = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self._master], [], [], 1)[0]:
                self.seen += plain(os.read(self._master, 65536).decode())
        self.seen = ""

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def bash(shop: Osiris, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bash]:
    """A bash that has read the script."""
    found = Bash(shop, tmp_path_factory.mktemp("programs"))
    found.type('eval "$(osiris completion bash)"; echo re""ady\n')
    found.wait("ready")
    yield found
    found.close()


def test_a_real_bash_completes(bash: Bash) -> None:
    bash.type("osiris conn\t")
    bash.wait("osiris connections ")
    bash.type("test @mysql.sh\t")
    bash.wait("@mysql.shop ")
    bash.type("\x15osiris logs show ru\t")
    bash.wait("run_20260101T000000Z_abcd ")
    bash.type("\x15osiris discover da\t")
    bash.wait("data.csv")
    bash.type("\x15osiris components show duckdb.pr\t")
    bash.wait("duckdb.processor ")
