"""Run directories made by hand: as large, as long or as odd as a test wants them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(milliseconds: float) -> str:
    """Return the time so long after the run began, as records write it."""
    when = BEGAN + timedelta(milliseconds=milliseconds)
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class MadeRun:
    """A run's records: steps with what they need, and events beside those of the steps."""

    needs: Mapping[str, list[str]]
    component: str = "sample.source"
    pipeline: str = "made"
    error: dict[str, Any] | None = None
    failed: frozenset[str] = frozenset()
    more_events: Iterable[dict[str, Any]] = ()
    cfg: dict[str, Any] = field(default_factory=dict)
    rows: int = 100

    def write(self, directory: Path) -> Path:
        """Write the run's directory and return it."""
        (directory / "cfg").mkdir(parents=True)
        steps = [self._manifest_step(name, needs) for name, needs in self.needs.items()]
        manifest = {"osiris_manifest": 1, "name": self.pipeline, "steps": steps}
        (directory / "manifest.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
        for name in self.needs:
            config = {"id": name, "component": self.component, "config": self.cfg}
            (directory / "cfg" / f"{name.replace('/', '_')}.json").write_text(json.dumps(config))
        (directory / "status.json").write_text(json.dumps(self._status(directory.name)))
        with (directory / "events.jsonl").open("w") as file:
            for event in (*self._events(), *self.more_events):
                file.write(json.dumps({"ts": at(0), "session": directory.name, **event}) + "\n")
        return directory

    def _manifest_step(self, name: str, needs: list[str]) -> dict[str, Any]:
        return {"id": name, "component": self.component, "inputs": {need: need for need in needs}}

    def _status(self, session: str) -> dict[str, Any]:
        state = "failed" if self.error or self.failed else "completed"
        return {
            "session": session,
            "state": state,
            "ok": state == "completed",
            "exit_code": int(state == "failed"),
            "pipeline": self.pipeline,
            "fingerprint": "sha256:" + "0" * 64,
            "adapter": "local",
            "host": "here",
            "started_at": at(0),
            "duration_seconds": 0.01 * len(self.needs) + 0.1,
            "steps_total": len(self.needs),
            "steps_completed": len(self.needs) - len(self.failed),
            "steps": {name: self._step(n, name) for n, name in enumerate(self.needs)},
            "error": self.error,
        }

    def _step(self, number: int, name: str) -> dict[str, Any]:
        failed = name in self.failed
        return {
            "state": "failed" if failed else "completed",
            "started_at": at(10 * number),
            "duration_ms": 80.0,
            "rows_in": dict.fromkeys(self.needs[name], self.rows),
            "rows_out": self.rows,
            "error": {**(self.error or {}), "step_id": name} if failed else None,
        }

    def _events(self) -> Iterable[dict[str, Any]]:
        yield {"event": "run_start", "pipeline": self.pipeline, "steps_total": len(self.needs)}
        for number, name in enumerate(self.needs):
            step = {"step_id": name, "component": self.component, "mode": "read"}
            yield {"ts": at(10 * number), "event": "step_start", **step}
            yield {
                "ts": at(10 * number + 80),
                "event": "step_failed" if name in self.failed else "step_complete",
                "step_id": name,
                "rows_out": self.rows,
            }
