"""A component that takes a connection of another family, and can do without."""

from pathlib import Path

import pytest

import osiris

PIPELINE = """\
oml_version: 0.1.0
name: lake
steps:
  - {{id: read, component: filesystem.csv_extractor, mode: read, config: {{path: a.csv{read}}}}}
  - {{id: write, component: filesystem.csv_writer, mode: write, config: {{path: b.csv{write}}}}}
"""
LAKE = "bucket: lake, access_key: '${A}', secret_key: '${B}'"


def problems(root: Path, connections: str | None, read: str = "", write: str = "") -> str:
    """Compile and return what is reported; "" when nothing is wrong."""
    if connections is not None:
        text = f"connections: {{s3: {{lake: {{{connections}}}}}}}\n"
        (root / "osiris_connections.yaml").write_text(text)
    (root / "pipeline.yaml").write_text(PIPELINE.format(read=read, write=write))
    try:
        osiris.compile_pipeline(root / "pipeline.yaml", project=root, write=False)
    except osiris.InvalidPipelineError as error:
        return str(error.problems)
    return ""


def test_files_here_need_no_connection(tmp_path: Path) -> None:
    assert problems(tmp_path, None) == ""
    assert problems(tmp_path, "bucket: ''") == ""  # no step uses it


def test_one_step_reads_there_another_writes_here(tmp_path: Path) -> None:
    assert problems(tmp_path, LAKE, read=", connection: '@s3.lake'") == ""


@pytest.mark.parametrize(
    "connections, reference, told",
    [
        (LAKE, "@s3.like", "there is no connection '@s3.like'"),
        (LAKE, "@filesystem.lake", "this component takes 's3'"),
        (None, "@s3.lake", "there is no connection '@s3.lake'"),
        ("bucket: lake, secret_key: abc", "@s3.lake", "a secret must not be written out"),
        ("bucket: lake, access_key: '${A}'", "@s3.lake", "access_key and secret_key go together"),
        ("bucket: lake, endpoint: 'ftp://x'", "@s3.lake", "an endpoint is https://host"),
        ("bucket: lake, endpoint: 'http://x/y'", "@s3.lake", "an endpoint is https://host"),
        ("bucket: 'a/b'", "@s3.lake", "a bucket's name has letters"),
        ("bucket: lake, region: 'eu central'", "@s3.lake", "a region has letters"),
        ("bucket: lake, token: x", "@s3.lake", "unknown option 'token'"),
        ("{", "@s3.lake", "osiris_connections.yaml"),
    ],
)
def test_what_is_wrong_with_a_connection(
    tmp_path: Path, connections: str | None, reference: str, told: str
) -> None:
    assert told in problems(tmp_path, connections, read=f", connection: '{reference}'")


def test_two_steps_may_write_one_path_in_different_places(tmp_path: Path) -> None:
    text = PIPELINE.format(read="", write=", connection: '@s3.lake'")
    text += "  - {id: too, component: filesystem.csv_writer, mode: write, needs: [read], "
    (tmp_path / "osiris_connections.yaml").write_text(
        f"connections: {{s3: {{lake: {{{LAKE}}}}}}}\n"
    )
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(text + "config: {path: b.csv}}\n")
    osiris.compile_pipeline(pipeline, project=tmp_path, write=False)
    pipeline.write_text(text + "config: {path: ./b.csv, connection: '@s3.lake'}}\n")
    with pytest.raises(osiris.InvalidPipelineError) as caught:
        osiris.compile_pipeline(pipeline, project=tmp_path, write=False)
    assert "step 'write' writes './b.csv' already" in str(caught.value.problems)
