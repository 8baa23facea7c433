"""What is built is what a user needs, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from osiris.version import DISTRIBUTION, VERSION

ROOT = Path(__file__).parents[2]
NAME = DISTRIBUTION.replace("-", "_")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = directory.glob("*.whl")
    assert path.name == f"{NAME}-{VERSION}-py3-none-any.whl"
    return zipfile.ZipFile(path)


def test_every_file_of_the_package_is_in_it(wheel: zipfile.ZipFile) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "osiris"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(listed.stdout.split()) <= set(wheel.namelist())
    assert "osiris/py.typed" in wheel.namelist()


def test_nothing_else_is_in_it(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"osiris", f"{NAME}-{VERSION}.dist-info"}
    assert f"{NAME}-{VERSION}.dist-info/licenses/LICENSE" in wheel.namelist()


def test_it_runs_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "osiris", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["osiris", VERSION]
