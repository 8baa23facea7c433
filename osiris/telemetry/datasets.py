"""What a step reads or writes outside of its run, named as OpenLineage names it.

Source of the names: https://openlineage.io/docs/spec/naming/.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from osiris.components.component import Component, InputPath, OutputPath, SqlQuery
from osiris.components.marked_fields import marked
from osiris.core.errors import MissingVariableError
from osiris.core.placeholders import fill
from osiris.core.step_config import StepConfig

_PARTS = ("database", "schema", "table")
_HOSTLESS = "file"
_SCHEME = {"supabase": "postgres"}


@dataclass(frozen=True, order=True)
class Dataset:
    """A table or a file."""

    namespace: str
    name: str


def datasets(component: Component, step: StepConfig, env: Mapping[str, str]) -> tuple[Dataset, ...]:
    """Return what a read step reads or a write step writes, in order; none when it is not known."""
    config = _filled(step.config, env)
    connection = _filled(step.connection.fields, env) if step.connection else {}
    if path := _path(component, config):
        return (_file(path, connection),)
    namespace = _namespace(component.family, connection)
    if config.get("table"):
        named = {**connection, **config}
        return (
            Dataset(namespace, _dotted(str(named[part]) for part in _PARTS if named.get(part))),
        )
    query, dialect = query_of(component, config)
    if query is None:
        return ()
    prefix = [str(connection["database"])] if connection.get("database") else []
    tables = sorted({_dotted([*prefix, *parts][-3:]) for parts in tables_of(query, dialect)})
    return tuple(Dataset(namespace, table) for table in tables)


def query_of(component: Component, config: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return a step's SQL and its dialect; None when it has none."""
    for name, mark in marked(component.config, SqlQuery):
        if isinstance(config.get(name), str):
            return config[name], mark.dialect
    return None, ""


def tables_of(query: str, dialect: str) -> Iterator[list[str]]:
    """Yield the parts of each table's name that a query mentions, its own CTEs left out."""
    try:
        tree = sqlglot.parse_one(query, dialect=dialect)
    except SqlglotError:
        return
    own = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        parts = [part.name for part in table.parts if part.name]
        if parts and not (len(parts) == 1 and parts[0] in own):
            yield parts


def _path(component: Component, config: Mapping[str, Any]) -> str | None:
    for kind in (InputPath, OutputPath):
        for name, _ in marked(component.config, kind):
            if isinstance(config.get(name), str):
                return str(config[name])
    return None


def _file(path: str, connection: Mapping[str, Any]) -> Dataset:
    if connection.get("bucket"):
        key = _joined(connection.get("prefix"), path)
        return Dataset(f"s3://{connection['bucket']}", key)
    return Dataset(_HOSTLESS, path)


def _joined(prefix: Any, path: str) -> str:
    return f"{str(prefix).strip('/')}/{path}" if prefix else path


def _namespace(family: str, connection: Mapping[str, Any]) -> str:
    scheme = _SCHEME.get(family, family)
    host = connection.get("host")
    if host is None:
        return f"{scheme}://{connection.get('path') or connection.get('socket') or 'localhost'}"
    return (
        f"{scheme}://{host}:{connection['port']}"
        if connection.get("port")
        else f"{scheme}://{host}"
    )


def _dotted(parts: Any) -> str:
    return ".".join(parts)


def _filled(values: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Fill the placeholders that can be filled; a field with one that cannot is left out."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = fill(value, env, where=name)
        except MissingVariableError:
            continue
    return found
