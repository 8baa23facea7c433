"""Adding a connection to a file: what is there stays, byte for byte."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.compiler.connection_edit import with_connection
from osiris.core.errors import ConnectionConfigError

NEW = {"host": "h", "tls": {"mode": "required"}, "password": "${P}", "port": 1}
FILES = [
    "",
    "# a remark\n",
    "connections: {}\n# more\n#  mysql:\n",
    "connections:   # why\n",
    "connections:\n  mysql: {}\n",
    "connections:\n  mysql:   # none yet\n  pg:\n    b: {user: c}\n",
    "connections:\n  mysql:\n    a: {host: x}   # why\n    # behind\n  pg: # pg\n    b: {}\n\n#\n",
    "connections:\n  mysql:\n    b:\n      host: h\n      tls: {}\n\n# end\n",
    "connections:\n   mysql:\n      a:\n         user: |\n          x\n\n   pg:\n      b: {c: 1}\n",
    "connections:\n  mysql:\n    a:\n      user: >-\n        x\n        y\n\n\n# end\n",
    "connections:\n  mysql:\n    a:\n      user: x",
    "---\nconnections:\n  mysql:\n    'a': {user: \"x\", nested: {deep: [1,\n      2]}}\n...\n",
    "connections:\r\n  mysql:\r\n    a: {user: x}\r\n",
    "connections:\n  mysql:\n    a:\n      user: one\n        two\n",
]


@pytest.mark.parametrize("text", FILES)
@pytest.mark.parametrize("family", ["mysql", "other"])
def test_lines_are_added_and_nothing_else_changes(text: str, family: str) -> None:
    after = with_connection(text, family, "new", NEW, "file.yaml")
    connections = yaml.safe_load(after)["connections"]
    assert connections[family].pop("new") == NEW
    before = (yaml.safe_load(text) or {}).get("connections") or {}
    assert {k: v for k, v in connections.items() if v} == {k: v for k, v in before.items() if v}
    kept = iter(after.splitlines())
    for line in text.splitlines():  # every old line is there, in order, an empty {} left out
        wanted = (line, re.sub(r" *\{\} *$", "", line))
        assert any(new in wanted for new in kept), line


@pytest.mark.parametrize(
    "text",
    ["connections: {mysql: {a: {user: x}}}\n", "connections:\n  mysql: {a: {user: x}}\n", "[1]\n"],
)
def test_braces_are_refused_with_their_line(text: str) -> None:
    with pytest.raises(ConnectionConfigError, match=r"file\.yaml:[12]: connections in braces"):
        with_connection(text, "mysql", "new", NEW, "file.yaml")


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
FIELDS = st.dictionaries(NAMES, st.text(max_size=20) | st.integers() | st.booleans(), min_size=1)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(NAMES, NAMES, FIELDS), max_size=6, unique_by=lambda c: c[:2]))
def test_any_connections_one_after_the_other(added: list[tuple[str, str, dict[str, str]]]) -> None:
    text, expected = "# kept\n", dict[str, dict[str, object]]()
    for family, alias, fields in added:
        text = with_connection(text, family, alias, fields, "file.yaml")
        expected.setdefault(family, {})[alias] = fields
    assert text.startswith("# kept\n")
    found = yaml.safe_load(text)
    assert (found or {}).get("connections", {}) == expected
