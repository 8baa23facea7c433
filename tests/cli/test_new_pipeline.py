"""The text of a pipeline that discovery writes, whatever names a database has."""

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.cli.new_pipeline import pipeline_text, write_pipeline
from osiris.core.discovery import TableInfo
from osiris.core.errors import UnwritableOutputError, UsageError
from osiris.discovery.pipeline import pipeline_of
from osiris.discovery.result import Discovery

HOSTILE = st.text(max_size=12) | st.sampled_from(
    [
        "a\nb: {",
        "- x",
        "#",
        "\x1b[2J",
        "\u2028",
        "'\"`",
        "${x}",
        "null",
        "1.0",
        "steps:",
        " x ",
        "|",
    ]
)


def _found(*tables: TableInfo) -> Discovery:
    return Discovery("@mysql.x", "mysql.extractor", "@mysql.x", tables)


@settings(deadline=None, max_examples=80)
@given(HOSTILE, st.lists(HOSTILE, min_size=1, max_size=4), HOSTILE)
def test_the_text_says_what_the_pipeline_is(name: str, columns: list[str], problem: str) -> None:
    found = _found(
        TableInfo("s", name, "table", read={"table": name, "columns": columns}),
        TableInfo("s", name, "view", problems=(problem,)),
    )
    pipeline = pipeline_of([found], "copy")
    text = pipeline_text(pipeline, [found])
    assert yaml.safe_load(text) == pipeline
    controls = {char for char in text if unicodedata.category(char) in {"Cc", "Zl", "Zp"}}
    assert controls == {"\n"}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_pipeline(tmp_path / "new" / "a.yaml", "x")
    with pytest.raises(UsageError, match="exists already"):
        write_pipeline(tmp_path / "new" / "a.yaml", "y")
    assert (tmp_path / "new" / "a.yaml").read_text() == "x"
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="exists already"):
        write_pipeline(tmp_path / "link.yaml", "y")
    with pytest.raises(UnwritableOutputError):
        write_pipeline(tmp_path / "new" / "a.yaml" / "b.yaml", "y")
