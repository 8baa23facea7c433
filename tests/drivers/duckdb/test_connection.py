"""What a query cannot reach: files, network, variables, statements that are not queries."""

from pathlib import Path

import pyarrow as pa
import pytest

from osiris.core.errors import ConfigError, StepError
from tests.support.driver_run import stream_of
from tests.support.sql import NUMBERS, Sql


@pytest.fixture
def sql(tmp_path: Path) -> Sql:
    return Sql(tmp_path)


# --- what is refused ---


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TABLE x (a INT)",
        "INSERT INTO df VALUES (1, 2)",
        "COPY df TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "SET threads = 1",
        "PRAGMA version",
        "SELECT 1; SELECT 2",
        "",
        "-- nothing",
        "EXPLAIN SELECT 1",
        "CALL pragma_version()",
    ],
)
def test_only_one_select_is_run(sql: Sql, query: str) -> None:
    with pytest.raises(ConfigError):
        sql(query or " ", {"df": stream_of(NUMBERS)})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{root}/secret.csv')",
        "SELECT * FROM '{root}/secret.csv'",
        "SELECT * FROM read_text('{root}/secret.csv')",
        "SELECT * FROM glob('{root}/*')",
        "SELECT * FROM read_blob('{root}/spill/*')",
        "SELECT * FROM sniff_csv('{root}/secret.csv')",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "SELECT getenv('OSIRIS_CANARY') AS v",
        "SELECT * FROM query('COPY df TO ''{root}/out.csv''')",
        "SELECT * FROM OSIRIS_SECRET_TABLE",
    ],
)
def test_a_query_reaches_no_file_no_network_and_no_variable(
    sql: Sql, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSIRIS_CANARY", "canary")
    root = sql.run.root
    (root / "secret.csv").write_text("a\ncanary\n")
    before = sorted(p.name for p in root.iterdir())
    with pytest.raises(StepError) as caught:
        sql(query.format(root=root), {"df": stream_of(NUMBERS)})
    assert "canary" not in str(caught.value)
    assert sorted(p.name for p in root.iterdir() if p.name not in {"spill", "artifacts"}) == [
        name for name in before if name not in {"spill", "artifacts"}
    ]


def test_a_query_reads_no_variable_of_the_program(sql: Sql) -> None:
    secret_frame = pa.table({"a": [1]})
    assert secret_frame.num_rows == 1
    with pytest.raises(ConfigError, match="secret_frame"):
        sql("SELECT * FROM secret_frame", {"df": stream_of(NUMBERS)})


@pytest.mark.parametrize(
    "query, said",
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM df", "nope"),
        ("SELECT *,\n  nope\nFROM df", "nope"),
        ("SELECT * FROM nope", "nope"),
        ("SELECT id + 'x' FROM df", "Could not convert"),
    ],
)
def test_wrong_sql_is_told_in_duckdbs_words(sql: Sql, query: str, said: str) -> None:
    with pytest.raises(StepError, match=said):
        sql(query, {"df": stream_of(NUMBERS)})
