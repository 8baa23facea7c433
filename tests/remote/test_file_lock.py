"""The lock that DuckDB heeds: against it, with it, and what becomes of it in this process."""

import time
from pathlib import Path

import duckdb
import pytest

from osiris.core.cancel import CancelToken
from osiris.remote.file_lock import FileInUseError, locked
from tests.support.duckdb_file import held_by_another, run_sql


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "t.duckdb"
    run_sql(path, "CREATE TABLE t (i INT)")
    return path


def take(path: Path, *, writing: bool, patience: float = 0.0) -> None:
    with locked(path, writing=writing, patience=patience, cancelled=CancelToken()) as file:
        assert file.read(16)[8:12] == b"DUCK"


@pytest.mark.parametrize("writing", [False, True])
def test_what_another_program_writes_is_not_to_be_had(path: Path, *, writing: bool) -> None:
    with held_by_another(path), pytest.raises(FileInUseError, match=r"has .*t\.duckdb open"):
        take(path, writing=writing)
    take(path, writing=writing, patience=60)


def test_it_keeps_duckdb_out_though_the_file_is_opened_and_closed_meanwhile(path: Path) -> None:
    with locked(path, writing=False, patience=0, cancelled=CancelToken()):
        path.read_bytes()  # a process's own lock would be gone now
        with pytest.raises(duckdb.IOException, match="lock"):
            run_sql(path, "INSERT INTO t VALUES (1)")
        with duckdb.connect(str(path), read_only=True) as reader:
            assert reader.execute("FROM t").fetchall() == []
        with pytest.raises(FileInUseError):
            take(path, writing=True)
        take(path, writing=False)
    run_sql(path, "INSERT INTO t VALUES (1)")


def test_nobody_waits_when_the_run_is_over(path: Path) -> None:
    cancelled = CancelToken()
    cancelled.cancel()
    started = time.monotonic()
    with (
        held_by_another(path),
        pytest.raises(FileInUseError),
        locked(path, writing=True, patience=600, cancelled=cancelled),
    ):
        pass
    assert time.monotonic() - started < 60


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take(tmp_path / "none", writing=True)
