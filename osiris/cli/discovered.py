"""What a discovery found, as a person reads it."""

from osiris.cli.screen import columns, harmless, result, styled
from osiris.cli.table import table
from osiris.core.discovery import ColumnInfo, KeyInfo, TableInfo
from osiris.discovery.result import Discovery

_LONGEST = 60


def show(found: Discovery) -> None:
    """Write every table with its columns, keys, samples and problems to stdout."""
    if not found.tables:
        result(f"there are no tables in {harmless(found.target)}")
    for place, info in enumerate(found.tables):
        if place:
            result()
        _show(info)


def _show(info: TableInfo) -> None:
    rows = "" if info.estimated_rows is None else f", about {_counted(info.estimated_rows)}"
    comment = f": {_one_line(info.comment)}" if info.comment else ""
    result(styled(_one_line(info.full_name), "strong") + f"  ({info.kind}{rows}){comment}")
    if info.columns:
        _table(("COLUMN", "TYPE", "ARROW", "NULL", "COMMENT"), [_column(c) for c in info.columns])
    for key in info.keys:
        result(f"  {_key(key)}")
    if info.samples is not None:
        _samples(info)
    for problem in info.problems:
        result(f"  {styled('problem:', 'warn')} {_one_line(problem)}")


def _counted(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _column(column: ColumnInfo) -> tuple[str, ...]:
    null = {True: "null", False: "not null", None: ""}[column.nullable]
    kinds = (column.native_type, column.arrow_type or "?")
    comment = "" if column.comment is None else column.comment
    return (column.name, *kinds, null, comment)


def _key(key: KeyInfo) -> str:
    named = "" if key.kind == "primary" else f" {key.name}"
    there = f" → {key.references} ({', '.join(key.referenced_columns)})" if key.references else ""
    return _one_line(f"{key.kind} key{named} ({', '.join(key.columns)}){there}")


def _samples(info: TableInfo) -> None:
    from osiris.discovery.masked_rows import texts  # noqa: PLC0415 - only samples need Arrow

    rows = texts(info.samples)
    if not rows:
        result("  no rows")
        return
    result("  " + styled("samples:", "dim"))
    names = [column.name for column in info.columns]
    _table(names, [tuple("NULL" if text is None else text for text in row) for row in rows])


def _table(headers: tuple[str, ...] | list[str], rows: list[tuple[str, ...]]) -> None:
    limit = columns()
    cells = [[_one_line(text)[:_LONGEST] for text in row] for row in rows]
    kept = [i for i, _ in enumerate(headers) if i == 0 or any(row[i] for row in cells)]
    head, *body = table(
        [_one_line(headers[i]) for i in kept],
        [[row[i] for i in kept] for row in cells],
        limit=None if limit is None else limit - 2,
    )
    result("  " + styled(head, "dim"))
    for line in body:
        result("  " + line)


def _one_line(text: str) -> str:
    """Return text of a database as one harmless line."""
    return harmless(text.replace("\n", "\\n").replace("\t", "\\t"))
