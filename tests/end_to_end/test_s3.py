"""Pipelines that read from a bucket and publish into one, here and in sandboxes; secrets stay."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import osiris
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult, run_compiled
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.support.debian import ensure_programs
from tests.support.s3 import BUCKET, Fault, Mischief, S3Server, misbehaving
from tests.support.sandboxes import FarProvider

PLACES: Mapping[str, Callable[[], ExecutionAdapter]] = {
    "here": LocalAdapter,
    "bubblewrap": sandbox_adapter,
    "far": lambda: E2BTransparentProxy(FarProvider()),
}
CONNECTIONS = """\
connections:
  s3:
    lake:
      bucket: ${S3_BUCKET:-the-bucket}
      region: eu-central-1
      endpoint: ${S3_ENDPOINT}
      access_key: ${S3_ACCESS_KEY}
      secret_key: ${S3_SECRET_KEY}
      prefix: lake
      max_attempts: 2
    unused: {bucket: other, secret_key: "${NOT_SET}", access_key: "${NOT_SET}"}
"""
PIPELINE = """\
oml_version: 0.1.0
name: lake
steps:
  - id: read
    mode: read
    component: filesystem.{format}_extractor
    config: {{connection: '@s3.lake', path: '{path}'}}
  - id: filter
    mode: transform
    component: duckdb.processor
    config: {{query: SELECT * FROM read WHERE id > 1}}
  - id: write
    mode: write
    component: filesystem.{format}_writer
    config: {{connection: '@s3.lake', path: 'out/{name}.{format}'}}
"""


class Lake:
    """A project whose connection is the tests' bucket."""

    def __init__(self, root: Path, server: S3Server) -> None:
        self.root = root
        self.server = server
        self.client = server.client()
        (root / "osiris_connections.yaml").write_text(CONNECTIONS)
        self.env = {
            "S3_ENDPOINT": f"http://127.0.0.1:{server.port}",
            "S3_ACCESS_KEY": server.access_key,
            "S3_SECRET_KEY": server.secret_key,
        }

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"lake/{key}", Body=data)

    def got(self, key: str) -> bytes | None:
        try:
            answer = self.client.get_object(Bucket=BUCKET, Key=f"lake/{key}")
        except self.client.exceptions.NoSuchKey:
            return None
        data: bytes = answer["Body"].read()
        return data

    def run(
        self, adapter: ExecutionAdapter, *, path: str = "in/*", name: str = "t", kind: str = "csv"
    ) -> RunResult:
        pipeline = self.root / "pipeline.yaml"
        pipeline.write_text(PIPELINE.format(path=path, name=name, format=kind))
        compiled = osiris.compile_pipeline(pipeline, project=self.root, write=False).compiled
        return run_compiled(compiled, adapter, project=self.root, env=self.env)


@pytest.fixture
def lake(tmp_path: Path, s3: S3Server) -> Lake:
    lake = Lake(tmp_path, s3)
    lake.put("in/a.csv", b"id,name\n1,a\n2,b\n")
    lake.put("in/b.csv", b"id,name\n3,c\n")
    lake.put("none/", b"")
    return lake


@pytest.fixture
def proxy(lake: Lake) -> Iterator[Mischief]:
    with misbehaving(lake.server) as mischief:
        lake.env["S3_ENDPOINT"] = f"http://127.0.0.1:{mischief.port}"
        yield mischief


def events(result: RunResult, name: str) -> list[dict[str, Any]]:
    lines = map(json.loads, result.layout.events.read_text().splitlines())
    return [line for line in lines if line["event"] == name]


