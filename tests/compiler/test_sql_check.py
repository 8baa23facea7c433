"""A query is let through, anything else is refused, and doubt is only a warning."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.sql_check import check_query
from tests.compiler.pipelines import HEAD, carets, compile_text, positions

QUERIES = Path(__file__).with_name("queries")
"""Queries as people write them, one a line: legal in the dialect, and reads, every one."""

WORDS = """
    SELECT FROM WHERE t a 1 'x' ( ) , * ; INTO FOR UPDATE WITH AS UNION [ ] { } := -> `q` "d" -- #
    /* */ /*! CASE END IN INTERVAL DAY PIVOT ON USING VALUES $1 @x ? % CAST :: ${X} LIMIT DELETE
"""


def queries(name: str) -> list[str]:
    lines = (QUERIES / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    assert lines
    return lines


REFUSED_MYSQL = {
    "DELETE FROM t": "begins with DELETE",
    "UPDATE t SET a = 1": "begins with UPDATE",
    "INSERT INTO t SELECT 1": "begins with INSERT",
    "REPLACE INTO t VALUES (1)": "begins with REPLACE",
    "DROP TABLE t": "begins with DROP",
    "CREATE TABLE x AS SELECT 1": "begins with CREATE",
    "ALTER TABLE t ADD a INT": "begins with ALTER",
    "TRUNCATE t": "begins with TRUNCATE",
    "SET @a = 1": "begins with SET",
    "CALL p()": "begins with CALL",
    "DO SLEEP(1)": "begins with DO",
    "HANDLER t OPEN": "begins with HANDLER",
    "LOCK TABLES t READ": "begins with LOCK",
    "LOAD DATA INFILE 'x' INTO TABLE t": "begins with LOAD",
    "GRANT ALL ON *.* TO x": "begins with GRANT",
    "BEGIN": "begins with BEGIN",
    "PREPARE s FROM 'DROP TABLE t'": "begins with PREPARE",
    "SHOW TABLES": "begins with SHOW",
    "EXPLAIN SELECT 1": "begins with EXPLAIN",
    "DESCRIBE t": "begins with DESCRIBE",
    "SELCT a FROM t": "begins with SELCT",
    "WITH x AS (SELECT 1) DELETE FROM t": "DELETE",
    "WITH x AS (SELECT 1) UPDATE t SET a = 1": "UPDATE",
    "WITH x AS (SELECT 1) DELETE FROM t ORDER BY a DESC GROUP BY b DESC": "DELETE",
    "SELECT * FROM t INTO OUTFILE '/tmp/x'": "INTO",
    "SELECT * INTO OUTFILE '/tmp/x' FROM t": "INTO",
    "SELECT * FROM t INTO DUMPFILE '/tmp/x'": "INTO",
    "SELECT a INTO @x FROM t": "INTO",
    "SELECT a FROM t GROUP BY a DESC INTO OUTFILE '/tmp/x'": "INTO",
    "SELECT 5--1 INTO OUTFILE '/tmp/x'": "INTO",
    "SELECT 1 /* /* */ INTO OUTFILE '/tmp/x' -- */": "INTO",
    "SELECT 'a\\'' INTO OUTFILE '/tmp/x' -- '": "INTO",
    "SELECT a FROM t FOR UPDATE": "lock",
    "SELECT a FROM t FOR SHARE": "lock",
    "SELECT a FROM t LOCK IN SHARE MODE": "lock",
    "SELECT a FROM (SELECT 1 FROM t FOR UPDATE) x": "lock",
    "SELECT a FROM t GROUP BY a DESC FOR UPDATE": "FOR",
    "SELECT 1 /*! INTO OUTFILE '/tmp/x' */": "executes what is inside",
    "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */": "executes what is inside",
    "SELECT 1 /*M! INTO OUTFILE '/tmp/x' */": "executes what is inside",
    "SELECT 1 /* fine */ /*! FOR UPDATE */": "executes what is inside",
    "SELECT 1; SELECT 2": "a second statement",
    "SELECT 1;; DROP TABLE t": "a second statement",
    "": "is empty",
    "  -- nothing\n": "is empty",
    ";": "is empty",
    "SELECT 'a": "is not closed",
    "SELECT 1 /* a": "is not closed",
    "SELECT (1": "near '1'",
    "SELECT 1)": "near ')'",
}
REFUSED_DUCKDB = {
    "COPY t TO 'x.csv'": "begins with COPY",
    "ATTACH 'x.db'": "begins with ATTACH",
    "PRAGMA database_list": "begins with PRAGMA",
    "INSTALL httpfs": "begins with INSTALL",
    "LOAD httpfs": "begins with LOAD",
    "SET memory_limit = '1GB'": "begins with SET",
    "CREATE TABLE x AS FROM t": "begins with CREATE",
    "INSERT INTO t VALUES (1)": "begins with INSERT",
    "EXPORT DATABASE 'x'": "begins with EXPORT",
    "CALL pragma_version()": "begins with CALL",
    "CHECKPOINT": "begins with CHECKPOINT",
    "EXPLAIN SELECT 1": "begins with EXPLAIN",
    "SHOW TABLES": "begins with SHOW",
    "FROM t; FROM u": "a second statement",
    "WITH x AS (SELECT 1) INSERT INTO t FROM x": "INSERT",
    "SELECT 1 INTO x": "INTO",
}


