"""Pipelines whose steps run a test's own code, wherever the steps run."""

import textwrap
from pathlib import Path
from typing import Any

import rfc8785

from osiris.components.component import Mode
from osiris.core.manifest import Step
from osiris.core.step_config import DescribedConnection, StepConfig, sha256_hex
from tests.support.pipelines import Evidence, PipelineBuilder


def probe(
    builder: PipelineBuilder, step_id: str, code: str, connection: dict[str, Any] | None = None
) -> PipelineBuilder:
    """Add a step that runs the code; return the builder."""
    described = None
    if connection is not None:
        described = DescribedConnection(ref="@probe.there", fields=connection)
    config = StepConfig(
        id=step_id,
        component="probe.source" if connection is None else "probe.remote",
        mode=Mode.READ,
        config={"code": textwrap.dedent(code)},
        connection=described,
    )
    data = rfc8785.dumps(config.model_dump(mode="json")) + b"\n"
    builder.cfgs[step_id] = data
    builder.steps.append(
        Step(id=step_id, component=config.component, mode=Mode.READ, cfg_sha256=sha256_hex(data))
    )
    builder.variables |= {name: default is None for name, default in config.variables().items()}
    return builder


def probing(code: str, connection: dict[str, Any] | None = None) -> PipelineBuilder:
    """A pipeline of one such step, called `probe`."""
    return probe(PipelineBuilder(), "probe", code, connection)


def found(evidence: Evidence) -> list[str]:
    """The rows that the step `probe` made."""
    path = Path(evidence.root, "artifacts", "probe", "output.csv")
    return [line.strip('"') for line in path.read_text().splitlines()[1:]]
