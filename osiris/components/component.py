"""What a component is: a name, the configuration it accepts, and where its driver is found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict


class Mode(StrEnum):
    """What a step does with tables: makes one, turns some into one, or takes one away."""

    READ = "read"
    TRANSFORM = "transform"
    WRITE = "write"


class ComponentConfig(BaseModel):
    """Base of every component's configuration; unknown keys are refused.

    A component that needs a connection declares a field `connection` of its own `Connection`
    subclass; one that can do without adds `| None = None`. In a pipeline the field is a reference
    (`"@mysql.db_movies"`); the engine fills it in before the driver sees it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class Connection(BaseModel):
    """Base of every connection; secret fields are declared as pydantic `SecretStr`.

    Attributes:
        family: what it is called in references (`@family.alias`) and in the file of connections;
            when it is empty, the family of the component.
        holds_files: whether a step's `InputPath` and `OutputPath` name files there, not here.

    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: ClassVar[str] = ""
    holds_files: ClassVar[bool] = False

    def hosts(self) -> Sequence[tuple[str, int]]:
        """Return the (host, port) pairs it reaches; none for local files and sockets."""
        return ()


@dataclass(frozen=True)
class SqlQuery:
    """Marks a config field (`Annotated[str, SqlQuery("mysql")]`) as one read-only SQL query.

    The compiler parses the field with sqlglot in `dialect` and refuses what is not a query.
    """

    dialect: str


@dataclass(frozen=True)
class InputPath:
    """Marks a config field as a path (or glob) that the step reads, relative to the project.

    `beside` are endings of the names of files that belong to it where they are there (`-wal`).
    """

    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetPath:
    """Marks a config field as the path of a file that the step changes in place.

    In a sandbox it changes a copy, which the host puts in the file's place when the run is over.
    `beside` are endings of the names of files that are there while the file is not whole (`.wal`).
    """

    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputPath:
    """Marks a config field as the path where the step's file is published, relative to the project.

    The driver writes `<output_dir>/<file name>`; the host publishes it (`core.publisher`).
    """


@dataclass(frozen=True)
class Example:
    """One documented use of a component: a title and the step's `config` as a pipeline has it."""

    title: str
    config: dict[str, Any]


@dataclass(frozen=True)
class Component:
    """One component: everything about it but the code that runs it.

    Registered by an entry point in the group `osiris.components` whose name is `name` and whose
    value is `"package.module:OBJECT"`.

    Attributes:
        name: `family.kind`, for instance `mysql.extractor`.
        modes: the step modes it can serve.
        config: model of a step's `config`.
        driver: `"package.module:Class"` of the driver, imported only when a step runs.
        summary: one sentence for people.
        extra: name of the pip extra that brings its packages (`pip install 'distribution[extra]'`).
        packages: importable module names the driver needs beyond the core's.
        examples: documented uses, checked against `config` by a test.

    """

    name: str
    modes: frozenset[Mode]
    config: type[ComponentConfig]
    driver: str
    summary: str
    extra: str | None = None
    packages: tuple[str, ...] = ()
    examples: tuple[Example, ...] = field(default=())

    @property
    def family(self) -> str:
        """The part of the name before the dot: the connection family it belongs to."""
        return self.name.partition(".")[0]

    @property
    def connection(self) -> type[Connection] | None:
        """The model of the connection the component takes, or None when it takes none."""
        declared = self.config.model_fields.get("connection")
        annotation: object = declared.annotation if declared else None
        for kind in (annotation, *get_args(annotation)):
            if isinstance(kind, type) and issubclass(kind, Connection):
                return kind
        return None

    @property
    def connection_family(self) -> str:
        """The family of the connections the component takes."""
        return (self.connection.family if self.connection else "") or self.family

    @property
    def needs_connection(self) -> bool:
        """Whether the component cannot do without a connection."""
        declared = self.config.model_fields.get("connection")
        return declared is not None and self.connection is not None and declared.is_required()
