"""The program in an empty directory, and in a project that `osiris init` made."""

import shutil
from pathlib import Path

import pytest

from tests.cli.program import Osiris


@pytest.fixture
def osiris(tmp_path: Path) -> Osiris:
    """The program in an empty directory."""
    return Osiris(tmp_path)


@pytest.fixture(scope="session")
def _initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("initialised")
    done = Osiris(root)("init", "project")
    assert done.code == 0, done.err
    return root / "project"


@pytest.fixture
def project(_initialised: Path, tmp_path: Path) -> Osiris:
    """The program in a project of its own: `pipeline.yaml`, two CSV files, four steps."""
    root = tmp_path / "project"
    shutil.copytree(_initialised, root)
    return Osiris(root)
