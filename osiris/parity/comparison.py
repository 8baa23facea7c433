"""What came of comparing two runs."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from osiris.core.errors import RunsDifferError
from osiris.parity.aspects import Aspect

MISSING = "missing"
_KEPT = 100
_LONGEST = 1000


@dataclass(frozen=True)
class Place:
    """Where in a file the first difference is, and what stands there in each.

    Attributes:
        row: number of the row of a table, the first is 1; 0 is the line of column names.
        column: name of the column, or its number where columns have no names.
        line: number of the line of a text, the first is 1.
        byte: number of bytes before the difference.
        a: what stands there in the first run; None when the file ends before.
        b: what stands there in the second.
        note: what should be known beside, or None.

    """

    row: int | None = None
    column: str | None = None
    line: int | None = None
    byte: int | None = None
    a: str | None = None
    b: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        names = ("row", "column", "line", "byte")
        known = [(name, getattr(self, name)) for name in names]
        return ", ".join(f"{name} {value}" for name, value in known if value is not None)


@dataclass(frozen=True)
class Difference:
    """One difference: where, and what is there in each run; None for nothing at all.

    `place` is where the bytes of a file part ways.
    """

    aspect: Aspect
    where: str
    a: str | None
    b: str | None
    place: Place | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON-ready data."""
        return {
            "section": self.aspect.section.replace(" ", "_"),
            "aspect": self.aspect.id,
            "title": self.aspect.title,
            "where": self.where,
            "a": self.a,
            "b": self.b,
            "place": asdict(self.place) if self.place else None,
        }


@dataclass
class AspectResult:
    """One row of the table; `a` and `b` say in few words what each run has of it.

    `count` is the number of differences; of many, `differences` holds the first.
    """

    aspect: Aspect
    a: str = ""
    b: str = ""
    count: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether the runs do not differ in this aspect."""
        return self.count == 0

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON-ready data."""
        return {
            "section": self.aspect.section.replace(" ", "_"),
            "aspect": self.aspect.id,
            "title": self.aspect.title,
            "same": self.same,
            "a": self.a,
            "b": self.b,
            "differences": self.count,
        }


@dataclass(frozen=True)
class Side:
    """One of the two runs, as its status.json introduces it."""

    session: str
    directory: Path
    pipeline: str | None
    adapter: str | None
    state: str | None
    osiris_version: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self), "directory": str(self.directory)}


@dataclass(frozen=True)
class Comparison:
    """Two runs compared: every aspect, in the order of the table."""

    a: Side
    b: Side
    aspects: tuple[AspectResult, ...]

    @property
    def same(self) -> bool:
        """Whether the runs left the same evidence."""
        return all(row.same for row in self.aspects)

    @property
    def differing(self) -> tuple[AspectResult, ...]:
        """The aspects in which the runs differ."""
        return tuple(row for row in self.aspects if not row.same)

    def raise_if_different(self) -> None:
        """Raise `RunsDifferError` when the runs did not leave the same evidence."""
        if not self.same:
            names = ", ".join(row.aspect.title for row in self.differing)
            raise RunsDifferError(
                f"{self.a.session} and {self.b.session} differ: {names}",
                hint=f"`osiris parity {self.a.session} {self.b.session}` shows where",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready data; of many differences in one aspect the first."""
        return {
            "same": self.same,
            "a": self.a.to_dict(),
            "b": self.b.to_dict(),
            "aspects": [row.to_dict() for row in self.aspects],
            "differences": [one.to_dict() for row in self.aspects for one in row.differences],
        }


class Findings:
    """Collects what is found, aspect by aspect."""

    def __init__(self) -> None:
        self._rows = {aspect: AspectResult(aspect) for aspect in Aspect}

    def shows(self, aspect: Aspect, a: str, b: str) -> None:
        """Say in few words what each run has of an aspect."""
        self._rows[aspect].a, self._rows[aspect].b = a, b

    def differs(
        self, aspect: Aspect, where: str, a: str | None, b: str | None, place: Place | None = None
    ) -> None:
        """Report a difference."""
        row = self._rows[aspect]
        row.count += 1
        if len(row.differences) < _KEPT:
            row.differences.append(Difference(aspect, where, _clipped(a), _clipped(b), place))

    def unsound(self, aspect: Aspect, file: str, a: str | None, b: str | None) -> None:
        """Report a file that is not all there, given what is wrong with each run's, if anything.

        A file that both runs lack is the same in both; one that is damaged in both may be anything.
        """
        if (a or b) and not a == b == MISSING:
            self.differs(aspect, file, a or "sound", b or "sound")

    def rows(self) -> tuple[AspectResult, ...]:
        """Return the rows in the order of the table."""
        return tuple(self._rows.values())


def _clipped(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST] + "…"
