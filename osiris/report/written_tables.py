"""The database tables that a run wrote, as the configs of its steps name them."""

from collections.abc import Iterable
from typing import Any, Final

from osiris.core.layout import RunLayout
from osiris.core.record_lines import strict_json
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.report.run_record import StepRecord, WrittenTable, mapping, text

_LARGEST: Final = 4 * 1024 * 1024


def written_tables(steps: Iterable[StepRecord], layout: RunLayout) -> tuple[WrittenTable, ...]:
    """Return the table of every step that wrote into one and completed, in order.

    What a step failed to write is not there: a table is written whole or not at all.
    """
    found = (
        _table(step.id, step.rows_written, layout)
        for step in steps
        if step.rows_written is not None and step.state == "completed"
    )
    return tuple(table for table in found if table is not None)


def _table(step_id: str, rows: int, layout: RunLayout) -> WrittenTable | None:
    step = _config(layout, step_id)
    config = mapping(step, "config")
    name = text(config, "table")
    if name is None:
        return None
    schema = text(config, "schema")
    return WrittenTable(
        step=step_id,
        where=text(mapping(step, "connection"), "ref") or text(config, "path"),
        table=name if schema is None else f"{schema}.{name}",
        rows=rows,
    )


def _config(layout: RunLayout, step_id: str) -> dict[str, Any]:
    """Return a step's config; an empty one when it cannot be had."""
    try:
        data = strict_json(read_regular_file(layout.cfg / f"{step_id}.json", limit=_LARGEST))
    except (OSError, UnusableFileError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
