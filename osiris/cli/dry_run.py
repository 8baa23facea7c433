"""`osiris run --dry-run`: what would run, and what is missing for it; nothing runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris.api import Compilation
from osiris.cli.failure import error_data, note_error
from osiris.cli.paths import shown
from osiris.cli.screen import columns, document, harmless, result
from osiris.cli.table import table
from osiris.components.component import InputPath
from osiris.components.marked_fields import marked
from osiris.core.driver_registry import DriverRegistry, missing_dependency
from osiris.core.errors import OsirisError
from osiris.core.manifest import Manifest, Step
from osiris.core.preflight import Preflight, examine
from osiris.project import Project


@dataclass(frozen=True)
class Plan:
    """What a run would do: the manifest, what the preflight found, which variables are set."""

    manifest: Manifest
    found: Preflight
    variables: dict[str, str]
    project: Project
    registry: DriverRegistry

    @property
    def errors(self) -> list[OsirisError]:
        """Everything that keeps the run from starting."""
        return self.found.errors

    def step(self, step: Step) -> dict[str, Any]:
        """Return one step as an item of the JSON document."""
        config = self.found.configs.get(step.id)
        connection = config.connection if config else None
        output = self.found.outputs.get(step.id)
        return {
            "id": step.id,
            "component": step.component,
            "mode": str(step.mode),
            "inputs": step.inputs,
            "after": list(step.after),
            "attempts": step.attempts,
            "timeout": step.timeout,
            "connection": connection.model_dump() if connection else None,
            "reads": self._reads(step),
            "output": str(output) if output else None,
        }

    def _reads(self, step: Step) -> list[str]:
        """Return the paths the step reads, as its config has them."""
        config = self.found.configs.get(step.id)
        if config is None:
            return []
        model = self.registry.component(step.component).config
        return [
            str(config.config[name])
            for name, _ in marked(model, InputPath)
            if name in config.config
        ]


def show_dry_run(
    compilation: Compilation, project: Project, env: Mapping[str, str], *, as_json: bool
) -> int:
    """Show the plan and return 0, or the exit code of the first thing that is missing."""
    plan = _plan(compilation, project, env)
    code = plan.errors[0].exit_code if plan.errors else 0
    if as_json:
        document(
            {
                "ok": not plan.errors,
                "exit_code": code,
                "pipeline": plan.manifest.name,
                "fingerprint": plan.manifest.fingerprint,
                "params": plan.manifest.params,
                "steps": [plan.step(step) for step in plan.manifest.steps],
                "variables": plan.variables,
                "errors": [error_data(error) for error in plan.errors],
            }
        )
    else:
        _show(plan)
    return code


def _plan(compilation: Compilation, project: Project, env: Mapping[str, str]) -> Plan:
    registry, compiled = DriverRegistry(), compilation.compiled
    found = examine(compiled, env=env, project=project.root, registry=registry)
    for name in sorted({config.component for config in found.configs.values()}):
        missing = registry.missing_packages(name)
        if missing:
            found.errors.append(missing_dependency(registry.component(name), missing))
    required: dict[str, bool] = {}
    for config in found.configs.values():
        for name, default in config.variables().items():
            required[name] = required.get(name, False) or default is None
    variables = {
        name: "set" if env.get(name) else "missing" if needed else "default"
        for name, needed in sorted(required.items())
    }
    return Plan(compiled.manifest, found, variables, project, registry)


def _show(plan: Plan) -> None:
    result(f"{harmless(plan.manifest.name)}: {len(plan.manifest.steps)} steps would run\n")
    rows = [_row(number, plan.step(step)) for number, step in enumerate(plan.manifest.steps, 1)]
    headers = ("", "STEP", "COMPONENT", "FROM", "TO")
    for line in table(headers, rows, numbers=("",), limit=columns()):
        result(line)
    connections = {
        config.connection.ref: config.connection.fields
        for config in plan.found.configs.values()
        if config.connection
    }
    if connections:
        result("")
    for ref, fields in connections.items():
        shown_fields = " ".join(f"{key}={value}" for key, value in fields.items())
        result(harmless(f"{ref}: {shown_fields}"))
    if plan.variables:
        result("")
    for name, state in plan.variables.items():
        result(f"variable {name}: {state}")
    result(f"\nnothing was run; records would go to {shown(plan.project.root / 'logs')}")
    for error in plan.errors:
        note_error(error)


def _row(number: int, step: dict[str, Any]) -> tuple[str, ...]:
    connection = step["connection"]
    sources = [
        *step["inputs"].values(),
        *step["reads"],
        *([connection["ref"]] if connection else []),
    ]
    source = ", ".join(sources)
    target = shown(Path(step["output"])) if step["output"] else ""
    return (str(number), step["id"], step["component"], harmless(source), harmless(target))
