"""A run as an OpenTelemetry trace with a span a step, and its metrics, sent by OTLP over HTTP.

Variables: https://opentelemetry.io/docs/specs/otel/protocol/exporter/. `TRACEPARENT` (W3C Trace
Context) makes the run part of the trace of whatever started it.
"""

import logging
from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from osiris.core import events as ev
from osiris.core.compiled import CompiledPipeline
from osiris.core.layout import RunLayout
from osiris.core.manifest import Manifest
from osiris.core.metrics import Metric
from osiris.core.records import Record
from osiris.version import VERSION

_LOG = logging.getLogger("osiris.telemetry")
_PATIENCE_MS = 5_000
_NANO = 1_000_000_000


class Tracing:
    """One run's spans and metrics.

    Args:
        manifest: of the run.
        name: of the service that the records belong to.
        traces: sends spans; None when nobody wants them.
        metrics: sends metrics; None when nobody wants them.
        parent: HTTP headers of the W3C Trace Context that the run belongs to.

    """

    def __init__(
        self,
        manifest: Manifest,
        name: str,
        traces: SpanExporter | None,
        metrics: MetricExporter | None,
        parent: Mapping[str, str],
    ) -> None:
        self._manifest = manifest
        self._service = name
        self._exporters = traces, metrics
        self._traces: TracerProvider | None = None
        self._metrics: MeterProvider | None = None
        self._tracer: Tracer | None = None
        self._meter: Meter | None = None
        self._about: dict[str, str] = {}
        self._gauges: dict[str, Any] = {}
        self._parent = TraceContextTextMapPropagator().extract(dict(parent))
        self._run: Span | None = None
        self._steps: dict[str, Span] = {}

    def begin(self, run: RunLayout, adapter: str) -> None:
        """Open what is sent to; every span says which run it belongs to."""
        self._about = {
            "osiris.run": run.session,
            "osiris.pipeline": self._manifest.name,
            "osiris.fingerprint": self._manifest.fingerprint,
            "osiris.adapter": adapter,
            "osiris.directory": str(run.root.absolute()),
        }
        resource = Resource.create(
            {
                "service.name": self._service,
                "service.version": VERSION,
                "service.instance.id": run.session,
            }
        )
        traces, metrics = self._exporters
        if traces is not None:
            self._traces = TracerProvider(resource=resource)
            self._traces.add_span_processor(BatchSpanProcessor(traces))
            self._tracer = self._traces.get_tracer("osiris", VERSION)
        if metrics is not None:
            reader = PeriodicExportingMetricReader(metrics, export_interval_millis=60_000)
            self._metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
            self._meter = self._metrics.get_meter("osiris", VERSION)

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        if isinstance(record, Metric):
            self._measure(record)
        elif isinstance(record, ev.Event) and self._tracer is not None:
            self._trace(record, self._tracer)

    def close(self) -> None:
        """End what is open and send everything, in a few seconds at most."""
        for span in (*self._steps.values(), *((self._run,) if self._run else ())):
            span.end()
        for provider in (self._traces, self._metrics):
            if provider is not None:
                provider.force_flush(_PATIENCE_MS)
                provider.shutdown()

    def _measure(self, metric: Metric) -> None:
        if self._meter is None:
            return
        name = f"osiris.{metric.name}"
        if name not in self._gauges:
            self._gauges[name] = self._meter.create_gauge(name, unit=metric.unit)
        tags = {"osiris.pipeline": self._manifest.name}
        tags |= {f"osiris.{key}": value for key, value in metric.tags.items()}
        self._gauges[name].set(metric.value, tags)

    def _trace(self, event: ev.Event, tracer: Tracer) -> None:
        if isinstance(event, ev.RunStart):
            self._start_run(event, tracer)
        elif isinstance(event, ev.StepStart):
            self._start_step(event, tracer)
        elif isinstance(event, ev.StepEvent):
            self._step_event(event)
        elif isinstance(event, ev.RunComplete) and self._run is not None:
            self._end(self._run, event, ok=event.ok, why=event.state)
            self._run = None

    def _start_run(self, event: ev.RunStart, tracer: Tracer) -> None:
        attributes: dict[str, str | int] = {**self._about, "osiris.steps": event.steps_total}
        self._run = tracer.start_span(
            f"run {event.pipeline}", self._parent, attributes=attributes, start_time=_nanos(event)
        )
        _LOG.info("trace %032x", self._run.get_span_context().trace_id)

    def _start_step(self, event: ev.StepStart, tracer: Tracer) -> None:
        if self._run is None:
            return
        attributes = {
            **self._about,
            "osiris.step": event.step_id,
            "osiris.component": event.component,
            "osiris.mode": event.mode,
        }
        self._steps[event.step_id] = tracer.start_span(
            f"step {event.step_id}",
            set_span_in_context(self._run),
            attributes=attributes,
            start_time=_nanos(event),
        )

    def _step_event(self, event: ev.StepEvent) -> None:
        span = self._steps.get(event.step_id)
        if span is None:
            return
        if isinstance(event, ev.StepComplete):
            for name in ("rows_out", "rows_written"):
                if (rows := getattr(event, name)) is not None:
                    span.set_attribute(f"osiris.{name}", rows)
            self._end(self._steps.pop(event.step_id), event, ok=True, why="")
        elif isinstance(event, ev.StepFailed):
            why = str(event.error.get("message"))
            self._end(self._steps.pop(event.step_id), event, ok=False, why=why)
        elif isinstance(event, ev.StepSkipped):
            self._end(
                self._steps.pop(event.step_id), event, ok=False, why=f"skipped: {event.reason}"
            )
        else:
            span.add_event(event.name, timestamp=_nanos(event))

    def _end(self, span: Span, event: ev.Event, *, ok: bool, why: str) -> None:
        span.set_status(StatusCode.OK if ok else StatusCode.ERROR, None if ok else why)
        span.end(_nanos(event))


def follow(compiled: CompiledPipeline, env: Mapping[str, str]) -> Tracing:
    """Return a follower that sends to where `env` says."""
    traces = metrics = None
    headers = _headers(env.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
    if url := _endpoint(env, "traces"):
        traces = OTLPSpanExporter(url, headers=headers, timeout=5)
    if url := _endpoint(env, "metrics"):
        metrics = OTLPMetricExporter(url, headers=headers, timeout=5)
    parent = {name.lower(): env[name] for name in ("TRACEPARENT", "TRACESTATE") if env.get(name)}
    service = env.get("OTEL_SERVICE_NAME", "osiris")
    return Tracing(compiled.manifest, service, traces, metrics, parent)


def _endpoint(env: Mapping[str, str], signal: str) -> str | None:
    """Return the whole URL for a signal: its own variable as it is, or below the common one."""
    own = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    common = env.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if own or not common:
        return own or None
    return f"{common.rstrip('/')}/v1/{signal}"


def _headers(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _nanos(event: ev.Event) -> int:
    return int(event.ts * _NANO)
