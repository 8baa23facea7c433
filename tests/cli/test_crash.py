"""A bug ends in one line, exit code 70 and a traceback in a file without secrets."""

import re
from pathlib import Path

import pytest

from tests.cli.program import Osiris

CANARY = "canary-Xy7-password"


@pytest.fixture
def broken(tmp_path: Path) -> Osiris:
    """The program with a component installed whose schema cannot be made."""
    (tmp_path / "buggy.py").write_text(
        "from osiris.components.component import Component, ComponentConfig, Mode\n"
        "class Config(ComponentConfig):\n"
        "    @classmethod\n"
        "    def model_json_schema(cls, *args, **kwargs):\n"
        f"        raise ZeroDivisionError('it said {CANARY}')\n"
        "COMPONENT = Component('buggy.reader', frozenset({Mode.READ}), Config, 'x:Y', 'Buggy.')\n"
    )
    info = tmp_path / "buggy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: buggy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[osiris.components]\nbuggy.reader = buggy:COMPONENT\n")
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    return Osiris(tmp_path, {"PYTHONPATH": path, "TMPDIR": str(tmp_path), "MY_PASSWORD": CANARY})


def test_it_says_where_the_traceback_is(broken: Osiris) -> None:
    done = broken("components", "show", "buggy.reader")
    assert (done.code, done.out) == (70, "")
    assert "Traceback" not in done.err
    message, hint = done.err.splitlines()
    assert message == "error: ZeroDivisionError: this is a bug in Osiris"
    found = re.fullmatch(r"hint: the traceback is in (.+)", hint)
    assert found is not None
    text = Path(found[1]).read_text()
    assert text.startswith("Traceback")
    assert "ZeroDivisionError: it said ***" in text
    assert CANARY not in done.err + text
    assert Path(found[1]).stat().st_mode & 0o077 == 0


def test_as_json(broken: Osiris) -> None:
    done = broken("components", "show", "buggy.reader", "--json")
    assert (done.code, done.err) == (70, "")
    assert done.document["error"]["code"] == "osiris.bug"
    assert CANARY not in done.out


def test_the_traceback_is_shown_when_asked_for(broken: Osiris) -> None:
    done = broken("components", "show", "buggy.reader", OSIRIS_DEBUG="1")
    assert done.code == 70
    assert "Traceback (most recent call last)" in done.err
    assert CANARY not in done.err


def test_without_a_place_for_the_traceback(broken: Osiris) -> None:
    done = broken("components", "show", "buggy.reader", TMPDIR="/nowhere", HOME="/nowhere")
    assert done.code == 70
    assert done.err.startswith("error: ZeroDivisionError")
