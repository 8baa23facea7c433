"""Building compiled pipelines and running them, for tests of what runs them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785
import yaml

from osiris.components.component import Mode
from osiris.core.adapter_factory import create_adapter
from osiris.core.cancel import CancelToken
from osiris.core.compiled import CompiledPipeline
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.manifest import Manifest, Retry, Step
from osiris.core.records import Emit
from osiris.core.run import RunResult, run_compiled
from osiris.core.run_options import RunOptions
from osiris.core.step_config import DescribedConnection, StepConfig, sha256_hex

_MODES = {
    "source": Mode.READ,
    "secret_source": Mode.READ,
    "mapper": Mode.TRANSFORM,
    "sink": Mode.WRITE,
}


@dataclass
class PipelineBuilder:
    """Collects sample steps and compiles them without the compiler."""

    steps: list[Step] = field(default_factory=list)
    cfgs: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, bool] = field(default_factory=dict)

    def add(
        self,
        step_id: str,
        kind: str,
        *needs: str,
        after: tuple[str, ...] = (),
        retry: Retry | None = None,
        timeout: float | None = None,
        connection: DescribedConnection | None = None,
        **config: Any,
    ) -> "PipelineBuilder":
        """Add a step of a sample component; return self."""
        mode = _MODES[kind]
        made = StepConfig(
            id=step_id, component=f"sample.{kind}", mode=mode, config=config, connection=connection
        )
        data = rfc8785.dumps(made.model_dump(mode="json")) + b"\n"
        names = ["df"] if len(needs) == 1 else list(needs)
        self.cfgs[step_id] = data
        self.steps.append(
            Step(
                id=step_id,
                component=made.component,
                mode=mode,
                inputs=dict(zip(names, needs, strict=True)),
                after=after,
                retry=retry,
                timeout=timeout,
                cfg_sha256=sha256_hex(data),
            )
        )
        self.variables |= {name: default is None for name, default in made.variables().items()}
        return self

    def compiled(self) -> CompiledPipeline:
        """Return the pipeline as a run takes it."""
        manifest = Manifest(
            name="sample",
            oml_version="0.1.0",
            fingerprint="sha256:" + "0" * 64,
            variables=self.variables,
            steps=tuple(self.steps),
        )
        data = yaml.safe_dump(manifest.model_dump(mode="json"), sort_keys=False).encode()
        return CompiledPipeline(manifest, data, dict(self.cfgs))


@dataclass
class Evidence:
    """What a run left behind, read back from its directory."""

    result: RunResult

    @property
    def root(self) -> Path:
        """The run's directory."""
        return self.result.layout.root

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the events, or those of one name."""
        lines = [json.loads(x) for x in self.result.layout.events.read_text().splitlines()]
        return [line for line in lines if name is None or line["event"] == name]

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """Return the metrics of one name."""
        lines = [json.loads(x) for x in self.result.layout.metrics.read_text().splitlines()]
        return [line for line in lines if line["metric"] == name]

    @property
    def status(self) -> dict[str, Any]:
        """The contents of status.json."""
        status: dict[str, Any] = json.loads(self.result.layout.status.read_text())
        return status

    def state(self, step_id: str) -> str:
        """Return a step's state from status.json."""
        return str(self.status["steps"][step_id]["state"])


def run_sample(project: Path, builder: PipelineBuilder, **choices: Any) -> Evidence:
    """Run a sample pipeline here; see `run_with`."""
    return run_with(create_adapter("local"), project, builder, **choices)


def run_with(
    adapter: ExecutionAdapter,
    project: Path,
    builder: PipelineBuilder,
    *,
    env: Mapping[str, str] | None = None,
    observer: Emit | None = None,
    cancel: CancelToken | None = None,
    **options: Any,
) -> Evidence:
    """Run a sample pipeline in the adapter's place and return what it left."""
    result = run_compiled(
        builder.compiled(),
        adapter,
        project=project,
        env=dict(os.environ) if env is None else env,
        options=RunOptions(**options),
        observer=observer,
        cancel=cancel,
    )
    return Evidence(result)
