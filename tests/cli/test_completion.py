"""Completion: what is proposed to any shell."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from osiris.cli.completion import VARIABLE
from osiris.cli.main import cli
from tests.cli.program import Osiris


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
