"""One read-only query over a connection, without a pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osiris.components.component import Component, Connection, Mode, SqlQuery
from osiris.components.marked_fields import marked
from osiris.connections import connection_views, filled, masker_of, without_secrets
from osiris.core.discovery import Wanted
from osiris.core.driver import DriverContext
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import ComponentError, OsirisError, UsageError
from osiris.project import Project

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class QueryRows:
    """The first rows of a query's result, and whether there were more."""

    table: "pa.Table"
    truncated: bool


def run_query(
    ref: str, sql: str, project: Project, env: Mapping[str, str], limits: Wanted
) -> QueryRows:
    """Run a query as the family's extractor does, and return its first `limits.samples` rows.

    Raises `UsageError` for a connection that is not there and for what is no read-only query, what
    `filled` raises, and `StepError` for what the database refuses.
    """
    view = connection_views(project, env).named(ref)
    component, field, dialect = _querying(view.components, view.ref)
    _check(sql, dialect)
    masker = masker_of(view, env)
    connection = filled(view, env)
    try:
        return _first_rows(component, {field: sql}, connection, limits)
    except OsirisError as error:
        raise without_secrets(error, masker) from error.__cause__


def _querying(components: tuple[Component, ...], ref: str) -> tuple[Component, str, str]:
    for component in components:
        found = next(marked(component.config, SqlQuery), None)
        if Mode.READ in component.modes and found is not None:
            name, query = found
            return component, name, query.dialect
    raise ComponentError(
        f"no installed component runs queries over {ref}",
        hint="`osiris components list` shows what is installed",
    )


def _check(sql: str, dialect: str) -> None:
    from osiris.compiler.sql_check import (  # noqa: PLC0415 - sqlglot takes a tenth of a second
        check_query,
    )

    finding = check_query(sql, dialect)
    if finding is not None and finding.certain:
        raise UsageError(finding.message, hint=finding.hint or "write one query that only reads")


def _first_rows(
    component: Component, options: dict[str, Any], connection: Connection, limits: Wanted
) -> QueryRows:
    from osiris.core.first_rows import first_rows  # noqa: PLC0415 - only what runs needs Arrow
    from osiris.core.stream import as_reader  # noqa: PLC0415 - as above

    config = component.config.model_validate({**options, "connection": connection})
    context = DriverContext(
        output_dir=limits.spill_dir,
        base_dir=limits.base_dir,
        spill_dir=limits.spill_dir,
        log_event=lambda _: None,
        log_metric=lambda *_: None,
        cancelled=limits.cancelled,
    )
    driver = DriverRegistry().driver(component.name)
    outputs = driver.run(step_id="query", config=config, inputs={}, ctx=context)
    reader = as_reader(outputs["df"], what=component.name)
    table = first_rows(reader, limits.samples + 1)
    return QueryRows(table.slice(0, limits.samples), table.num_rows > limits.samples)
