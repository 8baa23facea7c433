"""Every pipeline that is printed or bundled compiles, and every connections file is accepted."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from osiris.compiler.compile_source import compile_source
from osiris.components.registry import ComponentRegistry

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^( *)```yaml\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
MOVIES = (ROOT / "examples" / "movies" / "osiris_connections.yaml").read_bytes()


def _printed(beginning: str) -> list[tuple[str, bytes]]:
    return [
        (page.relative_to(ROOT).as_posix(), block.encode())
        for page in PAGES
        for _, indented in _BLOCK.findall(page.read_text("utf-8"))
        for block in [dedent(indented)]
        if block.startswith(beginning)
    ]


def _bundled() -> list[tuple[str, bytes]]:
    paths = sorted((ROOT / "examples").glob("*/pipeline.yaml"))
    return [(path.relative_to(ROOT).as_posix(), path.read_bytes()) for path in paths]


PIPELINES = [*_printed("oml_version:"), *_bundled()]
CONNECTIONS = dict(_printed("connections:"))


def test_they_are_found() -> None:
    assert {"README.md", "docs/tutorial.md", "examples/demo/pipeline.yaml"} <= {
        name for name, _ in PIPELINES
    }


@pytest.mark.parametrize("name,text", PIPELINES)
def test_a_pipeline_compiles(name: str, text: bytes) -> None:
    result = compile_source(
        text,
        filename=name,
        connections=(CONNECTIONS.get(name, MOVIES), "osiris_connections.yaml"),
        params={},
        registry=ComponentRegistry(),
    )
    assert not result.problems, [str(problem) for problem in result.problems]
    assert not result.warnings


@pytest.mark.parametrize("name,text", _printed("connections:"))
def test_a_connections_file_is_accepted(name: str, text: bytes) -> None:
    pipelines = dict(PIPELINES)
    result = compile_source(
        pipelines.get(name, pipelines["README.md"]),
        filename=name,
        connections=(text, name),
        params={},
        registry=ComponentRegistry(),
    )
    assert not result.problems, [str(problem) for problem in result.problems]
