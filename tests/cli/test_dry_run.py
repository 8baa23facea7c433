"""`osiris run --dry-run`: what would run, and nothing that runs."""

from tests.cli.program import Osiris

CANARY = "canary-dry-run"


def test_nothing_runs_and_nothing_is_written(sample: Osiris) -> None:
    before = sorted(sample.cwd.rglob("*"))
    done = sample("run", "secret.yaml", "--dry-run", VAULT_TOKEN=CANARY)
    assert (done.code, done.err) == (0, "")
    assert sorted(sample.cwd.rglob("*")) == before
    assert "secret: 2 steps would run" in done.out
    assert "@sample.vault: host=${VAULT_HOST:-vault.invalid} token=${VAULT_TOKEN}" in done.out
    assert "variable VAULT_HOST: default" in done.out
    assert "variable VAULT_TOKEN: set" in done.out
    assert CANARY not in done.out


def test_the_steps_are_in_order_with_where_from_and_where_to(project: Osiris) -> None:
    done = project("run", "pipeline.yaml", "--dry-run")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()[3:7]]
    assert [row[:2] for row in rows] == [
        ["1", "movies"],
        ["2", "reviews"],
        ["3", "rate"],
        ["4", "write-ratings"],
    ]
    assert rows[0][3:] == ["data/movies.csv"]
    assert rows[2][3:] == ["movies,", "reviews"]
    assert rows[3][3:] == ["rate", "output/ratings.csv"]


def test_a_missing_variable_ends_with_4(sample: Osiris) -> None:
    done = sample("run", "secret.yaml", "--dry-run")
    assert done.code == 4
    assert "variable VAULT_TOKEN: missing" in done.out
    assert "error: environment variable VAULT_TOKEN is not set" in done.err
    assert not (sample.cwd / "logs").exists()


def test_as_json(sample: Osiris) -> None:
    done = sample("run", "secret.yaml", "--dry-run", "--json")
    assert (done.code, done.err) == (4, "")
    document = done.document
    assert (document["ok"], document["exit_code"]) == (False, 4)
    assert document["variables"] == {"VAULT_HOST": "default", "VAULT_TOKEN": "missing"}
    assert [step["id"] for step in document["steps"]] == ["make", "keep"]
    assert document["steps"][0]["connection"]["fields"]["token"] == "${VAULT_TOKEN}"
    assert document["steps"][1]["inputs"] == {"df": "make"}
    (error,) = document["errors"]
    assert error["code"] == "environment.missing_variable"


def test_an_output_that_cannot_be_written(project: Osiris) -> None:
    (project.cwd / "output").write_text("a file where the directory should be")
    done = project("run", "pipeline.yaml", "--dry-run")
    assert done.code == 4
    assert "cannot publish" in done.err


def test_a_manifest_can_be_looked_at_as_well(sample: Osiris) -> None:
    assert sample("compile", "sample.yaml").code == 0
    done = sample("run", "--last-compile", "--dry-run", "--json")
    assert done.code == 0
    assert done.document["params"] == {"rows": 20}
    assert not list((sample.cwd / "logs").glob("run_*"))
