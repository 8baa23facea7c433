"""What a run was to do: its manifest's steps and the edges between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from osiris.core import events as ev
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.report.run_record import mapping, text

_LARGEST: Final = 16 * 1024 * 1024
_DEEPEST: Final = 50
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Plan:
    """The manifest as far as it can be read.

    Attributes:
        description: what the pipeline is for, or None.
        params: the pipeline's parameters.
        components: each step's component, in the manifest's order.
        inputs: each step's inputs: name, and the step that makes its table.
        after: the steps that each step waits for without reading them.

    """

    description: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Every edge as (step, step that needs it)."""
        return [
            (source, step)
            for step in self.components
            for source in (*self.inputs.get(step, {}).values(), *self.after.get(step, ()))
        ]


def read_plan(manifest: Path, events: Iterable[ev.Event]) -> Plan:
    """Return the manifest's plan; what its events tell when the manifest cannot be read."""
    data = _document(manifest)
    steps = data.get("steps")
    if not isinstance(steps, list):
        return _from_events(events)
    plan = Plan(text(data, "description"), mapping(data, "params"))
    for step in steps:
        step_id = text(step, "id") if isinstance(step, dict) else None
        if step_id is not None:
            plan.components[step_id] = text(step, "component") or "?"
            inputs = mapping(step, "inputs")
            plan.inputs[step_id] = {n: s for n, s in inputs.items() if isinstance(s, str)}
            after = step.get("after") if isinstance(step.get("after"), list) else []
            plan.after[step_id] = [s for s in after or () if isinstance(s, str)]
    return plan


def _document(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping; an empty one for what is none, or no manifest by its shape."""
    try:
        data = read_regular_file(path, limit=_LARGEST)
        if not _is_flat(data):
            return {}
        found = yaml.load(data, Loader=_LOADER)  # noqa: S506 - it is the safe loader, in C where there is one
    except (OSError, UnusableFileError, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_flat(data: bytes) -> bool:
    """Tell whether a document is as deep as manifests are, and repeats no part of itself.

    A few lines of YAML could mean gigabytes, and deep ones overflow the stack of the C library.
    """
    depth = 0
    for event in yaml.parse(data, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            return False
    return True


def _from_events(events: Iterable[ev.Event]) -> Plan:
    plan = Plan()
    for event in events:
        if isinstance(event, ev.CfgMaterialized):
            plan.components.setdefault(event.step_id, "?")
        elif isinstance(event, ev.StepStart):
            plan.components[event.step_id] = event.component
        elif isinstance(event, ev.InputsResolved):
            plan.inputs[event.step_id] = event.inputs
    return plan
