"""What a discovery found, as a person reads it."""

from osiris.cli.rows import one_line, show_rows
from osiris.cli.screen import harmless, result, styled
from osiris.core.discovery import ColumnInfo, KeyInfo, TableInfo
from osiris.discovery.result import Discovery


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
    comment = f": {one_line(info.comment)}" if info.comment else ""
    result(styled(one_line(info.full_name), "strong") + f"  ({info.kind}{rows}){comment}")
    if info.columns:
        headers = ("COLUMN", "TYPE", "ARROW", "NULL", "COMMENT")
        described = [_column(column) for column in info.columns]
        show_rows(headers, described, indent="  ", without_empty=True)
    for key in info.keys:
        result(f"  {_key(key)}")
    if info.samples is not None:
        _samples(info)
    for problem in info.problems:
        result(f"  {styled('problem:', 'warn')} {one_line(problem)}")


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
    return one_line(f"{key.kind} key{named} ({', '.join(key.columns)}){there}")


def _samples(info: TableInfo) -> None:
    from osiris.discovery.masked_rows import texts  # noqa: PLC0415 - only samples need Arrow

    rows = texts(info.samples)
    if not rows:
        result("  no rows")
        return
    result("  " + styled("samples:", "dim"))
    show_rows([column.name for column in info.columns], rows, indent="  ")
