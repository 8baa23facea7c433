"""Checking one step's configuration against the component that will run it."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from osiris.compiler.component_source import Registry, find_component
from osiris.compiler.connection_book import ConnectionBook, DeclaredConnection
from osiris.compiler.document import Place
from osiris.compiler.model_check import check_model
from osiris.compiler.references import ParamFiller
from osiris.compiler.scalar_position import offset_in, position_in
from osiris.compiler.secret_check import check_secrets
from osiris.compiler.step_source import StepSource
from osiris.components.component import Component, SqlQuery
from osiris.components.marked_fields import marked

CONNECTION = "connection"
"""The option of a component's configuration that names a connection."""


@dataclass(frozen=True)
class CheckedStep:
    """A step with its component and its configuration, params filled in, connection apart.

    The mode of `source` is None when the component does not serve it.
    """

    source: StepSource
    component: Component | None
    config: dict[str, Any]
    connection: DeclaredConnection | None


def check_step(
    step: StepSource, registry: Registry, filler: ParamFiller, book: ConnectionBook
) -> CheckedStep:
    """Return the step with all that belongs to it; report every mistake in its configuration."""
    place = step.place.get("component")
    component = None
    if place is not None and step.component is not None:
        mode_place = step.place.get("mode")
        component = find_component(registry, step.component, place, step.mode, mode_place)
    data = filler.fill(step.config)
    model = component.config if component else None
    check_secrets(model, data, step.config, (step.component or "secret").partition(".")[0])
    if component is None:
        return CheckedStep(step, None, data, None)
    if step.mode not in component.modes:
        step = replace(step, mode=None)
    connection = _connection(step, component, data, book)
    _check_config(step, component, data, connection)
    for name, query in marked(component.config, SqlQuery):
        member = step.config.get(name)
        if member is not None and isinstance(data[name], str):
            _check_sql(data[name], query.dialect, member)
    config = {key: value for key, value in data.items() if key != CONNECTION or not connection}
    return CheckedStep(step, component, config, connection)


def _connection(
    step: StepSource, component: Component, data: dict[str, Any], book: ConnectionBook
) -> DeclaredConnection | None:
    place = step.config.get(CONNECTION)
    if component.connection is None or place is None:
        return None
    return book.resolve(data[CONNECTION], place, component.connection_family)


def _check_config(
    step: StepSource,
    component: Component,
    data: dict[str, Any],
    connection: DeclaredConnection | None,
) -> None:
    """Check all but the connection, which is checked where it is described."""
    model = component.connection
    ignore = ""
    if model is not None and CONNECTION in data:
        fields = connection.fields if connection else {}
        try:
            stand_in = model.model_validate(fields)
        except ValidationError:
            stand_in, ignore = model.model_construct(**fields), CONNECTION
        data = {**data, CONNECTION: stand_in}
    check_model(component.config, data, step.config, what=component.name, ignore=ignore)


def _check_sql(sql: str, dialect: str, place: Place) -> None:
    # sqlglot takes 0.1 s to import, which a pipeline without a query does not pay for.
    from osiris.compiler.sql_check import check_query  # noqa: PLC0415 - start-up time, see above

    finding = check_query(sql, dialect)
    if finding is None:
        return
    if sql == place.value:
        mark = offset_in(place, finding.offset)
    else:
        # Params moved what follows them on the line; lines stay where they were.
        mark = position_in(place, sql[: finding.offset].count("\n") + 1, 1)
    tell = place.error if finding.certain else place.warn
    tell(finding.message, finding.hint, mark=mark)
