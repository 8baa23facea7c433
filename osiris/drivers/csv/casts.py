"""From the text of a cell to a typed value, or an error: SQL that never loses a digit.

DuckDB's own CAST rounds '2.255' for DECIMAL(5,2), reads '1.5' as the integer 2, drops the offset of
'10:00+02' and the time of a date. Every cast here is guarded by a test of the text.
"""

from dataclasses import dataclass

from osiris.drivers.duckdb.connection import identifier, literal

_INTEGERS = {
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
}
_SQL_TYPES = {"string": "VARCHAR", "timestamptz": "TIMESTAMP WITH TIME ZONE"}
_TIME_TAIL = "substr({0}, 11)"


@dataclass(frozen=True)
class TypedColumn:
    """A column of a CSV file: its name there and its canonical type."""

    name: str
    type: str
    inferred: bool = False

    @property
    def sql_type(self) -> str:
        """The DuckDB type."""
        return _SQL_TYPES.get(self.type, self.type.upper())

    @property
    def fits(self) -> str | None:
        """SQL that is true for texts the type holds exactly; None when the cast itself tells."""
        cell = identifier(self.name)
        if self.type in _INTEGERS:
            return f"NOT (contains({cell}, '.') OR contains({cell}, 'e') OR contains({cell}, 'E'))"
        if self.type.startswith("decimal"):
            return _decimal_fits(cell, int(self.type.rstrip(")").rpartition(",")[2]))
        return _FITS[self.type].format(cell) if self.type in _FITS else None

    @property
    def select(self) -> str:
        """The column's expression in the SELECT list of a scan."""
        cell = identifier(self.name)
        if self.type == "string":
            return cell
        value = f"CAST({cell} AS {self.sql_type})"
        if self.fits is None:
            return f"{value} AS {cell}"
        failure = f"error({literal('does not fit its type: ')} || {cell})"
        return (
            f"CASE WHEN {cell} IS NULL OR ({self.fits}) THEN {value} ELSE {failure} END AS {cell}"
        )

    @property
    def misfit(self) -> str:
        """SQL that is true for cells that do not fit."""
        cell = identifier(self.name)
        if self.type == "string":
            return "false"
        castable = f"TRY_CAST({cell} AS {self.sql_type}) IS NOT NULL"
        fits = f"({self.fits}) AND {castable}" if self.fits else castable
        return f"({cell} IS NOT NULL AND NOT ({fits}))"


def _decimal_fits(cell: str, scale: int) -> str:
    """The digits behind the point are as many as the scale; more only if they are zeros."""
    plain = f"NOT (contains({cell}, 'e') OR contains({cell}, 'E'))"
    short = f"NOT contains({cell}, '.') OR strlen({cell}) - instr({cell}, '.') <= {scale}"
    zeros = f"regexp_full_match({cell}, '[^.]*[.][0-9]{{0,{scale}}}0*\\s*')"
    return f"{plain} AND ({short} OR {zeros})"


_FITS = {
    "date": "strlen({0}) = 10",
    "time": "strlen({0}) <= 15",
    "timestamp": (
        "strlen({0}) <= 26 AND NOT (contains({0}, '+') OR contains({0}, 'Z') "
        f"OR contains({_TIME_TAIL}, '-'))"
    ),
    "timestamptz": (
        "strlen({0}) <= 32 AND (contains({0}, '+') OR contains({0}, 'Z') "
        f"OR contains({_TIME_TAIL}, '-'))"
    ),
    "double": "NOT isinf(CAST({0} AS DOUBLE)) OR contains(lower({0}), 'inf')",
    "float": "NOT isinf(CAST({0} AS FLOAT)) OR contains(lower({0}), 'inf')",
}
