"""What the relational core needs to know of MySQL's names and types."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from osiris.core.errors import ConfigError
from osiris.drivers.mysql.column_types import new_type
from osiris.drivers.relational.column_type import ColumnType

LONGEST_NAME: Final = 64
"""Characters of a name of a table or column."""

_BEYOND_UTF8MB3: Final = 0xFFFF


class MySQLDialect:
    """MySQL and MariaDB as a `Dialect`: columns whose names differ only by case are one."""

    def column_type(self, arrow: pa.DataType) -> ColumnType:
        """Return the type of a new column that holds an Arrow type exactly."""
        return new_type(arrow)

    def fold(self, name: str) -> str:
        """Return the name in lower case, character by character as the server does it."""
        return "".join(c.lower() if len(c.lower()) == 1 else c for c in name)

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `ConfigError` for a name that MySQL cannot have."""
        for name in names:
            if why := _why_not(name):
                raise ConfigError(
                    f"MySQL cannot have the name {name!r}: {why}",
                    hint="give the column another name (SQL: `AS`), or another `table`",
                )


def _why_not(name: str) -> str | None:
    if not name or "\0" in name:
        return "it is empty or holds the character NUL"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} characters of {LONGEST_NAME} at most"
    if name.endswith(" "):
        return "it ends with a space"
    if any(ord(character) > _BEYOND_UTF8MB3 for character in name):
        return "a name cannot hold characters beyond U+FFFF, such as emoji"
    return None
