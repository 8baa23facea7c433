"""The bundled examples, ready to be run and to be broken: a copy, its pipeline, its environment."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785
import yaml

import osiris
from osiris.core.compiled import CompiledPipeline
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.manifest import Manifest
from osiris.core.run import RunResult, run_compiled
from osiris.core.step_config import sha256_hex
from tests.conftest import Database

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/pipeline.yaml"))
_NOT_COPIED = shutil.ignore_patterns("logs", "output", ".env")


@dataclass
class Example:
    """A copy of an example; `steps` and `connections` may be changed before it is compiled."""

    project: Path
    steps: list[dict[str, Any]]
    connections: dict[str, Any]
    env: dict[str, str] = field(default_factory=dict)
    empty: Callable[[], object] = lambda: None
    change: Callable[[CompiledPipeline], CompiledPipeline] = lambda compiled: compiled

    def add(self, step_id: str, component: str, mode: str, *needs: str, **config: Any) -> None:
        """Add a step."""
        step = {"id": step_id, "component": component, "mode": mode, "config": config}
        self.steps.append({**step, **({"needs": list(needs)} if needs else {})})

    def compiled(self) -> CompiledPipeline:
        """Compile it as it is now."""
        pipeline = self.project / "pipeline.yaml"
        whole = {**yaml.safe_load(pipeline.read_text("utf-8")), "steps": self.steps}
        pipeline.write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")
        connections = self.project / "osiris_connections.yaml"
        connections.write_text(yaml.safe_dump({"connections": self.connections}), "utf-8")
        made = osiris.compile_pipeline(pipeline, project=self.project, write=False)
        return self.change(made.compiled)

    def run(self, adapter: ExecutionAdapter) -> RunResult:
        """Run it in the adapter's place."""
        return run_compiled(self.compiled(), adapter, project=self.project, env=self.env)


def example(name: str, place: Path, database: Callable[[], Database]) -> Example:
    """Return a copy of an example; `database` gives an empty one to those that need it."""
    project = Path(shutil.copytree(EXAMPLES / name, place / name, ignore=_NOT_COPIED))
    steps = yaml.safe_load((project / "pipeline.yaml").read_text("utf-8"))["steps"]
    file = project / "osiris_connections.yaml"
    known = yaml.safe_load(file.read_text("utf-8"))["connections"] if file.exists() else {}
    made = Example(project, steps, known, empty=lambda: _headers_only(project / "data"))
    if "mysql" in known:
        _with_database(made, database())
    return made


def without_component(compiled: CompiledPipeline, step_id: str) -> CompiledPipeline:
    """Return the pipeline with a step of a component that is installed nowhere."""
    unknown = "nobody.extractor"
    data = yaml.safe_load(compiled.cfgs[step_id]) | {"component": unknown}
    cfgs = {**compiled.cfgs, step_id: rfc8785.dumps(data) + b"\n"}
    other = {"component": unknown, "cfg_sha256": sha256_hex(cfgs[step_id])}
    steps = [
        step.model_copy(update=other if step.id == step_id else {})
        for step in compiled.manifest.steps
    ]
    manifest = compiled.manifest.model_copy(update={"steps": tuple(steps)})
    whole = manifest.model_dump(mode="json")
    written = yaml.safe_dump(whole, sort_keys=False).encode()
    return CompiledPipeline(Manifest.model_validate(whole), written, cfgs)


def _headers_only(data: Path) -> None:
    for file in data.glob("*.csv"):
        file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", "utf-8")


def _with_database(made: Example, database: Database) -> None:
    database.script((made.project / "schema.sql").read_text("utf-8"))
    tables = [row[0] for row in database.execute("SHOW TABLES")]
    emptied = "".join(f"DELETE FROM {table};" for table in tables)
    made.empty = lambda: database.script(f"SET foreign_key_checks = 0; {emptied}")
    made.env = {
        "MYSQL_HOST": database.server.host,
        "MYSQL_PORT": str(database.server.port),
        "MYSQL_DATABASE": database.name,
        "MYSQL_USER": database.server.login.user,
        "MYSQL_PASSWORD": database.server.login.password,
    }
