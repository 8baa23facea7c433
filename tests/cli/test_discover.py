"""`osiris discover`: what a person and a program get to see."""

import pytest
import yaml

from tests.cli.program import Osiris
from tests.conftest import Database
from tests.support.mysql import shown_type

HOSTILE = "\x1b[31mred\x9b2J\x07"


@pytest.fixture
def shop(osiris: Osiris, database: Database) -> Osiris:
    """The program in a project with a database that holds one table and one view, hostile ones."""
    database.script(
        "CREATE TABLE movies (id INT PRIMARY KEY, title VARCHAR(99), password VARCHAR(9))"
        f" COMMENT 'all {HOSTILE} of them';"
        f"INSERT INTO movies VALUES (1, 'A{HOSTILE}\nB', 'hunter2'), (2, NULL, NULL);"
    )
    fields = database.connection()
    password = fields.pop("password")
    text = yaml.safe_dump({"connections": {"mysql": {"shop": {**fields, "password": "${PW}"}}}})
    (osiris.cwd / "osiris_connections.yaml").write_text(text)
    return Osiris(osiris.cwd, {"PW": str(password)})


def test_tables_are_shown_harmless_and_masked(shop: Osiris, database: Database) -> None:
    done = shop("discover", "@mysql.shop", "--samples", "2")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"{database.name}.movies  (table, about 2 rows): all \\x1b[31mred\\x9b2J\\x07 of them",
        "  COLUMN    TYPE         ARROW   NULL",
        f"  id        {shown_type('int(11)'):11}  int32   not null",
        "  title     varchar(99)  string  null",
        "  password  varchar(9)   string  null",
        "  primary key (id)",
        "  samples:",
        "  id  title                      password",
        "  1   A\\x1b[31mred\\x9b2J\\x07\\nB  ***",
        "  2   NULL                       NULL",
    ]


def test_as_json(shop: Osiris, database: Database) -> None:
    done = shop("discover", "@mysql.shop", "--samples", "1", "--json")
    ((table,),) = [found["tables"] for found in done.document["found"]]
    assert (table["schema"], table["name"], table["kind"]) == (database.name, "movies", "table")
    assert table["columns"][2] == {
        "name": "password",
        "native_type": "varchar(9)",
        "arrow_type": "string",
        "nullable": True,
        "comment": None,
        "masked": True,
    }
    assert table["keys"][0]["columns"] == ["id"]
    assert table["samples"] == [["1", f"A{HOSTILE}\nB", "***"]]
    assert "\x1b" not in done.out


def test_a_pipeline_is_written_and_runs(shop: Osiris) -> None:
    done = shop("discover", "@mysql.shop", "--as-pipeline", "--output", "copy.yaml")
    assert done.code == 0, done.err
    assert "created copy.yaml" in done.out
    assert shop("run", "copy.yaml").code == 0
    (written,) = (shop.cwd / "output").iterdir()
    assert written.read_text().startswith('"id","title","password"\n')
    again = shop("discover", "@mysql.shop", "--as-pipeline", "--output", "copy.yaml")
    assert again.code == 2
    assert "copy.yaml exists already" in again.err
    printed = shop("discover", "@mysql.shop", "--as-pipeline")
    assert printed.out == (shop.cwd / "copy.yaml").read_text()


def test_files_given_by_a_shell_and_a_pattern(osiris: Osiris) -> None:
    for name in ("a", "b"):
        (osiris.cwd / f"{name}.csv").write_text("id,title\n1,x\n")
    done = osiris.shell("osiris discover *.csv --json")
    assert [found["target"] for found in done.document["found"]] == ["a.csv", "b.csv"]
    done = osiris("discover", "*.csv", "--as-pipeline", "--output", "copy.yaml")
    assert done.code == 0, done.err
    assert osiris("run", "copy.yaml").code == 0
    assert (osiris.cwd / "output" / "csv.csv").exists() is False


def test_what_is_wrong_is_told(shop: Osiris) -> None:
    for arguments, code, words in (
        (("@mysql.shopp",), 2, "did you mean '@mysql.shop'?"),
        (("@mysql.shop", "--table", "moovies"), 2, "did you mean 'movies'?"),
        (("@mysql.shop", "--schema", "nowhere"), 2, "has no schema 'nowhere'"),
        (("@mysql.shop", "--output", "x.yaml"), 2, "--output goes with --as-pipeline"),
        (("missing.csv",), 1, "cannot read"),
        ((), 2, "Missing argument"),
    ):
        done = shop("discover", *arguments)
        assert (done.code, words in done.err) == (code, True), done.err
    assert shop("discover", "@mysql.shop", PW="wrong").code == 1
