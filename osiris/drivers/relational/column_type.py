"""What a column of a database table can hold, said in Arrow's terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True)
class ColumnType:
    """The type of a database column.

    Attributes:
        name: as the database writes it, in DDL and in messages: `numeric(12,2)`.
        arrow: the Arrow type that has the same values; JSON is `pa.json_()`, UUID `pa.uuid()`.
        length: most characters of a string, most bytes of a binary; None for no limit.
        fraction: decimal digits of a second that a time keeps, at most 6.
        bounds: least and greatest value, in the unit of `arrow`, of a date or time.
        nul: whether a string may hold the character NUL.
        parsed: whether only the server can read the values, from texts (an inet, a range) or
            lists of texts.
        unbounded: whether a decimal has as many digits as it likes; `arrow` is then any decimal.
        element: the type of a list's values.

    """

    name: str
    arrow: pa.DataType
    length: int | None = None
    fraction: int = 6
    bounds: tuple[int, int] | None = None
    nul: bool = True
    parsed: bool = False
    unbounded: bool = False
    element: "ColumnType | None" = None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: as the database has it.
        type: what it can hold.
        nullable: whether NULL may stand in it.
        filled: whether the database fills in what a row does not bring (default, identity).
        computed: whether the database alone decides on its values, so that it cannot be written.

    """

    name: str
    type: ColumnType
    nullable: bool = True
    filled: bool = False
    computed: bool = False


@dataclass(frozen=True)
class Target:
    """A table to write into: its name as messages have it, and its columns in order."""

    name: str
    columns: tuple[Column, ...]


class Dialect(Protocol):
    """What a database family knows about names and types; no connection needed."""

    def column_type(self, arrow: pa.DataType) -> ColumnType:
        """Return the type for a new column that holds every value of an Arrow type exactly.

        The type is a plain one (see `plain_type`). Raises `DataError` when there is none.
        """

    def fold(self, name: str) -> str:
        """Return the form of a column's name that is the same for names the database confuses."""

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `ConfigError` for a name that the database cannot have, or would cut."""
