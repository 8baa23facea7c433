"""Merging staged rows into a table by a key: the queries, and what would make them lie."""

from collections.abc import Callable, Iterator, Sequence

from osiris.core.errors import ConfigError
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.table_facts import TableFacts

Fold = Callable[[str], str]


def check_key(table: str, facts: TableFacts, key: Sequence[str], fold: Fold) -> None:
    """Raise `ConfigError` unless the table itself sees to it that a key is there once only."""
    wanted = set(map(fold, key))
    if wanted not in [set(map(fold, columns)) for columns in facts.unique_keys.values()]:
        raise ConfigError(
            f"{table} has no primary key or unique index on ({', '.join(key)})",
            hint="declare one; without it two rows may have the same key",
        )


def stage_statement(target: str, stage: str, facts: TableFacts, columns: Sequence[str]) -> str:
    """Return the statement that makes the temporary table where the rows wait.

    It has the columns that are written, as the table has them, and its unique indexes on them, so
    that rows of the input that get in each other's way are found out before they are merged.
    """
    unique = ", ".join(
        f"UNIQUE KEY ({', '.join(map(quoted, key))})"
        for key in facts.unique_keys.values()
        if set(key) <= set(columns)
    )
    names = ", ".join(map(quoted, columns))
    return (
        f"CREATE TEMPORARY TABLE {stage} ({unique}) ENGINE = InnoDB"
        f" SELECT {names} FROM {target} LIMIT 0"
    )


def merge_statement(target: str, stage: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """Return the statement that writes the staged rows, over the row with the same key if any."""
    names = ", ".join(map(quoted, columns))
    values = ", ".join(f"s.{quoted(name)}" for name in columns)
    others = [name for name in columns if name not in key]
    changes = ", ".join(f"{target}.{quoted(name)} = s.{quoted(name)}" for name in others or key)
    # The order of the key: two writers wait for each other instead of locking up.
    order = ", ".join(f"s.{quoted(name)}" for name in key)
    return (
        f"INSERT INTO {target} ({names}) SELECT {values} FROM {stage} AS s ORDER BY {order}"
        f" ON DUPLICATE KEY UPDATE {changes}"
    )


def conflict_queries(
    target: str, stage: str, facts: TableFacts, columns: Sequence[str], key: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the other unique indexes, each with a query that counts rows it would mix up.

    ON DUPLICATE KEY looks at every unique index: a row that has the value of another row, with
    another key, would be written over that one.
    """
    same_key = " AND ".join(f"t.{quoted(name)} <=> s.{quoted(name)}" for name in key)
    for index, unique in facts.unique_keys.items():
        if set(unique) != set(key) and set(unique) <= set(columns):
            same = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in unique)
            joined = f"{stage} AS s JOIN {target} AS t ON {same}"
            where = f"NOT ({same_key}) LOCK IN SHARE MODE"
            yield index, f"SELECT COUNT(*) FROM {joined} WHERE {where}"


def missing_query(target: str, stage: str, key: Sequence[str]) -> str:
    """Return the query that counts staged rows whose key is not in the table."""
    same = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in key)
    return (
        f"SELECT COUNT(*) FROM {stage} AS s"
        f" WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {same})"
    )
