"""Changes of events, metrics and configs: the aspects in which each is found, and where."""

from osiris.parity.aspects import Aspect
from tests.parity.tampering import (
    Tampered,
    cut,
    double,
    drop,
    events,
    metrics,
    move,
    put,
    replace,
    status,
    swap,
)

RECORDS: Tampered = {
    # config handling
    "another pipeline": (
        events(put("run_start", pipeline="poor")),
        {Aspect.CONFIG_LOCATION},
        "run: run_start: pipeline",
    ),
    "another fingerprint": (
        status(lambda s: s.update(fingerprint="sha256:1")),
        {Aspect.CONFIG_LOCATION},
        "fingerprint",
    ),
    "a config's option": (
        replace("cfg/bad.json", '"config"}', '"crash"}'),
        {Aspect.CONFIG_MATERIALIZATION},
        "cfg/bad.json: config.fault",
    ),
    "a config's space": (
        replace("cfg/bad.json", "{", "{ "),
        {Aspect.CONFIG_MATERIALIZATION},
        "cfg/bad.json",
    ),
    "a config that is none": (
        replace("cfg/bad.json", "}", ""),
        {Aspect.CONFIG_MATERIALIZATION},
        "cfg/bad.json",
    ),
    "another config opened": (
        events(put("cfg_opened", "bad", sha256="0")),
        {Aspect.CONFIG_LOADING},
        "step bad: cfg_opened: sha256",
    ),
    "other options opened": (
        events(lambda e: e[-1] and put("cfg_opened", "bad", keys=["fault", "x"])(e)),
        {Aspect.CONFIG_LOADING},
        "step bad: cfg_opened: keys.1",
    ),
    # event flow
    "a config not opened": (
        events(drop("cfg_opened", "make")),
        {Aspect.CONFIG_LOADING, Aspect.EVENT_COUNT},
        "step make: cfg_opened",
    ),
    "an event twice": (
        events(double("artifact_created", "make")),
        {Aspect.STEP_EVENTS, Aspect.EVENT_COUNT},
        "step make: artifact_created no. 2",
    ),
    "two events of a step exchanged": (
        events(swap("cfg_opened", "inputs_resolved", "write")),
        {Aspect.STEP_EVENTS},
        "step write: order of events",
    ),
    "two events of the run exchanged": (
        events(swap("dependency_check", "drivers_registered")),
        {Aspect.RUN_EVENTS},
        "run: order of events",
    ),
    "a step that starts too early": (
        events(move("step_start", "make", "session_initialized")),
        {Aspect.STEP_EVENTS},
        "step make: step_start comes after",
    ),
    "a field of a step's event": (
        events(put("step_complete", "write", rows_written=11)),
        {Aspect.STEP_EVENTS},
        "step write: step_complete: rows_written",
    ),
    "a field of another type": (
        events(put("step_complete", "write", attempts="1")),
        {Aspect.STEP_EVENTS},
        "step write: step_complete: attempts",
    ),
    "true where there was a number": (
        events(put("step_complete", "write", attempts=True)),
        {Aspect.STEP_EVENTS},
        "step write: step_complete: attempts",
    ),
    "a field more": (
        events(put("step_complete", "write", more=None)),
        {Aspect.STEP_EVENTS},
        "step write: step_complete: more",
    ),
    "an event of another session": (
        events(put("step_complete", "write", session="run_1")),
        {Aspect.STEP_EVENTS},
        "step write: step_complete: session",
    ),
    "a time that is none": (
        events(put("step_complete", "write", ts="yesterday")),
        {Aspect.STEP_EVENTS},
        "step write: step_complete: ts",
    ),
    "where a file was published": (
        events(put("artifact_published", "write", path="out/other.csv")),
        {Aspect.STEP_EVENTS},
        "step write: artifact_published: path",
    ),
    "what was published": (
        events(put("artifact_published", "write", sha256="0")),
        {Aspect.STEP_EVENTS},
        "step write: artifact_published: sha256",
    ),
    "a field of the run's event": (
        events(put("cleanup_complete", total_rows=0)),
        {Aspect.RUN_EVENTS},
        "run: cleanup_complete: total_rows",
    ),
    "the end of the run": (
        events(drop("run_complete")),
        {Aspect.RUN_EVENTS, Aspect.EVENT_COUNT},
        "run: run_complete",
    ),
    "an event that a sandbox hides": (
        events(put("cleanup_complete", event="sandbox_cleanup_complete")),
        {Aspect.RUN_EVENTS, Aspect.EVENT_COUNT},
        "run: cleanup_complete",
    ),
    "an event that nobody knows": (
        events(put("cleanup_complete", event="cleanup_over")),
        {Aspect.RUN_EVENTS, Aspect.EVENT_COUNT},
        "run: cleanup_over",
    ),
    "half an event": (
        replace("events.jsonl", '"event":"run_complete"', '"event'),
        {Aspect.RUN_EVENTS, Aspect.EVENT_COUNT},
        "events.jsonl",
    ),
    "another copy of a config": (
        events(put("cfg_materialized", "lost", sha256="0")),
        {Aspect.CONFIG_EVENTS},
        "step lost: cfg_materialized: sha256",
    ),
    "no copy of a skipped step's config": (
        events(drop("cfg_materialized", "lost")),
        {Aspect.CONFIG_EVENTS, Aspect.EVENT_COUNT},
        "step lost: cfg_materialized",
    ),
    "another variable": (
        events(put("preflight_validation_success", variables=["HOME"])),
        {Aspect.CONFIG_EVENTS},
        "run: preflight_validation_success: variables.0",
    ),
    # metrics
    "a metric's value": (
        metrics(put("rows_written", "write", value=11)),
        {Aspect.DATA_METRICS},
        "rows_written step=write",
    ),
    "a metric that is missing": (
        metrics(drop("rows_read", "make")),
        {Aspect.DATA_METRICS},
        "rows_read step=make",
    ),
    "a metric twice": (
        metrics(double("rows_read", "make")),
        {Aspect.DATA_METRICS},
        "rows_read step=make",
    ),
    "a metric's unit": (
        metrics(put("rows_read", "make", unit="kilorows")),
        {Aspect.DATA_METRICS},
        "rows_read step=make",
    ),
    "a metric of another step": (
        metrics(put("bytes_written", "write", tags={"step": "keep"})),
        {Aspect.DATA_METRICS},
        "bytes_written step=keep",
    ),
    "a lie about a skipped step": (
        metrics(lambda m: m.append({**m[0], "metric": "rows_written", "tags": {"step": "lost"}})),
        {Aspect.DATA_METRICS},
        "rows_written step=lost",
    ),
    "a metric that nobody knows": (
        metrics(lambda m: m.append({**m[0], "metric": "luck"})),
        {Aspect.DATA_METRICS},
        "luck step=make",
    ),
    "half a metric": (
        cut("metrics.jsonl", -9),
        {Aspect.DATA_METRICS, Aspect.STEP_METRICS},
        "metrics.jsonl",
    ),
    "a time that is not measured": (
        metrics(drop("step_duration_ms", "make")),
        {Aspect.STEP_METRICS},
        "step_duration_ms step=make",
    ),
    "a time that is no number": (
        metrics(put("step_duration_ms", "make", value="long")),
        {Aspect.STEP_METRICS},
        "step_duration_ms step=make",
    ),
    "memory that is not measured": (
        metrics(drop("peak_memory_bytes")),
        {Aspect.STEP_METRICS},
        "peak_memory_bytes",
    ),
}
