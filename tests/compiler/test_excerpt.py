"""Which part of a line is shown beside a problem."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.excerpt import HIDDEN, excerpt

TOKEN = "ghp_" + "a" * 36


@pytest.mark.parametrize(
    "line,shown",
    [
        ("  user: hunter2", f"  user: {HIDDEN}"),
        ("  port: 3306  # usual", "  port: 3306  # usual"),
        ("  password: ${MY_PASSWORD}", "  password: ${MY_PASSWORD}"),
        ("  password: ${MY_PASSWORD:-hunter2}", f"  password: {HIDDEN}"),
        ("  shop: {user: u, password: hunter2}", f"  shop: {HIDDEN}"),
        ("    - hunter2", f"    - {HIDDEN}"),
        ("  hunter2 of a block", f"  {HIDDEN}"),
        ("  mysql:", "  mysql:"),
        ("  tls: true", "  tls: true"),
        ("", None),
    ],
)
def test_of_a_private_file_only_keys_numbers_and_placeholders(line: str, shown: str | None) -> None:
    assert excerpt(line, private=True) == shown


@pytest.mark.parametrize(
    "line",
    [
        "  pasword: hunter2",
        "  Passwort: hunter2",
        "  api_key: hunter2",
        "  config: {path: a, token: hunter2}",
        "  secret: ${X:-hunter2}",
        f"  note: {TOKEN}",
        "  url: postgres://u:hunter2@h/db",
    ],
)
def test_a_line_that_may_hold_a_secret_is_not_shown(line: str) -> None:
    assert excerpt(line, private=False) is None


@pytest.mark.parametrize(
    "line",
    [
        "  path: data.csv",
        "  needs: [aa]",
        "  password: ${MY_PASSWORD}",
        "    component: filesystem.csv_extracter",
        "  password:",
        "- {id: a, mode: read}",
    ],
)
def test_other_lines_are_shown(line: str) -> None:
    assert excerpt(line, private=False) == line


@given(st.from_regex(r" {0,4}(- )?[a-z]{1,8}: [a-z\"'{\[|>&*!,#]{3,20}", fullmatch=True))
def test_no_text_of_a_private_file_gets_through(line: str) -> None:
    shown = excerpt(line, private=True)
    value = line.partition(": ")[2]
    if value.strip("\"'").startswith("#") or value in {"true", "null", "false"}:
        return
    assert shown is not None
    assert shown.endswith(HIDDEN)
