"""`osiris explain`: a page for every error code, told as the code is."""

import pytest

from osiris.cli.explain import explanations
from osiris.core.errors import OsirisError, error_classes
from tests.cli.program import Osiris, plain
from tools.docs.package import import_everything

import_everything()
CLASSES = {
    code: cls
    for code, cls in error_classes().items()
    if cls.__module__.startswith("osiris.") and cls is not OsirisError
}


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(explanations()) == sorted(CLASSES), (
        "a new error code needs a page in osiris/cli/explained/CODE.md"
    )


@pytest.mark.parametrize("code", sorted(CLASSES))
def test_a_page_says_kind_and_exit_code_and_fits_a_terminal(code: str) -> None:
    cls = CLASSES[code]
    title, blank, *lines = explanations()[code].split("\n")
    assert title == f"{code} ({cls.kind}, exit code {cls.exit_code})"
    assert blank == ""
    assert len(lines[0]) > 20
    assert max(map(len, lines)) <= 100


def test_a_page_is_printed(osiris: Osiris) -> None:
    done = osiris("explain", "step.authentication")
    assert done.code == 0
    assert done.out == explanations()["step.authentication"]
    assert osiris("explain", "step.tls", "--json").document["title"].startswith("step.tls (config")


def test_all_codes_are_listed_and_a_wrong_one_gets_the_nearest(osiris: Osiris) -> None:
    assert osiris("explain").out.split() == sorted(CLASSES)
    done = osiris("explain", "step.autentication")
    assert done.code == 2
    assert "did you mean 'step.authentication'?" in done.err


def test_an_error_on_a_terminal_says_how_to_learn_more(osiris: Osiris) -> None:
    shown = plain(osiris.terminal("discover", "@mysql.nowhere").out)
    assert shown.splitlines()[-1] == "more: osiris explain usage.invalid"
    assert "more:" not in osiris("discover", "@mysql.nowhere").err
