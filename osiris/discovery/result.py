"""What a discovery found, as Python objects and as JSON."""

from dataclasses import dataclass
from typing import Any

from osiris.core.discovery import ColumnInfo, KeyInfo, TableInfo


@dataclass(frozen=True)
class DiscoveredColumn(ColumnInfo):
    """A column, and whether its values are hidden in the samples because of its name."""

    masked: bool = False

    @classmethod
    def of(cls, column: ColumnInfo, *, masked: bool) -> "DiscoveredColumn":
        """Return a column with the answer."""
        return cls(
            column.name,
            column.native_type,
            column.arrow_type,
            column.nullable,
            column.comment,
            masked=masked,
        )


@dataclass(frozen=True)
class Discovery:
    """What there is to read.

    Attributes:
        target: what was looked into: `@family.alias`, or the path or pattern of files.
        component: name of the extractor that reads it.
        connection: the connection's reference; None for files.
        tables: the tables that were asked for; their columns are `DiscoveredColumn`s, and their
            samples are masked.

    """

    target: str
    component: str
    connection: str | None
    tables: tuple[TableInfo, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON object; the values of samples are texts, as in a CSV file."""
        return {
            "target": self.target,
            "component": self.component,
            "connection": self.connection,
            "tables": [_table(table) for table in self.tables],
        }


def _table(table: TableInfo) -> dict[str, Any]:
    from osiris.discovery.masked_rows import texts  # noqa: PLC0415 - only samples need Arrow

    return {
        "schema": table.schema,
        "name": table.name,
        "kind": table.kind,
        "estimated_rows": table.estimated_rows,
        "comment": table.comment,
        "columns": [_column(column) for column in table.columns],
        "keys": [_key(key) for key in table.keys],
        "samples": None if table.samples is None else texts(table.samples),
        "problems": list(table.problems),
    }


def _column(column: ColumnInfo) -> dict[str, Any]:
    return {
        "name": column.name,
        "native_type": column.native_type,
        "arrow_type": column.arrow_type,
        "nullable": column.nullable,
        "comment": column.comment,
        "masked": getattr(column, "masked", False),
    }


def _key(key: KeyInfo) -> dict[str, Any]:
    return {
        "kind": key.kind,
        "name": key.name,
        "columns": list(key.columns),
        "references": key.references,
        "referenced_columns": list(key.referenced_columns),
    }