def records(result: RunResult) -> bytes:
    files = [path for path in result.layout.root.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("place", PLACES)
def test_objects_are_read_and_published(lake: Lake, place: str) -> None:
    ensure_programs({"bwrap": "bubblewrap"})
    result = lake.run(PLACES[place](), name=place)
    assert result.ok, result.status
    data = lake.got(f"out/{place}.csv")
    assert data == b'"id","name"\n2,"b"\n3,"c"\n'
    (published,) = events(result, "artifact_published")
    assert published["path"] == f"s3://the-bucket/lake/out/{place}.csv"
    assert published["sha256"] == hashlib.sha256(data).hexdigest()
    assert published["how"] == "upload"
    assert not (lake.root / "out").exists()
    assert lake.server.secret_key.encode() not in records(result)
    assert b"${S3_SECRET_KEY}" in records(result)
    if place != "here":
        here = lake.run(LocalAdapter(), name=place)
        comparison = compare_directories(here.layout.root, result.layout.root)
        assert comparison.same, [d for row in comparison.aspects for d in row.differences]


def test_parquet_there_and_back(lake: Lake) -> None:
    lake.run(LocalAdapter(), name="first", kind="csv")
    csv = lake.run(LocalAdapter(), path="in/a.csv")
    assert csv.ok
    table = pq.ParquetFile(io.BytesIO(_parquet())).read()
    lake.put("pq/x.parquet", _parquet())
    result = lake.run(LocalAdapter(), path="pq/*.parquet", name="back", kind="parquet")
    assert result.ok, result.status
    data = lake.got("out/back.parquet")
    assert data is not None
    assert pq.ParquetFile(io.BytesIO(data)).read().equals(table.slice(1))


def _parquet() -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - for two tests

    buffer = io.BytesIO()
    pq.write_table(
        pa.table({"id": [1, 2], "when": pa.array([1, None], pa.timestamp("ns"))}), buffer
    )
    return buffer.getvalue()


FAILURES: dict[str, tuple[dict[str, str], str, str]] = {
    "wrong key": ({"S3_ACCESS_KEY": "AKIA"}, "in/*", "step.authentication"),
    "wrong secret": ({"S3_SECRET_KEY": "quite-wrong"}, "in/*", "step.authentication"),
    "no bucket": ({"S3_BUCKET": "none-such"}, "in/*", "step.config"),
    "no object": ({}, "in/none.csv", "step.config"),
    "no match": ({}, "in/*.none", "step.config"),
    "unreachable": ({"S3_ENDPOINT": "http://127.0.0.1:1"}, "in/*", "step.transient"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_read_that_fails(lake: Lake, name: str) -> None:
    changes, path, code = FAILURES[name]
    lake.env |= changes
    result = lake.run(LocalAdapter(), path=path, name="failed")
    assert result.exit_code == 1
    (failed,) = events(result, "step_failed")
    assert failed["error"]["code"] == code
    assert "s3://" in failed["error"]["message"]
    assert b"quite-wrong" not in records(result)
    assert lake.got("out/failed.csv") is None


def test_a_store_that_is_busy_for_a_moment(lake: Lake, proxy: Mischief) -> None:
    proxy.faults = [Fault("slow_down", "GET", "in/a.csv"), Fault("reset", "PUT", "out/busy.csv")]
    assert lake.run(LocalAdapter(), name="busy").ok
    assert proxy.faults == []


def test_a_file_that_cannot_be_published(lake: Lake, proxy: Mischief) -> None:
    lake.put("out/kept.csv", b"old")
    proxy.faults = [Fault("slow_down", "PUT", "out/kept.csv", times=2)]
    result = lake.run(LocalAdapter(), name="kept")
    assert not result.ok
    assert result.exit_code == 1
    (failed,) = events(result, "artifact_publish_failed")
    assert failed["path"] == "s3://the-bucket/lake/out/kept.csv"
    assert failed["error"]["code"] == "step.transient"
    assert lake.got("out/kept.csv") == b"old"
    assert (result.layout.root / "artifacts/write/kept.csv").exists()


@pytest.mark.parametrize(
    "changes, state",
    [
        ({}, "ok"),
        ({"S3_ACCESS_KEY": "AKIA"}, "authentication"),
        ({"S3_BUCKET": "none-such"}, "failed_config"),
        ({"S3_ENDPOINT": "http://127.0.0.1:1"}, "refused"),
    ],
    ids=str,
)
def test_the_doctor_looks_at_the_bucket(lake: Lake, changes: dict[str, str], state: str) -> None:
    command = [sys.executable, "-m", "osiris", "connections", "doctor", "@s3.lake", "--json"]
    done = subprocess.run(
        command,
        cwd=lake.root,
        env={**os.environ, **lake.env, **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    (found,) = json.loads(done.stdout)["connections"]
    assert found["state"] in {state, "slow"}
    assert lake.server.secret_key not in done.stdout + done.stderr
