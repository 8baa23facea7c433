r"""From the text of a cell to a typed value, or an error: SQL that never loses a digit.

DuckDB's own CAST rounds '2.255' for DECIMAL(5,2), reads '1.5' as the integer 2, drops the offset of
'10:00+02' and the time of a date. Here a value counts only when a test proves that it is what the
text says. Tests are tried in order, the cheapest first: most cells are written in canonical form.

A declared type takes every text that means exactly one value of the type. An inferred type takes
only texts in their plain form, so that nothing is lost that a person may have meant ("007").
"""

from dataclasses import dataclass

from osiris.core.scan_sql import identifier, literal

_CAST = "TRY_CAST({c} AS {t})"
_CANONICAL = "{v}::VARCHAR = {c}"
# Whatever strptime reads beyond its formats ('infinity', 'epoch') begins with a letter or a sign;
# a year before 1000 may be one of two digits.
_PLAIN_DATE = "{v} >= '1000-01-01'::TIMESTAMP AND {c} >= '0' AND {c} < ':'"
_PLAIN_TIME = "{v} IS NOT NULL AND {c} >= '0' AND {c} < ':'"


def _matching(pattern: str) -> str:
    return f"{{v}} IS NOT NULL AND regexp_full_match({{c}}, {literal(pattern)})"


def _strptime(kind: str, *formats: str) -> str:
    return f"try_strptime({{c}}, [{', '.join(map(literal, formats))}])::{kind}"


_CANONICAL_DATE = _CANONICAL + " AND {c} >= '0' AND {c} < ':'"
_EARLY_DATE = _matching("0[0-9]{3}[-/].*")
_DATES = ("%Y-%m-%d", "%Y/%m/%d")
_MIDNIGHT = ("%Y-%m-%d 00:00:00", "%Y-%m-%dT00:00:00", "%Y-%m-%d 00:00:00.000000")


def _dated(*clocks: str) -> str:
    """Return SQL that reads a date, of either separator, with one of some clocks behind it."""
    return _strptime("TIMESTAMP", *(date + clock for date in _DATES for clock in clocks))


# A format that does not match costs ten times one that does: the text's length tells which to try.
_TIMESTAMP = f"""CASE
    WHEN contains({{c}}, 'T') THEN
        CASE WHEN strlen({{c}}) > 19 THEN {_dated("T%H:%M:%S.%f")}
        ELSE {_dated("T%H:%M:%S", "T%H:%M")} END
    WHEN strlen({{c}}) > 19 THEN {_dated(" %H:%M:%S.%f")}
    WHEN strlen({{c}}) > 10 THEN {_dated(" %H:%M:%S", " %H:%M", " %H:%M:%S.%f")}
    ELSE {_dated("")} END"""
_TIME = f"""CASE
    WHEN strlen({{c}}) > 8 THEN {_strptime("TIME", "%H:%M:%S.%f")}
    ELSE {_strptime("TIME", "%H:%M:%S", "%H:%M", "%H:%M:%S.%f")} END"""


@dataclass(frozen=True)
class Rule:
    """How one type is read: the value, and the tests that prove it, for `{c}` the cell's text."""

    sql_type: str
    value: str
    declared: tuple[str, ...]
    inferred: tuple[str, ...]


_INTEGER = (_CANONICAL, _matching(r"\s*[+-]?[0-9]+([.]0*)?\s*"))
_NO_DIGITS = "NOT regexp_matches(split_part(lower({c}), 'e', 1), '[1-9]')"
_FLOAT = (
    # DuckDB reads 1_0 as 10, and what is too small for the type as 0.
    f"isfinite({{v}}) AND NOT contains({{c}}, '_') AND ({{v}} <> 0 OR {_NO_DIGITS})",
    "{v} IS NOT NULL AND regexp_full_match(lower({c}), '\\s*[+-]?(inf|infinity|nan)\\s*')",
)
_DIGITS = "rtrim(ltrim(replace(split_part(lower({}), 'e', 1), '.', ''), '-0'), '0')"
# A double prints as the shortest text that reads back as itself: the same digits, nothing lost.
_PLAIN_FLOAT = (
    _CANONICAL,
    _matching("-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?")
    + f" AND {_DIGITS.format('{c}')} = {_DIGITS.format('{v}::VARCHAR')}",
)
_ZONED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
_ZONE = r" ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"

