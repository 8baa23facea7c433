"""`osiris init`: a project that runs as it is."""

import csv
import os
import re
import shlex
from pathlib import Path

import yaml

from tests.cli.program import Osiris

FILES = {
    ".env.example",
    ".gitignore",
    "data/movies.csv",
    "data/reviews.csv",
    "osiris.schema.json",
    "osiris.yaml",
    "osiris_connections.yaml",
    "pipeline.yaml",
}


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_it_prints_every_file_and_the_next_three_commands(osiris: Osiris) -> None:
    done = osiris("init", "movies")
    assert (done.code, done.err) == (0, "")
    created = re.findall(r"^created movies/(.+)$", done.out, re.MULTILINE)
    assert set(created) == FILES == _files(osiris.cwd / "movies")
    assert done.out.splitlines()[-4:] == [
        "Next:",
        "  cd movies",
        "  osiris run pipeline.yaml",
        "  osiris logs show last",
    ]


def test_the_next_three_commands_work(osiris: Osiris) -> None:
    following = osiris("init", "movies", "--json").document["next"]
    assert len(following) == 3
    done = osiris.shell(" && ".join(following))
    assert done.code == 0, done.err
    assert done.out.count("4 of 4 steps completed") == 2
    with (osiris.cwd / "movies" / "output" / "ratings.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["title", "reviews", "stars"],
        ["The Paper Lighthouse", "3", "4.5"],
        ["Ledger of Small Hours", "2", "4.25"],
        ["Seven Miles, Uphill", "2", "3.25"],
    ]


def test_its_param_does_what_it_says(project: Osiris) -> None:
    done = project("run", "pipeline.yaml", "--param", "min_reviews=3", "--json")
    assert done.document["total_rows"] == 1


def test_here_is_the_default(osiris: Osiris) -> None:
    done = osiris("init")
    assert done.code == 0
    assert _files(osiris.cwd) == FILES
    assert "  osiris validate pipeline.yaml" in done.out.splitlines()
    assert osiris("validate", "pipeline.yaml").code == 0


def test_it_goes_into_the_named_project(osiris: Osiris) -> None:
    (osiris.cwd / "deep").mkdir()
    assert osiris("-C", "deep", "init", "er").code == 0
    assert _files(osiris.cwd / "deep" / "er") == FILES


def test_names_of_any_kind_make_a_sound_project(osiris: Osiris) -> None:
    for name in ("with space", "it's", "100%", "ünïcode", "a: b", "-dash", "true", "{name}"):
        done = osiris("init", "--json", "--", name)
        assert done.code == 0, done.err
        root = osiris.cwd / name
        assert yaml.safe_load((root / "osiris.yaml").read_text()) == {"name": name}
        assert osiris("compile", "pipeline.yaml", cwd=root).code == 0
        shown = osiris.shell(f"cd {shlex.quote(name)} && pwd") if name[0] != "-" else None
        assert shown is None or shown.out.strip().endswith(name)


def test_the_command_to_go_there_can_be_typed(osiris: Osiris) -> None:
    for name in ("with space", "it's", "-dash"):
        (command, *_) = osiris("init", "--json", "--", name).document["next"]
        assert osiris.shell(f"{command} && test -e osiris.yaml").code == 0, command


def test_nothing_is_overwritten(osiris: Osiris) -> None:
    root = osiris.cwd / "movies"
    root.mkdir()
    (root / "pipeline.yaml").write_text("mine")
    (root / ".gitignore").symlink_to("nowhere")
    done = osiris("init", "movies")
    assert (done.code, done.out) == (2, "")
    assert "movies already holds .gitignore, pipeline.yaml" in done.err
    assert _files(root) | {".gitignore"} == {"pipeline.yaml", ".gitignore"}
    assert (root / "pipeline.yaml").read_text() == "mine"
    assert osiris("init", "movies", "--json").document["error"]["code"] == "usage.invalid"


def test_other_files_may_be_there(osiris: Osiris) -> None:
    (osiris.cwd / "README.md").write_text("mine")
    assert osiris("init").code == 0


def test_a_place_that_cannot_be_written(osiris: Osiris) -> None:
    (osiris.cwd / "file").write_text("")
    done = osiris("init", "file/movies")
    assert done.code == 4
    assert re.match(r"error: cannot write file/movies/.+: Not a directory\nhint: ", done.err)


def test_the_editor_finds_the_schema(project: Osiris) -> None:
    first = (project.cwd / "pipeline.yaml").read_text().splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert found is not None
    assert (project.cwd / found[1]).read_text() == project("schema").out


def test_what_git_should_not_see_is_ignored(project: Osiris) -> None:
    (project.cwd / ".env").write_text("A=1\n")
    assert project("run", "pipeline.yaml").code == 0
    listed = project.shell(
        "git init -q . && git -c core.excludesFile= ls-files --others --exclude-standard"
    )
    assert set(listed.out.split()) == FILES
    assert os.path.exists(project.cwd / "logs")  # noqa: PTH110 - there is something to ignore
