"""Runs that are followed by OpenLineage and OpenTelemetry receivers, real ones on loopback."""

import gzip
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import osiris
from osiris.core.run import RunResult
from tests.telemetry.receiver import Receiver, receiving

DEMO = Path(__file__).parents[2] / "examples" / "demo"
INSTANCE = "service.instance.id"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path / "demo", ignore=shutil.ignore_patterns("logs", "output"))
    return tmp_path / "demo"


def run(project: Path, env: dict[str, str]) -> RunResult:
    return osiris.run_pipeline(project / "pipeline.yaml", env=env)


def told(receiver: Receiver) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [json.loads(b) for b in receiver.bodies("/api/v1/lineage")]
    return events


def which(result: RunResult) -> dict[str, str]:
    """What tells this run from every other."""
    status = json.loads(result.layout.status.read_text())
    return {
        "session": result.layout.session,
        "directory": str(result.layout.root),
        "pipeline": "demo",
        "fingerprint": status["fingerprint"],
    }


def test_openlineage_gets_a_job_for_the_run_and_for_each_step(
    project: Path, receiver: Receiver
) -> None:
    env = {"OPENLINEAGE_URL": receiver.url, "OPENLINEAGE_API_KEY": "a-key-of-mine"}
    result = run(project, env)
    assert result.ok
    events = told(receiver)
    whole = [e for e in events if e["job"]["name"] == "demo"]
    assert [e["eventType"] for e in whole] == ["START", "COMPLETE"]
    assert events[0] == whole[0]
    assert events[-1] == whole[1]
    assert len({e["run"]["runId"] for e in whole}) == 1
    for step in ("movies", "rate-movies", "write-director-ratings"):
        mine = [e for e in events if e["job"]["name"] == f"demo.{step}"]
        assert [e["eventType"] for e in mine] == ["START", "COMPLETE"]
        parent = mine[0]["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == whole[0]["run"]["runId"]
    for event in events:
        facets = event["run"]["facets"]
        about = {k: v for k, v in facets["osiris_run"].items() if not k.startswith("_")}
        assert about == {**which(result), "adapter": "local"}
        assert facets["processing_engine"]["name"] == "osiris"
    (_, headers, _) = receiver.requests[0]
    assert headers["Authorization"] == "Bearer a-key-of-mine"


def test_openlineage_gets_datasets_and_columns(project: Path, receiver: Receiver) -> None:
    assert run(project, {"OPENLINEAGE_URL": receiver.url}).ok
    (done,) = [
        event
        for event in told(receiver)
        if event["job"]["name"] == "demo.write-movie-ratings" and event["eventType"] == "COMPLETE"
    ]
    files = ["data/directors.csv", "data/movies.csv", "data/reviews.csv"]
    assert sorted(one["name"] for one in done["inputs"]) == files
    (output,) = done["outputs"]
    assert (output["namespace"], output["name"]) == ("file", "output/movie_ratings.csv")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 18
    columns = output["facets"]["columnLineage"]["fields"]
    assert {(f["name"], f["field"]) for f in columns["director"]["inputFields"]} == {
        ("data/directors.csv", "name")
    }
    assert {(f["name"], f["field"]) for f in columns["profit"]["inputFields"]} == {
        ("data/movies.csv", "gross"),
        ("data/movies.csv", "budget"),
    }
    (query,) = {
        event["job"]["facets"]["sql"]["query"]
        for event in told(receiver)
        if event["job"]["name"] == "demo.rate-movies"
    }
    assert "SELECT" in query


def test_openlineage_is_told_of_failure(project: Path, receiver: Receiver) -> None:
    (project / "data" / "movies.csv").write_text("id,title\n1,a\n")
    assert not run(project, {"OPENLINEAGE_URL": receiver.url}).ok
    events = told(receiver)
    assert events[-1]["eventType"] == "FAIL"
    ends = {e["job"]["name"]: e for e in events if e["eventType"] != "START"}
    assert ends["demo.movies"]["eventType"] == "FAIL"
    assert ends["demo.movies"]["run"]["facets"]["errorMessage"]["message"]
    assert ends["demo.rate-movies"]["eventType"] == "ABORT"


def posted(receiver: Receiver, path: str) -> list[bytes]:
    found = []
    for where, headers, body in receiver.requests:
        if where == path:
            packed = headers.get("Content-Encoding") == "gzip"
            found.append(gzip.decompress(body) if packed else body)
    return found


def test_opentelemetry_gets_a_span_for_the_run_and_for_each_step(
    project: Path, receiver: Receiver
) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-team=data"}
    result = run(project, {**env, "TRACEPARENT": PARENT})
    assert result.ok
    spans: dict[str, Any] = {}
    for body in posted(receiver, "/v1/traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (instance,) = (a for a in resource.resource.attributes if a.key == INSTANCE)
            assert instance.value.string_value == result.layout.session
            spans |= {s.name: s for scope in resource.scope_spans for s in scope.spans}
    steps = {
        f"step {step.id}"
        for step in osiris.compile_pipeline(project / "pipeline.yaml").compiled.manifest.steps
    }
    assert set(spans) == {"run demo", *steps}
    whole = spans["run demo"]
    assert whole.trace_id.hex() == PARENT.split("-")[1]
    assert whole.parent_span_id.hex() == PARENT.split("-")[2]
    for name in steps:
        assert spans[name].parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= spans[name].start_time_unix_nano
        assert spans[name].end_time_unix_nano <= whole.end_time_unix_nano
        assert spans[name].status.code == 1
    about = which(result)
    for span in spans.values():
        said = {a.key: a.value.string_value for a in span.attributes}
        named = {
            "session" if k == "osiris.run" else k.removeprefix("osiris."): said[k] for k in said
        }
        assert about.items() <= named.items()
        assert said["osiris.adapter"] == "local"
    attributes = {a.key: a.value for a in spans["step write-movie-ratings"].attributes}
    assert attributes["osiris.rows_written"].int_value == 18
    assert f"trace {PARENT.split('-')[1]}" in result.layout.log.read_text()
    assert all(headers.get("x-team") == "data" for _, headers, _ in receiver.requests)


def test_opentelemetry_gets_the_metrics(project: Path, receiver: Receiver) -> None:
    env = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{receiver.url}/here"}
    result = run(project, env)
    assert result.ok
    points: dict[tuple[str, str | None], Any] = {}
    for body in posted(receiver, "/here"):
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            (instance,) = (a for a in resource.resource.attributes if a.key == INSTANCE)
            assert instance.value.string_value == result.layout.session
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.gauge.data_points:
                        tags = {a.key: a.value.string_value for a in point.attributes}
                        points[metric.name, tags.get("osiris.step")] = point
    point = points["osiris.rows_written", "write-movie-ratings"]
    assert point.as_double == 18 or point.as_int == 18
    assert ("osiris.session_duration_seconds", None) in points
    assert not posted(receiver, "/v1/traces")


@pytest.mark.parametrize("variable", ["OPENLINEAGE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_a_receiver_that_is_not_there_changes_nothing(project: Path, variable: str) -> None:
    started = time.monotonic()
    result = run(project, {variable: "http://127.0.0.1:1"})
    assert result.ok
    assert time.monotonic() - started < 40


def test_a_receiver_that_refuses_changes_nothing(project: Path, receiver: Receiver) -> None:
    receiver.status = 401
    result = run(project, {"OPENLINEAGE_URL": receiver.url})
    assert result.ok
    assert receiver.requests


def test_a_receiver_that_hangs_does_not_hold_up_the_steps(
    project: Path, receiver: Receiver
) -> None:
    receiver.delay = 60
    result = run(project, {"OPENLINEAGE_URL": receiver.url})
    assert result.ok
    status = json.loads(result.layout.status.read_text())
    assert status["duration_seconds"] < 30


def test_a_disabled_follower_sends_nothing(project: Path, receiver: Receiver) -> None:
    env = {
        "OPENLINEAGE_URL": receiver.url,
        "OPENLINEAGE_DISABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_SDK_DISABLED": "TRUE",
    }
    assert run(project, env).ok
    assert receiver.requests == []


@pytest.mark.parametrize(
    "run_it",
    [
        "import osiris; assert osiris.run_pipeline('pipeline.yaml', env={}).ok",
        "from osiris.cli.main import outcome; assert outcome(['run', 'pipeline.yaml']) == 0",
    ],
)
def test_nothing_is_imported_when_nothing_is_asked_for(project: Path, run_it: str) -> None:
    program = f"""
import sys, pathlib
{run_it}
found = [m for m in sys.modules if m.split(".")[0] in ("openlineage", "opentelemetry")]
pathlib.Path("found").write_text(repr(found))
"""
    subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, check=True)
    assert (project / "found").read_text() == "[]"
