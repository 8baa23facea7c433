"""Artifacts in a bundle: as they are, and only where no secret is and it can be known."""

import gzip
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.report.bundle_artifacts import UnprovenError, proven
from osiris.report.run_bundle import bundle_run
from tests.support.pipelines import PipelineBuilder, run_sample

SECRET = "pä\"s's, wörd"
DIGITS = "4711004711"


@pytest.fixture(scope="module")
def _run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = PipelineBuilder().add("make", "source", rows=10).add("keep", "sink", "make")
    return run_sample(tmp_path_factory.mktemp("project"), built).root


@pytest.fixture
def run(_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(_run, tmp_path / _run.name)
    return tmp_path / _run.name


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def _parquet(column: pa.Array, name: str = "c") -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({name: column}), file, compression="zstd")
    return file.getvalue()


def _text(value: str) -> bytes:
    return f"a,b\n1,{value}\n".encode()


HOLDERS: dict[str, Callable[[str], bytes]] = {
    "text": _text,
    "quoted": lambda value: _text('"' + value.replace('"', '""') + '"'),
    "json": lambda value: json.dumps({"a": value}).encode(),
    "gzip": lambda value: gzip.compress(_text(value)),
    "gzip of two parts": lambda value: gzip.compress(b"a\n") + gzip.compress(_text(value)),
    "zstd": lambda value: _zstd(_text(value)),
    "zstd of two parts": lambda value: _zstd(b"a\n") + _zstd(_text(value)),
    "parquet": lambda value: _parquet(pa.array([None, "x", f"<{value}>"])),
    "binary": lambda value: _parquet(pa.array([None, b"\xff" + value.encode()])),
    "list": lambda value: _parquet(pa.array([["x"], None, [value]])),
    "map": lambda value: _parquet(
        pa.array(
            [[(value, [{"deep": b"x"}])]],
            pa.map_(pa.string(), pa.list_(pa.struct({"deep": pa.binary()}))),
        )
    ),
    "dictionary": lambda value: _parquet(pa.array(["x", value]).dictionary_encode()),
    "name of a column": lambda value: _parquet(pa.array([1]), value),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_holds_a_secret_stays_out(run: Path, holder: str) -> None:
    """The same kind of file without it comes byte for byte."""
    make = HOLDERS[holder]
    (run / "artifacts" / "make" / "bad").write_bytes(make(SECRET))
    (run / "artifacts" / "make" / "good").write_bytes(make("innocent"))
    made = bundle_run(run, [SECRET], artifacts=True)
    (left_out,) = made.left_out
    assert (left_out.name, left_out.why) == ("artifacts/make/bad", "a secret is in it")
    with zipfile.ZipFile(io.BytesIO(made.data)) as file:
        assert file.read(f"{run.name}/artifacts/make/good") == make("innocent")
        assert f"{run.name}/artifacts/make/bad" not in file.namelist()
        contents = json.loads(file.read(f"{run.name}/bundle.json"))
    assert "artifacts/make/good" in contents["files"]
    assert contents["left_out"][0]["name"] == "artifacts/make/bad"


@pytest.mark.parametrize(
    "column",
    [pa.array([int(DIGITS)]), pa.array([Decimal(DIGITS)]), pa.array([[int(DIGITS)]])],
    ids=str,
)
def test_a_secret_of_digits_is_found_in_numbers(run: Path, column: pa.Array) -> None:
    (run / "artifacts" / "make" / "bad").write_bytes(_parquet(column))
    (run / "artifacts" / "make" / "good").write_bytes(_parquet(pa.array([date(2026, 1, 31)])))
    made = bundle_run(run, [DIGITS], artifacts=True)
    assert [one.name for one in made.left_out] == ["artifacts/make/bad"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfea",
        b"SQLite format 3\0",
        gzip.compress(b"x" * 99, mtime=0)[:-9],
        b"PAR1",
        b"\x28\xb5\x2f\xfd",
    ],
)
def test_what_cannot_be_looked_into_stays_out(run: Path, data: bytes) -> None:
    (run / "artifacts" / "make" / "odd").write_bytes(data)
    (left_out,) = bundle_run(run, ["x" * 9], artifacts=True).left_out
    assert left_out.why.startswith("it cannot be looked into")
    assert left_out.bytes == len(data)


def test_links_and_pipes_stay_out(run: Path, tmp_path: Path) -> None:
    made = run / "artifacts" / "make"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("mine")
    (made / "link").symlink_to(tmp_path / "elsewhere" / "file")
    (made / "links").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(made / "pipe")
    bundle = bundle_run(run, [], artifacts=True)
    assert [one.name for one in bundle.left_out] == ["artifacts/make/link", "artifacts/make/pipe"]
    assert not any(name.startswith("artifacts/make/links") for name in bundle.names)


def test_there_is_a_limit_to_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"12345")
    assert proven(path, [], 5) == b"12345"
    with pytest.raises(UnprovenError, match="more than 256 MiB"):
        proven(path, [], 4)
