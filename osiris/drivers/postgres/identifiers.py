"""Names of tables and columns, written so that PostgreSQL takes them as they are."""

from collections.abc import Iterable, Sequence
from typing import Final

from osiris.core.errors import ConfigError

LONGEST: Final = 63
"""Bytes of a name; PostgreSQL cuts a longer one (NAMEDATALEN), and so would meet another table."""


def quoted(name: str) -> str:
    """Return a name between quotes, those in it doubled."""
    return '"' + name.replace('"', '""') + '"'


def quoted_list(names: Iterable[str]) -> str:
    """Return names between quotes, with commas."""
    return ", ".join(map(quoted, names))


def check_names(names: Sequence[str]) -> None:
    """Raise `ConfigError` for a name that PostgreSQL cannot have, or would cut."""
    for name in names:
        if not name or "\0" in name:
            raise ConfigError(
                f"{name!r} cannot be a name in PostgreSQL",
                hint="give the column another name (SQL: `AS`)",
            )
        size = len(name.encode())
        if size > LONGEST:
            raise ConfigError(
                f"the name {name!r} has {size} bytes; PostgreSQL would cut it to {LONGEST}",
                hint="give the column or the table a shorter name",
            )
