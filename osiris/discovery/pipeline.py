"""A pipeline that reads what was found and writes each table into a CSV file."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from osiris.core.discovery import TableInfo
from osiris.discovery.result import Discovery

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST: Final = 60


def pipeline_of(found: Sequence[Discovery], name: str) -> dict[str, Any]:
    """Return an OML document with a read and a write step for each table that can be read."""
    readable = [
        (discovery, table)
        for discovery in found
        for table in discovery.tables
        if table.read is not None
    ]
    slugs = _unique(_bare(table) for _, table in readable)
    steps = [
        step
        for (discovery, table), slug in zip(readable, slugs, strict=True)
        for step in _steps(discovery, table, slug)
    ]
    return {"oml_version": "0.1.0", "name": name, "steps": steps}


def slug_of(text: str) -> str:
    """Return a text as part of the name of a step or file: letters, digits, - and _."""
    return _NOT_IN_A_NAME.sub("-", text).strip("-_")[:_LONGEST]


def _steps(discovery: Discovery, table: TableInfo, slug: str) -> list[dict[str, Any]]:
    connection = {} if discovery.connection is None else {"connection": discovery.connection}
    read = {
        "id": f"read-{slug}",
        "component": discovery.component,
        "mode": "read",
        "config": {**connection, **_escaped(dict(table.read or {}))},
    }
    write = {
        "id": f"write-{slug}",
        "component": "filesystem.csv_writer",
        "mode": "write",
        "needs": [read["id"]],
        "config": {"path": f"output/{slug}.csv"},
    }
    return [read, write]


def _bare(table: TableInfo) -> str:
    """Return what the table is called; a file without its directories and suffixes."""
    if table.kind != "file":
        return table.full_name
    return table.name.replace("\\", "/").rpartition("/")[2].partition(".")[0]


def _unique(names: Iterable[str]) -> list[str]:
    """Return names for steps and files: no two alike, whatever upper and lower case mean."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        slug = slug_of(name) or "table"
        number, candidate = 1, slug
        while candidate.lower() in taken:
            number += 1
            candidate = f"{slug}-{number}"
        taken.add(candidate.lower())
        found.append(candidate)
    return found


def _escaped(value: Any) -> Any:
    """Return config in which `${` means itself."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return value
