"""Files are called what a pipeline of the project would call them."""

from pathlib import Path

import pytest

from osiris.core.project_path import in_project

NAMES = {
    "data/a.csv": "data/a.csv",
    "./data/../data/*.csv": "data/*.csv",
    "../beside/a.csv": "/srv/beside/a.csv",
    "../project2/a.csv": "/srv/project2/a.csv",
    "/srv/project/data/a.csv": "data/a.csv",
    "/elsewhere/a.csv": "/elsewhere/a.csv",
    ".": ".",
}


@pytest.mark.parametrize("path", NAMES)
def test_a_path_is_relative_in_the_project_and_absolute_outside(path: str) -> None:
    project = Path("/srv/project")
    assert in_project(project / path, project) == NAMES[path]


def test_the_project_may_be_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert in_project(tmp_path / "a.csv", Path()) == "a.csv"
