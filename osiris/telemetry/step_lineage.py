"""What each step of a pipeline reads and writes, as OpenLineage datasets with their columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    output_statistics_output_dataset,
    sql_job,
)
from pydantic import ValidationError

from osiris.components.component import Component, Mode
from osiris.core.compiled import CompiledPipeline
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import ComponentError
from osiris.core.manifest import Step
from osiris.core.step_config import StepConfig
from osiris.telemetry.column_lineage import Columns, columns_of_query, columns_of_table
from osiris.telemetry.datasets import Dataset, datasets, query_of


@dataclass(frozen=True)
class StepLineage:
    """One step: the datasets outside of the run that it reads or writes, and its columns."""

    mode: Mode
    reads: tuple[Dataset, ...] = ()
    writes: tuple[Dataset, ...] = ()
    columns: Columns = field(default_factory=Columns)
    query: str | None = None
    dialect: str = ""

    def inputs(self) -> list[InputDataset]:
        """Return what the step's job reads."""
        return [InputDataset(one.namespace, one.name) for one in self.reads]

    def outputs(self, rows: int | None) -> list[OutputDataset]:
        """Return what the step's job writes; `rows` how many, once that is known."""
        found = []
        for one in self.writes:
            statistics: dict[str, Any] = {}
            if rows is not None:
                statistics["outputStatistics"] = (
                    output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rows)
                )
            found.append(
                OutputDataset(
                    one.namespace, one.name, facets=self._facets(), outputFacets=statistics
                )
            )
        return found

    def job_facets(self) -> dict[str, Any]:
        """Return what is known of the step's job: its SQL."""
        if self.query is None:
            return {}
        return {"sql": sql_job.SQLJobFacet(self.query, self.dialect)}

    def _facets(self) -> dict[str, Any]:
        fields = {
            column: column_lineage_dataset.Fields(
                [
                    column_lineage_dataset.InputField(dataset.namespace, dataset.name, name)
                    for dataset, name in sorted(origins)
                ]
            )
            for column, origins in self.columns.named.items()
        }
        if not fields:
            return {}
        return {"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields)}


def step_lineages(compiled: CompiledPipeline, env: Mapping[str, str]) -> dict[str, StepLineage]:
    """Return each step's lineage by its id; an empty one where nothing can be known."""
    registry = DriverRegistry()
    found: dict[str, StepLineage] = {}
    for step in compiled.manifest.steps:
        try:
            config = StepConfig.from_bytes(compiled.cfgs[step.id])
            component = registry.component(step.component)
        except (KeyError, ValidationError, ComponentError):  # the preflight tells
            found[step.id] = StepLineage(step.mode)
            continue
        found[step.id] = _lineage(step, config, component, found, env)
    return found


def _lineage(
    step: Step,
    config: StepConfig,
    component: Component,
    before: Mapping[str, StepLineage],
    env: Mapping[str, str],
) -> StepLineage:
    query, dialect = query_of(component, config.config)
    if step.mode is Mode.READ:
        reads = datasets(component, config, env)
        columns = _read_columns(reads, config, query, dialect)
        return StepLineage(step.mode, reads, (), columns, query, dialect)
    tables = {name: before[of].columns for name, of in step.inputs.items()}
    sources = tuple(dict.fromkeys(one for of in step.inputs.values() for one in before[of].reads))
    if step.mode is Mode.WRITE:
        only = next(iter(tables.values())) if len(tables) == 1 else Columns()
        return StepLineage(step.mode, sources, datasets(component, config, env), only)
    tables |= {of: before[of].columns for of in step.inputs.values()}
    columns = columns_of_query(query, dialect, tables) if query is not None else Columns()
    return StepLineage(step.mode, sources, (), columns, query, dialect)


def _read_columns(
    reads: tuple[Dataset, ...], config: StepConfig, query: str | None, dialect: str
) -> Columns:
    if query is None:
        return (
            columns_of_table(reads[0], config.config.get("columns"))
            if len(reads) == 1
            else Columns()
        )
    tables = {one.name.rpartition(".")[2]: Columns(whole=one) for one in reads}
    return columns_of_query(query, dialect, tables)
