"""Mistakes on the command line that are likely, too, and what helps."""

import re
from pathlib import Path

import pytest

from tests.cli.program import Osiris


def run(project: Osiris) -> Path:
    """Run the project's pipeline and return the directory of its compilation."""
    assert project("run", "pipeline.yaml").code == 0
    (compilation,) = (project.cwd / "logs").glob("compile_*")
    return compilation


@pytest.mark.parametrize("name", ["pipeline.yml", "pipline.yaml", "pipeline"])
def test_a_file_of_nearly_that_name(project: Osiris, name: str) -> None:
    done = project("run", name)
    assert done.code == 3
    assert done.err == (f"error: {name} does not exist\nhint: did you mean 'pipeline.yaml'?\n")


def test_a_directory_for_a_pipeline(project: Osiris) -> None:
    done = project("validate", ".")
    assert done.code == 3
    assert "cannot read .: it is a directory" in done.out
    assert "name the YAML file of a pipeline" in done.out


def test_the_directory_of_a_compilation_is_as_good_as_its_manifest(project: Osiris) -> None:
    compilation = run(project)
    assert project("run", compilation).code == 0
    assert project("run", compilation / "compiled").code == 0


def test_a_param_that_the_pipeline_has_not(project: Osiris) -> None:
    done = project("run", "pipeline.yaml", "--param", "since=2024-01-01")
    assert done.code == 3
    assert "the pipeline has no such param\n  hint: it has min_reviews\n" in done.err


def test_a_connection_in_a_project_without_any(project: Osiris) -> None:
    done = project("connections", "test", "mysql.shop")
    assert done.code == 2
    assert "hint: `osiris connections add @mysql.shop` adds one" in done.err


@pytest.mark.parametrize(
    "url,ref",
    [
        ("mysql://u:hush@db.example.org/shop", "@mysql.NAME"),
        ("postgresql://u:hush@db.example.org/shop", "@postgres.NAME"),
        ("odbc://u:hush@db.example.org/shop", "@FAMILY.NAME"),
    ],
)
def test_a_url_for_a_connection(project: Osiris, url: str, ref: str) -> None:
    """The password in it is not said again."""
    done = project("discover", url)
    assert done.code == 2
    assert f"`osiris connections add {ref} host=… database=… user=…`" in done.err
    assert "hush" not in done.err


@pytest.mark.parametrize("kind", ["bubblewrap", "process", "none"])
def test_a_space_before_the_kind_of_sandbox(project: Osiris, kind: str) -> None:
    done = project("run", "pipeline.yaml", "--sandbox", kind)
    assert done.code == 2
    assert f"Error: write --sandbox={kind}, without a space" in done.err
    assert not (project.cwd / "logs").exists()


@pytest.mark.parametrize(
    "group", [(), ("logs",), ("connections",), ("components",), ("sandboxes",), ("e2b",)]
)
def test_no_command_is_listed_with_half_a_sentence(osiris: Osiris, group: tuple[str, ...]) -> None:
    done = osiris(*group, "--help")
    listed = done.out.partition("Commands:")[2].partition("Examples:")[0]
    assert len(re.findall(r"^  \w[\w-]*  .+\.$", listed, re.MULTILINE)) == listed.count("\n  ") - 1
    assert "..." not in listed