@pytest.mark.parametrize("sql", queries("mysql"))
def test_queries_of_mysql(sql: str) -> None:
    assert check_query(sql, "mysql") is None


@pytest.mark.parametrize("sql", queries("duckdb"))
def test_queries_of_duckdb(sql: str) -> None:
    assert check_query(sql, "duckdb") is None


@pytest.mark.parametrize("sql", queries("mysql_unknown_to_sqlglot"))
def test_legal_sql_that_sqlglot_does_not_know_is_only_doubted(sql: str) -> None:
    finding = check_query(sql, "mysql")
    assert finding is not None
    assert not finding.certain


@pytest.mark.parametrize("sql", REFUSED_MYSQL)
def test_what_mysql_would_do_more_than_read(sql: str) -> None:
    finding = check_query(sql, "mysql")
    assert finding is not None
    assert finding.certain
    assert REFUSED_MYSQL[sql] in finding.message


@pytest.mark.parametrize("sql", REFUSED_DUCKDB)
def test_what_duckdb_would_do_more_than_read(sql: str) -> None:
    finding = check_query(sql, "duckdb")
    assert finding is not None
    assert finding.certain
    assert REFUSED_DUCKDB[sql] in finding.message


@pytest.mark.parametrize(
    "sql,offset,hint",
    [
        ("SELECT a FROM t FOR UPDATE", 16, "a step may only read"),
        ("SELECT 1;\nDROP TABLE t", 10, "keep one query a step"),
        ("SELECT *\nFORM t", 14, "did you mean 'FROM'?"),
        ("SELCT 1", 0, "did you mean 'SELECT'?"),
        ("SHOW TABLES", 0, "information_schema"),
        ("SELECT 1 /*! x */", 9, "without the comment"),
    ],
)
def test_where_the_finding_is_and_what_to_do(sql: str, offset: int, hint: str) -> None:
    finding = check_query(sql, "mysql")
    assert finding is not None
    assert finding.offset == offset
    assert hint in str(finding.hint)


@pytest.mark.parametrize(
    "sql",
    [
        "${QUERY}",
        " ${QUERY:-SELECT 1} ",
        "SELECT * FROM t WHERE d > '${DAY}' AND n < ${N}",
        "SELECT * FROM tbl_${ENV} LIMIT ${N:-10}",
        "SELECT '$${x}' FROM t",
        "SELECT * FROM ${TABLE}",
    ],
)
def test_placeholders_may_stand_anywhere(sql: str) -> None:
    assert check_query(sql, "mysql") is None


def test_a_placeholder_does_not_hide_a_statement() -> None:
    finding = check_query("DELETE FROM ${TABLE}", "mysql")
    assert finding is not None
    assert finding.certain


@pytest.mark.parametrize("depth", [100, 3000, 100_000])
def test_deep_nesting_is_survived(depth: int) -> None:
    finding = check_query(f"SELECT {'(' * depth}1{')' * depth}", "mysql")
    assert finding is None or "nested too deep" in finding.message


def test_sqlglot_prints_nothing_and_its_logger_is_left_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    check_query("WITH x AS (SELECT 1) CALL f()", "mysql")
    check_query("FROM t ALTER x", "duckdb")
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("sqlglot").disabled


@given(
    st.lists(st.sampled_from(WORDS.split()), max_size=25),
    st.sampled_from(["mysql", "duckdb"]),
)
def test_any_text_gives_a_finding_or_none(words: list[str], dialect: str) -> None:
    check_query(" ".join(words), dialect)


def query_step(query: str) -> str:
    return (
        f"{HEAD}steps:\n  - id: a\n    component: shop.extractor\n    mode: read\n"
        f"    config:\n      connection: '@shop'\n      query: {query}"
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t ‸FOR UPDATE\n",
        "'SELECT a FROM t ‸FOR UPDATE'\n",
        '"SELECT a FROM t ‸FOR UPDATE"\n',
        "|\n        SELECT a\n        FROM t\n          ‸FOR UPDATE\n",
        "|2\n        SELECT a\n          ‸FOR UPDATE\n",
        "|-\n\n        SELECT a\n\n        FROM é ‸FOR UPDATE\n",
        "‸>\n        SELECT a\n        FROM t FOR UPDATE\n",
        '‸"SELECT\\n a FROM t FOR UPDATE"\n',
        "‸SELECT a\n        FROM t FOR UPDATE\n",
    ],
)
def test_findings_are_mapped_into_the_yaml(query: str) -> None:
    text = query_step(query)
    result = compile_text(text)
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]
    assert "a lock" in result.problems[0].message


def test_a_param_moves_what_follows_it_in_the_line_only() -> None:
    text = query_step("|\n        SELECT ${params.x}\n        ‸FROM t FOR UPDATE\n")
    text = text.replace("steps:", "params: {x: a_long_value}\nsteps:")
    result = compile_text(text)
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]


def test_doubt_is_a_warning_at_its_place() -> None:
    text = query_step("|\n        SELECT a\n        FORM ‸t\n")
    result = compile_text(text)
    assert result.problems == []
    assert result.compiled is not None
    assert positions(result.warnings) == carets(text)
    assert "did you mean 'FROM'?" in str(result.warnings[0])
