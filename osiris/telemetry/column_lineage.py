"""Which columns of which datasets a step's columns come from, as far as its SQL says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from osiris.telemetry.datasets import Dataset

Origin = tuple[Dataset, str]


@dataclass(frozen=True)
class Columns:
    """Where a table's columns come from.

    `named` are the columns that are known by name, in order; a column that is not among them is
    the column of the same name of `whole`, when that is set.
    """

    named: Mapping[str, frozenset[Origin]] = field(default_factory=dict)
    whole: Dataset | None = None

    def origins(self, column: str) -> frozenset[Origin]:
        """Return where one column comes from; nothing when that is not known."""
        if column in self.named:
            return self.named[column]
        return frozenset({(self.whole, column)}) if self.whole else frozenset()


def columns_of_table(dataset: Dataset, columns: Any) -> Columns:
    """Return the columns of a table that is read as it is, by name where names are given."""
    if not columns:
        return Columns(whole=dataset)
    return Columns({str(name): frozenset({(dataset, str(name))}) for name in columns})


def columns_of_query(query: str, dialect: str, tables: Mapping[str, Columns]) -> Columns:
    """Return where a query's columns come from, its tables' columns being known.

    A column whose origin SQL alone does not tell (`*`, a name that several tables may have) is
    left out.
    """
    try:
        tree = sqlglot.parse_one(query, dialect=dialect)
    except SqlglotError:
        return Columns()
    names = tree.named_selects if isinstance(tree, exp.Query) else []
    if list(names) == ["*"] and len(tables) == 1:
        return next(iter(tables.values()))
    found = {}
    for name in names:
        origins = _origins(name, query, dialect, tables)
        if origins:
            found[name] = origins
    return Columns(found)


def _origins(
    name: str, query: str, dialect: str, tables: Mapping[str, Columns]
) -> frozenset[Origin]:
    try:
        node = lineage(name, query, _schema(tables), dialect=dialect)
    except (SqlglotError, ValueError):
        return frozenset()
    found: set[Origin] = set()
    for leaf in node.walk():
        if isinstance(leaf.expression, exp.Table):
            found |= _of_leaf(leaf, leaf.expression, tables)
    return frozenset(found)


def _schema(tables: Mapping[str, Columns]) -> dict[str, dict[str, str]]:
    """Return what helps to tell whose an unqualified column is; nothing when a table is unknown."""
    if any(columns.whole or not columns.named for columns in tables.values()):
        return {}
    return {table: dict.fromkeys(columns.named, "TEXT") for table, columns in tables.items()}


def _of_leaf(leaf: Node, table: exp.Table, tables: Mapping[str, Columns]) -> frozenset[Origin]:
    known = {name.lower(): columns for name, columns in tables.items()}
    columns = known.get(table.name.lower())
    column = leaf.name.rpartition(".")[2].strip('"`')
    return columns.origins(column) if columns else frozenset()
