"""`osiris init --from-connection`: a project that starts from what is there."""

import yaml

from tests.cli.program import Osiris
from tests.conftest import Database

FILES = {
    *(".env.example", ".gitignore", "osiris.schema.json", "osiris.yaml", "pipeline.yaml"),
    "osiris_connections.yaml",
}


def _shop(osiris: Osiris, database: Database) -> Osiris:
    database.script("CREATE TABLE a (x INT); INSERT INTO a VALUES (1); CREATE TABLE b (y INT)")
    fields = database.connection()
    password = fields.pop("password")
    text = yaml.safe_dump({"connections": {"mysql": {"shop": {**fields, "password": "${PW}"}}}})
    (osiris.cwd / "osiris_connections.yaml").write_text(text)
    return Osiris(osiris.cwd, {"PW": str(password)})


def test_a_new_project_runs(osiris: Osiris, database: Database) -> None:
    shop = _shop(osiris, database)
    done = shop("init", "copy", "--from-connection", "@mysql.shop", "--json")
    assert done.code == 0, done.err
    assert set(done.document["files"]) == FILES
    root = shop.cwd / "copy"
    assert {path.name for path in root.iterdir()} == FILES
    assert (root / ".env.example").read_text().endswith("\nPW=\n")
    assert shop.env["PW"] not in "".join(path.read_text() for path in root.iterdir())
    done = shop("run", "pipeline.yaml", cwd=root)
    assert done.code == 0, done.err
    written = {path.name.partition("-")[2] for path in (root / "output").iterdir()}
    assert written == {"a.csv", "b.csv"}


def test_in_the_directory_of_the_connection_its_file_stays(
    osiris: Osiris, database: Database
) -> None:
    shop = _shop(osiris, database)
    before = (shop.cwd / "osiris_connections.yaml").read_text()
    done = shop("init", "--from-connection", "@mysql.shop", "--table", "a")
    assert done.code == 0, done.err
    assert (shop.cwd / "osiris_connections.yaml").read_text() == before
    steps = yaml.safe_load((shop.cwd / "pipeline.yaml").read_text())["steps"]
    assert [step["id"] for step in steps] == [
        f"read-{database.name}-a",
        f"write-{database.name}-a",
    ]
    again = shop("init", "--from-connection", "@mysql.shop", "--table", "a")
    assert again.code == 2
    assert "already holds" in again.err


def test_what_is_wrong_leaves_nothing_behind(osiris: Osiris) -> None:
    for arguments in (("--from-connection", "@mysql.none"), ("--table", "a")):
        done = osiris("init", "new", *arguments)
        assert done.code == 2
        assert not (osiris.cwd / "new").exists()


def test_what_must_be_set_first_is_the_second_of_the_next_commands(
    osiris: Osiris, database: Database
) -> None:
    shop = _shop(osiris, database)
    assert shop("init", "a", "--from-connection", "@mysql.shop", "--json").document["next"] == [
        "cd a",
        "osiris run pipeline.yaml",
        "osiris logs show last",
    ]
    (osiris.cwd / ".env").write_text("PW='" + shop.env["PW"].replace("'", "\\'") + "'\n")
    done = osiris("init", "b", "--from-connection", "@mysql.shop", "--json")
    assert done.document["next"] == [
        "cd b",
        "cp .env.example .env   # and fill it in",
        "osiris run pipeline.yaml",
    ]
