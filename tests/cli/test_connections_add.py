"""`osiris connections add`, `test` and `exec`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from osiris.cli.main import outcome
from tests.cli.program import Osiris
from tests.conftest import Database

FILE = "osiris_connections.yaml"


def _fields(osiris: Osiris, alias: str) -> dict[str, Any]:
    text = (osiris.cwd / FILE).read_text()
    fields: dict[str, Any] = yaml.safe_load(text)["connections"]["mysql"][alias]
    return fields


def test_a_new_file_holds_no_secret_and_says_what_to_do(osiris: Osiris) -> None:
    done = osiris("connections", "add", "@mysql.shop", "host=h", "user=123", "port=3307")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"added @mysql.shop to {FILE}",
        "",
        "Next:",
        "  put MYSQL_SHOP_PASSWORD=… into .env",
        "  osiris connections test @mysql.shop",
    ]
    assert _fields(osiris, "shop") == {
        "host": "h",
        "user": "123",
        "port": 3307,
        "password": "${MYSQL_SHOP_PASSWORD}",
    }
    listed = osiris("connections", "list")
    assert listed.code == 0, listed.out


def test_another_one_and_the_rest_stays(osiris: Osiris) -> None:
    before = "# ours\nconnections:\n  mysql:\n    b: {user: x, default: true}  # first\n# end\n"
    (osiris.cwd / FILE).write_text(before)
    (osiris.cwd / FILE).chmod(0o600)
    done = osiris(
        "connections",
        "add",
        "mysql.c",
        "user=${DB_USER}",
        "password=",
        "tls.mode=required",
        "--json",
    )
    assert done.document == {
        "ref": "@mysql.c",
        "file": FILE,
        "fields": {"user": "${DB_USER}", "tls": {"mode": "required"}},
        "variables": ["DB_USER"],
    }
    after = (osiris.cwd / FILE).read_text()
    assert [
        line for line in after.splitlines() if line in before.splitlines()
    ] == before.splitlines()
    assert (osiris.cwd / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "arguments,words",
    [
        (("@mysql.a", "user=u", "password=hunter2"), "ends in the shell's history"),
        (("@mysql.a", "user=u", "pasword=x"), "did you mean 'password'?"),
        (("@mysql.a", "user=u", "port=many"), "port: should be a valid integer"),
        (("@mysql.a", "user=u", "user=v"), "user is given twice"),
        (("@mysql.a", "host=h"), "user"),
        (("@mysql.a", "user=u", "host=https://u:pw123@h/"), "a URL with a password"),
        (("@mysqll.a", "user=u"), "did you mean 'mysql'?"),
        (("@mysql", "user=u"), "is no name for a connection"),
        (("@mysql.there", "user=u"), "there is a connection @mysql.there already"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    text = "connections:\n  mysql:\n    there: {user: x}\n"
    (tmp_path / FILE).write_text(text)
    assert outcome(["-C", str(tmp_path), "connections", "add", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "hunter2" not in told
    assert (tmp_path / FILE).read_text() == text


@pytest.fixture
def shop(osiris: Osiris, database: Database) -> Osiris:
    """The program in a project with a connection that `add` made, to a table of two rows."""
    database.script(
        "CREATE TABLE t (n INT, d DECIMAL(5, 2), s VARCHAR(99));"
        "INSERT INTO t VALUES (1, 1.50, 'a\nb'), (2, NULL, '\x1b[31m');"
    )
    fields = database.connection()
    password = str(fields.pop("password"))
    given = [f"{name}={value}" for name, value in fields.items()]
    assert osiris("connections", "add", "@mysql.shop", *given).code == 0
    return Osiris(osiris.cwd, {"MYSQL_SHOP_PASSWORD": password})


def test_a_connection_is_tested(shop: Osiris) -> None:
    done = shop("connections", "test", "@mysql.shop", "--json")
    assert (done.code, done.document["connections"][0]["state"]) == (0, "ok")
    wrong = shop("connections", "test", "@mysql.shop", MYSQL_SHOP_PASSWORD="wrong-one")
    assert wrong.code == 1
    assert "authentication" in wrong.out


def test_a_query_as_table_csv_json_lines_and_json(shop: Osiris) -> None:
    query = "SELECT n, d, s FROM t ORDER BY n"
    done = shop("connections", "exec", "@mysql.shop", query)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "n  d     s",
        "1  1.50  a\\nb",
        "2  NULL  \\x1b[31m",
    ]
    done = shop("connections", "exec", "@mysql.shop", query, "--format", "csv")
    assert done.out == '"n","d","s"\n1,1.50,"a\nb"\n2,,"\x1b[31m"\n'
    done = shop("connections", "exec", "@mysql.shop", query, "--format", "jsonl")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert rows == [{"n": 1, "d": "1.50", "s": "a\nb"}, {"n": 2, "d": None, "s": "\x1b[31m"}]
    done = shop("connections", "exec", "@mysql.shop", query, "--json", "--limit", "1")
    assert done.document == {
        "columns": [
            {"name": "n", "type": "int32"},
            {"name": "d", "type": "decimal128(5, 2)"},
            {"name": "s", "type": "string"},
        ],
        "rows": [["1", "1.50", "a\nb"]],
        "truncated": True,
    }


def test_a_query_of_many_rows_is_cut_and_one_of_none_has_its_head(shop: Osiris) -> None:
    done = shop("connections", "exec", "@mysql.shop", "SELECT n FROM t", "--limit", "1")
    assert done.out.splitlines() == ["n", "1"]
    assert "the first 1 rows; there are more (--limit)" in done.err
    done = shop("connections", "exec", "@mysql.shop", "SELECT n FROM t WHERE n > 5")
    assert (done.code, done.out) == (0, "n\n")


@pytest.mark.parametrize(
    "query,code,words",
    [
        ("DELETE FROM t", 2, "DELETE"),
        ("SELECT 1; SELECT 2", 2, "one"),
        ("SELECT * FROM nowhere", 1, "there is no such table"),
        ("SELECT SLEEP(60)", 1, "took longer than 2 s"),
    ],
)
def test_what_changes_or_fails_is_told(
    shop: Osiris, database: Database, query: str, code: int, words: str
) -> None:
    seconds = "2" if "SLEEP" in query else "60"
    done = shop("connections", "exec", "@mysql.shop", query, "--timeout", seconds)
    assert done.code == code, done.err
    assert words in done.err
    assert database.execute("SELECT COUNT(*) FROM t") == [(2,)]
