"""What the relational core needs to know of PostgreSQL's names and types."""

from collections.abc import Sequence

import pyarrow as pa

from osiris.drivers.postgres.column_types import PostgresType, type_for
from osiris.drivers.postgres.identifiers import check_names


class PostgresDialect:
    """PostgreSQL as a `Dialect`: quoted names differ by case, types are those of its manual."""

    def column_type(self, arrow: pa.DataType) -> PostgresType:
        """Return the type of a new column that holds an Arrow type exactly."""
        return type_for(arrow)

    def fold(self, name: str) -> str:
        """Return the name: quoted, PostgreSQL confuses none with another."""
        return name

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `ConfigError` for a name that would be cut or cannot be."""
        check_names(names)