_RULES: dict[str, Rule] = {
    **{
        name: Rule(name.upper(), _CAST, _INTEGER, (_CANONICAL,))
        for name in (
            "tinyint",
            "smallint",
            "integer",
            "bigint",
            "utinyint",
            "usmallint",
            "uinteger",
            "ubigint",
        )
    },
    "boolean": Rule(
        "BOOLEAN",
        _CAST,
        ("{v} IS NOT NULL",),
        ("{v} IS NOT NULL AND lower({c}) IN ('true', 'false')",),
    ),
    "float": Rule("FLOAT", _CAST, _FLOAT, _PLAIN_FLOAT),
    "double": Rule("DOUBLE", _CAST, _FLOAT, _PLAIN_FLOAT),
    "date": Rule(
        "DATE",
        _strptime("DATE", *_DATES, *_MIDNIGHT),
        (_PLAIN_DATE, _CANONICAL_DATE, _EARLY_DATE),
        (_CANONICAL_DATE,),
    ),
    "time": Rule(
        "TIME",
        _TIME,
        (_PLAIN_TIME,),
        (_CANONICAL,),
    ),
    "timestamp": Rule(
        "TIMESTAMP",
        _TIMESTAMP,
        (_PLAIN_DATE, _CANONICAL_DATE, _EARLY_DATE),
        (_PLAIN_DATE, _EARLY_DATE),
    ),
    "timestamptz": Rule(
        "TIMESTAMPTZ", _CAST, (_matching(f"{_ZONED}({_ZONE})?"),), (_matching(_ZONED + _ZONE),)
    ),
}


def rule(kind: str) -> Rule | None:
    """Return how a canonical type is read; None for a string, which is what it is."""
    if kind == "string":
        return None
    if kind.startswith("decimal"):
        return _decimal(kind, int(kind.rstrip(")").rpartition(",")[2]))
    return _RULES[kind]


def _decimal(kind: str, scale: int) -> Rule:
    """Read a decimal: no exponent, and no more digits behind the point than the scale has."""
    digits = f"[0-9]{{0,{scale}}}0*"
    declared = _matching(rf"\s*[+-]?[0-9]*([.]{digits})?\s*")
    # Decimals have no -0.
    inferred = _matching(f"-?(0|[1-9][0-9]*)([.]{digits})?") + " AND ({v} <> 0 OR {c} >= '0')"
    # Two characters behind a point cannot hold an exponent that makes a value inexact; more can.
    fast = f"{{v}} IS NOT NULL AND {{c}} LIKE '%.{'_' * scale}'" if 0 < scale <= 2 else _CANONICAL  # noqa: PLR2004 - two: see the comment above
    return Rule(kind.upper(), _CAST, (fast, declared), (_CANONICAL, inferred))


@dataclass(frozen=True)
class TypedColumn:
    """A column of a CSV file: its name there, its place from 0, its canonical type.

    The scan reads the cells of place n as text under the name `cn`.
    """

    name: str
    place: int
    type: str
    inferred: bool = False

    @property
    def cell(self) -> str:
        """The name of the column of texts."""
        return f"c{self.place}"

    @property
    def select(self) -> str:
        """The column's expression in the SELECT list of a scan."""
        return f"{self.value} AS {identifier(self.name)}"

    @property
    def value(self) -> str:
        """SQL for the cell's value, which raises an error for what does not fit."""
        return self._typed()

    @property
    def misfit(self) -> str:
        """SQL that is true for cells that do not fit."""
        found = rule(self.type)
        if found is None:
            return "false"
        proven = " OR ".join(f"({test})" for test in self._tests(found))
        return f"({self.cell} IS NOT NULL AND NOT coalesce({proven}, false))"

    def _tests(self, found: Rule) -> list[str]:
        value = found.value.format(c=self.cell, t=found.sql_type)
        tests = found.inferred if self.inferred else found.declared
        return [test.replace("{v}", value).replace("{c}", self.cell) for test in tests]

    def _typed(self) -> str:
        found = rule(self.type)
        if found is None:
            return self.cell
        value = found.value.format(c=self.cell, t=found.sql_type)
        first, *others = [f"WHEN {test} THEN {value}" for test in self._tests(found)]
        failure = f"error({literal(f'{MISFIT} {self.name}: ')} || left({self.cell}, 100))"
        return (
            f"CASE {first} WHEN {self.cell} IS NULL THEN NULL {' '.join(others)} ELSE {failure} END"
        )


MISFIT = "a value does not fit its type, column"
"""How the error begins that a scan raises for a value that does not fit."""
