"""Each gate finds what it is there to find, and nothing in a clean tree."""

from pathlib import Path

import pytest

from tools.gates.__main__ import run
from tools.gates.tree import Finding, Tree

CLEAN = '''"""A module."""

import json


def dump(value: object) -> str:
    """Dump it."""
    return json.dumps(value)
'''


def _run(tmp_path: Path, files: dict[str, str]) -> list[Finding]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return run(Tree.of_paths(tmp_path, [tmp_path / name for name in files]))


def _function(lines: int, docstring: int = 0) -> str:
    doc = ['    """Say it.', *["    more"] * (docstring - 2), '    """'] if docstring else []
    body = ["    pass"] * (lines - 1)
    return "\n".join(["def f() -> None:", *doc, *body]) + "\n"


def test_a_clean_tree_passes(tmp_path: Path) -> None:
    files = {"osiris/core/engine.py": CLEAN, "docs/a.md": "In /home/user of a sandbox.\n"}
    assert _run(tmp_path, files) == []


# Put together at run time: the gates read this file too.
HASH, ROOT = "#", "/"


@pytest.mark.parametrize(
    "gate,path,text,line",
    [
        ("sizes", "osiris/a.py", "x = 1\n" * 401, 1),
        ("sizes", "tests/a.py", "x = 1\n" + _function(41), 2),
        ("sizes", "tools/a.py", _function(41, docstring=5), 1),
        ("names", "osiris/core/csv_utils.py", CLEAN, 1),
        ("names", "osiris/common/table.py", CLEAN, 1),
        ("names", "osiris/core/engine_v2.py", CLEAN, 1),
        ("names", "osiris/core/engine.py", "class EngineV2:\n    x = 1\n", 1),
        ("reasons", "osiris/a.py", f"import os  {HASH} noqa\n", 1),
        ("reasons", "osiris/a.py", f"import os  {HASH} noqa: F401\n", 1),
        ("reasons", "osiris/a.py", f"import os  {HASH} noqa: F401 - why\n", 1),
        ("reasons", "osiris/a.py", f"x: int = ''  {HASH} type: ignore\n", 1),
        ("reasons", "osiris/a.py", f"x: int = ''  {HASH} type: ignore[assignment]\n", 1),
        ("reasons", "osiris/a.py", f"x = 1  {HASH} pragma: no cover\n", 1),
        ("reasons", "tests/a.py", "import pytest\n\n@pytest.mark.skip\ndef f(): ...\n", 3),
        ("reasons", "tests/a.py", "import pytest\n\npytest.skip()\n", 3),
        ("reasons", "tests/a.py", "import pytest\n\n@pytest.mark.skipif(1)\ndef f(): ...\n", 3),
        ("reasons", "tests/a.py", "import pytest\n\npytest.importorskip('e2b')\n", 3),
        ("machine_paths", "README.md", f"a\nSee {ROOT}work/main for more.\n", 2),
        ("machine_paths", "docs/a.md", f"{ROOT}home/alice/osiris\n", 1),
        ("machine_paths", "Makefile", f"PYTHON = {ROOT}root/.pyenv/shims/python\n", 1),
        ("third_party", "osiris/core/engine.py", "import click\n", 1),
        ("third_party", "osiris/core/engine.py", "def f():\n    from numpy import array\n", 2),
        ("third_party", "osiris/components/x.py", "import pyarrow\n", 1),
        ("third_party", "osiris/drivers/duckdb_processor.py", "import pymysql\n", 1),
        ("third_party", "osiris/remote/proxy_worker_runner.py", "import pydantic\n", 1),
        ("third_party", "osiris/brandy.py", "import requests\n", 1),
        ("waivers", "osiris/a.py", f"x = 1  {HASH} waive sizes\n", 1),
        ("waivers", "osiris/a.py", f"x = 1  {HASH} waive sizes - not needed any more\n", 1),
    ],
)
def test_a_bad_tree_is_found(tmp_path: Path, gate: str, path: str, text: str, line: int) -> None:
    found = _run(tmp_path, {path: text})
    assert [(f.gate, f.path, f.line) for f in found] == [(gate, path, line)]


@pytest.mark.parametrize(
    "path,text",
    [
        ("osiris/a.py", "x = 1\n" * 400),
        ("osiris/a.py", _function(40)),
        ("osiris/a.py", _function(40, docstring=30)),
        ("osiris/a.py", f"import os  {HASH} noqa: F401 - the name is part of the interface\n"),
        ("osiris/a.py", f"x: int = ''  {HASH} type: ignore[assignment]  {HASH} stubs are wrong\n"),
        ("osiris/a.py", f"import os  {HASH} noqa: F401 - as above\n"),
        ("osiris/a.py", 'text = "# noqa"\n'),
        ("tests/a.py", "import pytest\n\npytest.skip('needs a live account')\n"),
        ("tests/a.py", "import pytest\n\npytest.importorskip('e2b', reason='an extra')\n"),
        ("osiris/remote/e2b_sandbox.py", "import e2b\n"),
        ("osiris/drivers/mysql/rows.py", "import numpy as np\n"),
        ("osiris/cli/remote.py", "from osiris.core import engine\n"),
        ("docs/a.md", "https://example.org/home/a and {base}/root/x\n"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, path: str, text: str) -> None:
    assert _run(tmp_path, {path: text}) == []


def test_a_waiver_with_a_reason_takes_the_finding_away(tmp_path: Path) -> None:
    text = _function(41).replace(
        "None:", f"None:  {HASH} waive sizes - a table of cases reads best in one piece", 1
    )
    assert _run(tmp_path, {"osiris/a.py": text}) == []
