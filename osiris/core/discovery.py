"""What can be found out about tables before any step reads them: `osiris discover`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from osiris.core.cancel import CancelToken

if TYPE_CHECKING:  # who only asks which tables there are needs no Arrow
    import pyarrow as pa

KeyKind = Literal["primary", "unique", "foreign"]


@dataclass(frozen=True)
class ColumnInfo:
    """One column of a table.

    Attributes:
        name: the name as it is.
        native_type: the type in the source's own words, such as `decimal(10,2) unsigned`.
        arrow_type: the Arrow type in which the family's extractor gives it; None when it cannot.
        nullable: whether it may hold NULL; None where the source does not say.
        comment: what its makers wrote about it.

    """

    name: str
    native_type: str
    arrow_type: str | None
    nullable: bool | None = None
    comment: str | None = None


@dataclass(frozen=True)
class KeyInfo:
    """A primary, unique or foreign key.

    Attributes:
        kind: which of the three.
        name: the constraint's name.
        columns: its columns, in the key's order.
        references: for a foreign key the table it points to, `schema.table`.
        referenced_columns: for a foreign key the columns it points to, in the same order.

    """

    kind: KeyKind
    name: str
    columns: tuple[str, ...]
    references: str | None = None
    referenced_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableInfo:
    """One table, view or file.

    Attributes:
        schema: the schema (in MySQL the database) it lies in; None for a file.
        name: its name; for files the path or pattern that was asked for.
        kind: `table`, `view`, `materialized view`, `foreign table`, `partitioned table`, `file`.
        estimated_rows: the source's own estimate, which may be far off; None without one.
        comment: what its makers wrote about it.
        columns: its columns in the source's order.
        keys: its keys: the primary first, then unique ones, then foreign ones, by name.
        samples: some of its rows as the extractor gives them; None when none were asked for.
        read: the config, without `connection`, of a step that reads the whole table; None when
            no step can.
        problems: what could not be found out, and why.

    """

    schema: str | None
    name: str
    kind: str
    estimated_rows: int | None = None
    comment: str | None = None
    columns: tuple[ColumnInfo, ...] = ()
    keys: tuple[KeyInfo, ...] = ()
    samples: "pa.Table | None" = None
    read: Mapping[str, Any] | None = None
    problems: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name with the schema before it, for people."""
        return self.name if self.schema is None else f"{self.schema}.{self.name}"

    def but(self, problem: str) -> "TableInfo":
        """Return the table with one more problem."""
        return replace(self, problems=(*self.problems, problem))


@dataclass(frozen=True)
class Found:
    """What a source holds of what was wanted.

    `schemas` and `names` are the schemas there are and the tables of those looked into, wanted or
    not: what a name that is not there can be compared with.
    """

    tables: tuple[TableInfo, ...]
    schemas: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What to find out.

    Attributes:
        schema: look into this schema; None means the connection's own, else all of the users'.
        tables: names, or patterns with * and ?; none means all.
        samples: how many rows of each table to read.
        connection: the connection behind which files lie; None for files of this machine.
        base_dir: directory that relative paths refer to.
        spill_dir: directory for temporary files.
        seconds: how long one statement may take on the server.
        cancelled: switched when all of it should stop, at the latest when the time is over.

    """

    schema: str | None = None
    tables: tuple[str, ...] = ()
    samples: int = 0
    connection: Any = None
    base_dir: Path = Path()
    spill_dir: Path = Path()
    seconds: float = 60.0
    cancelled: CancelToken = field(default_factory=CancelToken)

    def wants(self, name: str) -> bool:
        """Tell whether a table of this name is wanted: by its very name, or by a pattern."""
        return not self.tables or any(
            wanted == name or fnmatchcase(name, wanted) for wanted in self.tables
        )


@runtime_checkable
class Discoverer(Protocol):
    """An extractor's driver that can also say which tables there are: `osiris discover`.

    Optional, and found out by the method. Everything is done read-only; where there is a server,
    it is the server that refuses changes and stops statements after `wanted.seconds`.
    """

    def discover(self, connection: Any, wanted: Wanted) -> Found:
        """Look into what the connection leads to.

        What fails for one table (a view that is broken, a sample that takes too long) is one of
        its `problems`.

        Args:
            connection: the component's own connection model, filled in.
            wanted: what to find out.

        Raises:
            StepError: as `Driver.run` does.

        """


@runtime_checkable
class FileDiscoverer(Protocol):
    """An extractor's driver that can say what is in files: found out by the methods."""

    def takes(self, path: str) -> bool:
        """Tell by the name whether this driver reads such a file; `path` may be a pattern."""

    def discover_files(self, path: str, wanted: Wanted) -> Found:
        """Look into the files that a path or pattern names; raise `StepError`."""


def ordered(keys: Iterable[KeyInfo]) -> tuple[KeyInfo, ...]:
    """Return keys in the order of `TableInfo.keys`."""
    kinds: tuple[KeyKind, ...] = ("primary", "unique", "foreign")
    return tuple(sorted(keys, key=lambda key: (kinds.index(key.kind), key.name)))
