"""A run as OpenLineage events: one job for the pipeline and one for each of its steps.

Source: https://openlineage.io/docs/spec/object-model. Variables: `OPENLINEAGE_URL`,
`OPENLINEAGE_ENDPOINT`, `OPENLINEAGE_API_KEY`, `OPENLINEAGE_NAMESPACE`, `OPENLINEAGE_DISABLED`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    RunFacet,
    error_message_run,
    parent_run,
    processing_engine_run,
)
from openlineage.client.transport.http import (
    ApiKeyTokenProvider,
    HttpConfig,
    HttpTransport,
    TokenProvider,
)
from openlineage.client.uuid import generate_new_uuid

from osiris.core import events as ev
from osiris.core.compiled import CompiledPipeline
from osiris.core.layout import RunLayout
from osiris.core.manifest import Manifest
from osiris.core.records import Record
from osiris.telemetry.outbox import Outbox
from osiris.telemetry.step_lineage import StepLineage, step_lineages
from osiris.version import VERSION

PRODUCER = f"osiris {VERSION}"
_STATES = {"completed": RunState.COMPLETE, "cancelled": RunState.ABORT}
_SECONDS = 3.0


class Lineage:
    """One run's events.

    Args:
        manifest: of the run.
        steps: what each step reads and writes.
        namespace: of the jobs.
        outbox: where the events go.

    """

    def __init__(
        self,
        manifest: Manifest,
        steps: Mapping[str, StepLineage],
        namespace: str,
        outbox: Outbox[RunEvent],
    ) -> None:
        self._manifest = manifest
        self._name = manifest.name
        self._about: dict[str, RunFacet] = {}
        self._steps = steps
        self._namespace = namespace
        self._outbox = outbox
        self._run = str(generate_new_uuid())
        self._runs = {step.id: str(generate_new_uuid()) for step in manifest.steps}

    def begin(self, run: RunLayout, adapter: str) -> None:
        """Learn which run it is: every event says so in a facet of ours, `osiris_run`."""
        facet = RunFacet().with_additional_properties(
            session=run.session,
            directory=str(run.root.absolute()),
            pipeline=self._name,
            fingerprint=self._manifest.fingerprint,
            adapter=adapter,
        )
        engine = processing_engine_run.ProcessingEngineRunFacet(VERSION, "osiris")
        self._about = {"osiris_run": cast("RunFacet", facet), "processing_engine": engine}

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        match record:
            case ev.RunStart():
                self._tell_run(record, RunState.START)
            case ev.RunComplete():
                self._tell_run(record, _STATES.get(record.state, RunState.FAIL))
            case ev.StepStart():
                self._tell_step(record, RunState.START)
            case ev.StepComplete():
                self._tell_step(record, RunState.COMPLETE, rows=record.rows_written)
            case ev.StepFailed():
                self._tell_step(record, RunState.FAIL, error=str(record.error.get("message")))
            case ev.StepSkipped():
                self._tell_step(record, RunState.ABORT)
            case _:
                pass

    def close(self) -> None:
        """Wait until the events are sent, for a few seconds at most."""
        self._outbox.close()

    def _tell_run(self, event: ev.Event, state: RunState) -> None:
        self._outbox.put(
            RunEvent(
                eventType=state,
                eventTime=_time(event),
                run=Run(self._run, dict(self._about)),
                job=Job(self._namespace, self._name),
                producer=PRODUCER,
            )
        )

    def _tell_step(
        self,
        event: ev.StepEvent,
        state: RunState,
        rows: int | None = None,
        error: str | None = None,
    ) -> None:
        step = self._steps[event.step_id]
        facets: dict[str, RunFacet] = {
            **self._about,
            "parent": parent_run.ParentRunFacet(
                parent_run.Run(self._run), parent_run.Job(self._namespace, self._name)
            ),
        }
        if error is not None:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(error, "Python")
        self._outbox.put(
            RunEvent(
                eventType=state,
                eventTime=_time(event),
                run=Run(self._runs[event.step_id], facets),
                job=Job(self._namespace, f"{self._name}.{event.step_id}", step.job_facets()),
                producer=PRODUCER,
                inputs=step.inputs(),
                outputs=step.outputs(rows),
            )
        )


def follow(compiled: CompiledPipeline, env: Mapping[str, str]) -> Lineage:
    """Return a follower that sends to `OPENLINEAGE_URL`."""
    key = env.get("OPENLINEAGE_API_KEY")
    config = HttpConfig(
        env["OPENLINEAGE_URL"],
        endpoint=env.get("OPENLINEAGE_ENDPOINT", "api/v1/lineage"),
        timeout=_SECONDS,
        auth=ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({}),
        retry={"total": 1, "connect": 1, "read": 0, "backoff_factor": 0.1},
    )
    transport = HttpTransport(config)
    outbox: Outbox[RunEvent] = Outbox("openlineage", transport.emit)
    namespace = env.get("OPENLINEAGE_NAMESPACE", "default")
    return Lineage(compiled.manifest, step_lineages(compiled, env), namespace, outbox)


def _time(event: ev.Event) -> str:
    return datetime.fromtimestamp(event.ts, UTC).isoformat()
