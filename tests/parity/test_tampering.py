"""One thing changed in a copy of a run is found, as what it is and nothing else."""

import shutil
from pathlib import Path

import pytest

from osiris.parity.aspects import Aspect
from osiris.parity.compare import compare_directories
from osiris.parity.comparison import Comparison
from tests.parity.tampered_files import FILES
from tests.parity.tampered_records import RECORDS
from tests.parity.tampering import rich

TAMPERED = {**RECORDS, **FILES}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("rich")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(project)
        return rich(project)


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "logs" / "copy"))


def found(comparison: Comparison) -> dict[Aspect, list[str]]:
    return {row.aspect: [one.where for one in row.differences] for row in comparison.differing}


def test_the_copy_is_the_same(original: Path, copy: Path) -> None:
    assert found(compare_directories(original, copy)) == {}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_is_found(original: Path, copy: Path, name: str) -> None:
    tamper, aspects, where = TAMPERED[name]
    tamper(copy)
    comparison = compare_directories(original, copy)
    differences = found(comparison)
    assert set(differences) == aspects, differences
    assert where in [one for listed in differences.values() for one in listed], differences
    assert not comparison.same
    back = compare_directories(copy, original)
    assert set(found(back)) == aspects


def test_every_aspect_is_found_by_some_of_these() -> None:
    assert {aspect for _, aspects, _ in TAMPERED.values() for aspect in aspects} == set(Aspect)
