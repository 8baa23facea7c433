"""Files appear at their final path whole or not at all."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from osiris.core.errors import CorruptDataError, SystemStepError
from osiris.core.publisher import publish
from osiris.core.writable import why_unwritable

DATA = b"id\n1\n"
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "artifact.csv"
    path.write_bytes(DATA)
    return path


def test_a_file_is_linked_and_directories_are_made(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "a" / "b" / "out.csv"
    assert publish(source, target, DIGEST) == "link"
    assert target.read_bytes() == DATA
    assert [p.name for p in target.parent.iterdir()] == ["out.csv"]


def test_what_was_there_is_replaced_and_not_written_into(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_bytes(b"old")
    keep = tmp_path / "keep"
    os.link(target, keep)
    publish(source, target, DIGEST)
    assert (target.read_bytes(), keep.read_bytes()) == (DATA, b"old")


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="takes a second file system")
def test_another_file_system_gets_a_copy(tmp_path: Path) -> None:
    source = Path("/dev/shm") / f"osiris-{os.getpid()}"
    source.write_bytes(DATA)
    try:
        if source.stat().st_dev == tmp_path.stat().st_dev:
            assert publish(source, tmp_path / "out", DIGEST) == "link"
        else:
            assert publish(source, tmp_path / "out", DIGEST) == "copy"
            with pytest.raises(CorruptDataError):
                publish(source, tmp_path / "other", "0" * 64)
            assert not (tmp_path / "other").exists()
        assert (tmp_path / "out").read_bytes() == DATA
    finally:
        source.unlink()


def test_a_directory_in_the_way_is_an_error(tmp_path: Path, source: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(SystemStepError):
        publish(source, tmp_path / "out", DIGEST)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifact.csv", "out"]


def test_why_a_path_cannot_be_written(tmp_path: Path) -> None:
    assert why_unwritable(tmp_path / "new" / "deep" / "file") is None
    assert why_unwritable(tmp_path) == "it is a directory"
    (tmp_path / "file").touch()
    assert why_unwritable(tmp_path / "file" / "x") == f"{tmp_path / 'file'} is not a directory"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "link to nowhere" in str(why_unwritable(tmp_path / "link" / "x"))
