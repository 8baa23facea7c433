"""A run as one page of HTML: styles, script and data inside, nothing fetched, all escaped."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from osiris.core import events as ev
from osiris.core.layout import RunLayout
from osiris.core.masking import Masker
from osiris.core.record_lines import RecordLines, known_event
from osiris.core.status import RunState
from osiris.report.failures import failures
from osiris.report.html.artifact_preview import artifacts
from osiris.report.html.drawing import draw
from osiris.report.html.event_data import pack_events
from osiris.report.html.file_view import config, tail, whole
from osiris.report.html.metric_plots import plots
from osiris.report.html.page_templates import inline, page_environment
from osiris.report.html.plan import Plan, read_plan
from osiris.report.html.row_flow import flows
from osiris.report.html.timeline import timeline
from osiris.report.read_run import read_run
from osiris.report.run_record import RunRecord, StepRecord, text

_STATES: Final = frozenset({*map(str, RunState), "skipped", "pending", "unknown"})

_READ: Final = frozenset(
    kind.name
    for kind in (
        *(ev.CfgMaterialized, ev.StepStart, ev.InputsResolved, ev.StepRetry),
        *(ev.ArtifactCreated, ev.ArtifactPublished),
    )
)
"""The events that say something that status.json does not; a run may have very many others."""


def run_page(
    directory: Path, masker: Masker | None = None, comparison: Mapping[str, Any] | None = None
) -> str:
    """Return the page of a run; the same records give the same page.

    Args:
        directory: the run's directory.
        masker: secrets that must not be on the page, wherever they got into the records.
        comparison: what `osiris.parity` found comparing the run with another, as data.

    """
    masker = masker or Masker()
    layout, run = RunLayout(directory), read_run(directory)
    records = [masker.value(record) for record in RecordLines(layout.events)]
    events = [
        event
        for record in records
        if str(record.get("event")) in _READ and (event := known_event(record)) is not None
    ]
    plan = read_plan(layout.manifest, events)
    steps = _steps(run, plan)
    found = flows(steps, plan.inputs)
    environment = page_environment(masker)
    context: dict[str, Any] = {
        "run": run,
        "description": plan.description,
        "facts": _facts(run, plan),
        "failures": [_error(error) for error in failures(run)],
        "steps": steps,
        "components": {step_id: plan.components.get(step_id, "?") for step_id in steps},
        "anchors": {step_id: f"step-{number}" for number, step_id in enumerate(steps, 1)},
        "drawing": draw(list(steps), plan.edges),
        "rows_on": {(f.source, f.target): f.taken for f in found if f.target is not None},
        "timeline": timeline(run, _retries(events)),
        "flows": found,
        "lost": sum(flow.verdict == "lost" for flow in found),
        "open": sum(flow.verdict == "open" for flow in found),
        "plots": plots(RecordLines(layout.metrics)),
        "events": pack_events(records),
        "artifacts": artifacts(layout, events),
        "parity": comparison,
        **_files(layout, steps, masker),
        "known_states": _STATES,
        "style": inline(environment, "page.css"),
        "script": inline(environment, "page.js"),
    }
    context["contents"] = _contents(context)
    return environment.get_template("page.html").render(context) + "\n"


def _steps(run: RunRecord, plan: Plan) -> dict[str, StepRecord]:
    """Return the steps in the manifest's order; those it does not know of last."""
    told = {step.id: step for step in run.steps}
    planned = {name: told.get(name, StepRecord(name, "pending")) for name in plan.components}
    return {**planned, **told}


def _error(error: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: text(error, name) for name in ("step_id", "code", "message", "hint")}


def _facts(run: RunRecord, plan: Plan) -> list[tuple[str, str]]:
    started = (run.started_at or "").replace("T", " ").partition(".")[0]
    named = {
        "Started": f"{started} UTC" if started else None,
        "Host": run.host,
        "Exit code": None if run.exit_code is None else str(run.exit_code),
        "Osiris": run.osiris_version,
        "Fingerprint": run.fingerprint,
        **{f"Parameter {name}": str(value) for name, value in plan.params.items()},
    }
    return [(name, value) for name, value in named.items() if value]


def _retries(events: list[ev.Event]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for event in events:
        if isinstance(event, ev.StepRetry):
            found.setdefault(event.step_id, []).append(event.ts)
    return found


def _files(layout: RunLayout, steps: Iterable[str], masker: Masker) -> dict[str, Any]:
    logs = (layout.log, layout.debug_log)
    return {
        "configs": _some(config(layout.cfg / f"{name}.json", name, masker) for name in steps),
        "manifest": whole(layout.manifest, masker),
        "logs": _some(tail(path, masker) for path in logs),
    }


def _some(files: Iterable[Any]) -> list[Any]:
    return [file for file in files if file is not None]


def _contents(context: Mapping[str, Any]) -> list[tuple[str, str, int | None]]:
    """Return the sections that there are: anchor, title, how many of it."""
    errors, run = len(context["failures"]), context["run"]
    sections = [
        ("errors", "Errors", errors or None, bool(errors)),
        ("warnings", "Warnings", len(run.warnings), bool(run.warnings)),
        ("parity", "Comparison", None, bool(context["parity"])),
        ("steps", "Steps", len(context["steps"]), True),
        ("timeline", "Timeline", None, bool(context["timeline"])),
        ("rows", "Rows", None, True),
        ("metrics", "Metrics", None, bool(context["plots"])),
        ("events", "Events", context["events"].count, True),
        ("artifacts", "Artifacts", len(context["artifacts"]), True),
        ("configs", "Configs", None, True),
        ("logs", "Logs", None, True),
    ]
    return [(name, title, count) for name, title, count, there in sections if there]
