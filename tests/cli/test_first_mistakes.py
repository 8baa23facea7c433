"""What somebody new gets wrong in the first hour, and the very text that helps."""

from pathlib import Path

import pytest

from tests.cli.program import Done, Osiris


def _edit(osiris: Osiris, old: str, new: str, file: str = "pipeline.yaml") -> None:
    path = osiris.cwd / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _connections(osiris: Osiris, text: str) -> None:
    (osiris.cwd / "osiris_connections.yaml").write_text(text)
    _edit(
        osiris,
        "    component: filesystem.csv_extractor\n    mode: read\n    config:\n"
        "      path: data/movies.csv\n"
        "      columns: {id: integer, title: string, released: date}\n",
        "    component: mysql.extractor\n    mode: read\n"
        '    config: {connection: "@mysql.shop", table: movies}\n',
    )


def _lines(done: Done) -> list[str]:
    return [line.rstrip() for line in (done.out + done.err).splitlines()]


def test_a_tab_for_indentation(project: Osiris) -> None:
    _edit(project, "    component: duckdb.processor", "\tcomponent: duckdb.processor")
    done = project("validate", "pipeline.yaml")
    assert done.code == 3
    assert _lines(done) == [
        "pipeline.yaml:26:1: YAML syntax: a tab may not indent YAML",
        "  26 |  component: duckdb.processor",
        "     | ^",
        "  hint: indent with spaces",
        "1 problem in 1 of 1 pipeline",
    ]


def test_a_misspelt_key(project: Osiris) -> None:
    _edit(project, "      path: data/movies.csv", "      paht: data/movies.csv")
    done = project("run", "pipeline.yaml")
    assert done.code == 3
    assert _lines(done)[-4:] == [
        "pipeline.yaml:15:7: steps[0].config.paht: unknown option 'paht'",
        "  15 |       paht: data/movies.csv",
        "     |       ^",
        "  hint: did you mean 'path'?",
    ]
    assert not (project.cwd / "output").exists()


def test_a_misspelt_component(project: Osiris) -> None:
    _edit(project, "duckdb.processor", "duckdb.procesor")
    done = project("run", "pipeline.yaml")
    assert done.code == 3
    assert _lines(done)[-4:] == [
        "pipeline.yaml:26:16: steps[2].component: there is no component 'duckdb.procesor'",
        "  26 |     component: duckdb.procesor",
        "     |                ^",
        "  hint: did you mean 'duckdb.processor'?",
    ]


def test_a_step_that_is_not_there(project: Osiris) -> None:
    _edit(project, "needs: [rate]", "needs: [rates]")
    done = project("run", "pipeline.yaml")
    assert done.code == 3
    assert _lines(done)[-4:] == [
        "pipeline.yaml:41:13: steps[3].needs[0]: there is no step 'rates'",
        "  41 |     needs: [rates]",
        "     |             ^",
        "  hint: did you mean 'rate'?",
    ]


def test_a_password_in_the_file(project: Osiris) -> None:
    _connections(
        project,
        "connections:\n  mysql:\n    shop:\n      user: reader\n      password: hunter2\n",
    )
    done = project("run", "pipeline.yaml")
    assert done.code == 3
    field = "connections.mysql.shop.password"
    assert _lines(done)[-4:] == [
        f"osiris_connections.yaml:5:17: {field}: a secret must not be written out",
        "  5 |       password: …",
        "    |                 ^",
        "  hint: write ${MYSQL_PASSWORD} and set the variable in .env",
    ]
    assert "hunter2" not in done.out + done.err


def test_a_variable_that_is_not_set(project: Osiris) -> None:
    _connections(
        project,
        "connections:\n  mysql:\n    shop: {user: reader, password: '${MYSQL_PASSWORD}'}\n",
    )
    done = project("run", "pipeline.yaml")
    assert done.code == 4
    text = "\n".join(_lines(done))
    assert "MYSQL_PASSWORD" in text
    assert "put it into the project's .env file" in text


def test_a_connection_of_another_name(project: Osiris) -> None:
    _connections(
        project, "connections:\n  mysql:\n    shops: {user: reader, password: '${PASSWORD}'}\n"
    )
    done = project("run", "pipeline.yaml")
    assert done.code == 3
    assert _lines(done)[-4:] == [
        "pipeline.yaml:14:26: steps[0].config.connection: there is no connection '@mysql.shop'",
        '  14 |     config: {connection: "@mysql.shop", table: movies}',
        "     |                          ^",
        "  hint: did you mean '@mysql.shops'?",
    ]


def test_a_file_that_is_not_there(project: Osiris) -> None:
    (project.cwd / "data" / "movies.csv").unlink()
    done = project("run", "pipeline.yaml")
    assert done.code == 1
    text = "\n".join(_lines(done))
    assert "data/movies.csv: No such file or directory" in text
    assert "hint: check the step's `path`, relative to the project" in text


def test_a_pipeline_that_is_not_there_and_a_misspelt_command(project: Osiris) -> None:
    done = project("run", "pipelines.yaml")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "error: pipelines.yaml does not exist\nhint: did you mean 'pipeline.yaml'?\n"
    )
    assert "`osiris init` makes a pipeline to start from" in project("run", "other.yaml").err
    done = project("conections", "list")
    assert (done.code, done.out) == (2, "")
    assert _lines(done)[-1] == "Error: No such command 'conections'. Did you mean 'connections'?"


def test_an_extra_that_is_not_installed(project: Osiris, tmp_path: Path) -> None:
    """A package that shadows pymysql and cannot be imported stands for one that is missing."""
    shadow = tmp_path / "shadow" / "pymysql"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ModuleNotFoundError(name='pymysql')\n")
    _connections(
        project, "connections:\n  mysql:\n    shop: {user: reader, password: '${PASSWORD}'}\n"
    )
    path = f"{shadow.parent}:{project.environment['PYTHONPATH']}"
    done = project("discover", "@mysql.shop", PYTHONPATH=path, PASSWORD="something")
    assert done.code == 4
    assert _lines(done) == [
        "error: component mysql.extractor needs pymysql, which is not installed",
        "hint: pip install 'osiris-run[mysql]'",
    ]


@pytest.mark.parametrize("verb", ["run", "validate"])
def test_a_query_that_changes_something(project: Osiris, verb: str) -> None:
    _edit(project, "        SELECT movies.title", "        DELETE FROM movies; SELECT movies.title")
    done = project(verb, "pipeline.yaml")
    assert done.code == 3
    text = "\n".join(_lines(done))
    assert "steps[2].config.query" in text
    assert "DELETE" in text
