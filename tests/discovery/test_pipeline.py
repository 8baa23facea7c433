"""The pipeline that copies what was found."""

from pathlib import Path

import yaml

import osiris
from osiris.core.discovery import TableInfo
from osiris.discovery.pipeline import pipeline_of
from osiris.discovery.result import Discovery


def _table(schema: str | None, name: str) -> TableInfo:
    return TableInfo(schema, name, "table", read={"table": name, "columns": ["a"]})


def test_names_of_steps_and_files_are_kept_apart() -> None:
    names = ["a b", "a-b", "A B", "名", "", "x" * 300]
    found = Discovery(
        "@mysql.x", "mysql.extractor", "@mysql.x", tuple(_table(None, n) for n in names)
    )
    ids = [step["id"] for step in pipeline_of([found], "copy")["steps"]]
    assert ids[::2] == [
        *("read-a-b", "read-a-b-2", "read-A-B-3", "read-table", "read-table-2"),
        "read-" + "x" * 60,
    ]


def test_a_table_that_cannot_be_read_is_left_out() -> None:
    broken = TableInfo("s", "broken", "view", problems=("it is broken",))
    found = Discovery("@mysql.x", "mysql.extractor", "@mysql.x", (broken, _table("s", "t")))
    steps = pipeline_of([found], "copy")["steps"]
    assert [step["id"] for step in steps] == ["read-s-t", "write-s-t"]


def test_what_looks_like_a_placeholder_means_itself(tmp_path: Path) -> None:
    (tmp_path / "${HOME}.csv").write_text("${x},${params.y}\n1,2\n")
    (tmp_path / "osiris.yaml").touch()
    found = osiris.discover(tmp_path / "${HOME}.csv", project=tmp_path)
    pipeline = tmp_path / "copy.yaml"
    pipeline.write_text(yaml.safe_dump(pipeline_of([found], "copy"), sort_keys=False))
    done = osiris.run_pipeline(pipeline)
    assert done.ok, done.status
    assert (tmp_path / "output" / "HOME.csv").read_text() == '"${x}","${params.y}"\n1,2\n'
