"""A missing program is told with the command that brings it."""

import os

import pytest

from tests.support.debian import MissingProgramError, ensure_programs, find_program


def test_programs_that_are_there_need_nothing() -> None:
    ensure_programs({"sh": "dash"})
    assert find_program("sh") is not None


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    # An empty PATH: whoever runs this, there is no apt-get to run.
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(MissingProgramError, match="as root run: apt-get install no-such-package"):
        ensure_programs({"no-such-program": "no-such-package"})
