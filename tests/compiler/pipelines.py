"""Components made for the compiler's tests, and short ways to compile with them.

A caret `‸` in a YAML text marks where a problem is expected; it is taken out before compiling.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from osiris.compiler.compile_source import CompileResult, compile_source
from osiris.compiler.problem import Problem
from osiris.components.component import (
    Component,
    ComponentConfig,
    Connection,
    Mode,
    OutputPath,
    SqlQuery,
)

CARET = "‸"


class Tls(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["off", "required"] = "off"
    key_password: SecretStr | None = None


class ShopConnection(Connection):
    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 3306
    user: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    tls: Tls = Tls()


class ShopExtractorConfig(ComponentConfig):
    connection: ShopConnection
    query: Annotated[str | None, SqlQuery("mysql")] = None
    table: str | None = None
    limit: Annotated[int, Field(ge=0)] | None = None
    ratio: float = 1.0
    strict: bool = False
    columns: dict[str, str] | list[str] = Field(default_factory=list)
    zero_dates: Literal["null", "error"] = "null"

    @model_validator(mode="after")
    def _query_or_table(self) -> Self:
        if (self.query is None) == (self.table is None):
            msg = "set either query or table"
            raise ValueError(msg)
        return self


class RowsConfig(ComponentConfig):
    """Configuration of a component that needs nothing."""

    rows: int = 1


class SqlConfig(ComponentConfig):
    query: Annotated[str, SqlQuery("duckdb")]


class FileConfig(ComponentConfig):
    path: Annotated[str, OutputPath()]
    delimiter: str = ","
    token: SecretStr | None = None


COMPONENTS = {
    component.name: component
    for component in (
        Component(
            "shop.extractor", frozenset({Mode.READ}), ShopExtractorConfig, "x:X", "Reads a shop."
        ),
        Component("rows.maker", frozenset({Mode.READ}), RowsConfig, "x:X", "Makes rows."),
        Component(
            "rows.sql", frozenset({Mode.TRANSFORM, Mode.READ}), SqlConfig, "x:X", "Runs SQL."
        ),
        Component("file.writer", frozenset({Mode.WRITE}), FileConfig, "x:X", "Writes a file."),
    )
}


class SampleRegistry:
    """The components above and one whose import fails."""

    def names(self) -> list[str]:
        return sorted([*COMPONENTS, "broken.reader"])

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> Component:
        if name == "broken.reader":
            msg = "No module named 'broken'"
            raise ModuleNotFoundError(msg)
        return COMPONENTS[name]

    def __iter__(self) -> Iterator[Component]:
        return (self[name] for name in self.names())


CONNECTIONS = """\
connections:
  shop:
    main: {host: db.example, user: reader, password: "${SHOP_PASSWORD}", default: true}
    other: {user: reader}
"""

HEAD = "oml_version: 0.1.0\nname: sample\n"

READ = """\
steps:
  - id: a
    component: rows.maker
    mode: read
"""


def compile_text(
    text: str,
    *,
    connections: str | None = CONNECTIONS,
    params: Mapping[str, Any] | None = None,
) -> CompileResult:
    """Compile a text, carets taken out."""
    return compile_source(
        text.replace(CARET, "").encode(),
        filename="pipeline.yaml",
        connections=(
            None
            if connections is None
            else (connections.replace(CARET, "").encode(), "osiris_connections.yaml")
        ),
        params=params or {},
        registry=SampleRegistry(),
    )


def carets(text: str) -> list[tuple[int, int]]:
    """Give (line, column) of every caret, as they are once the carets are gone."""
    return [
        (number, part_end + 1)
        for number, line in enumerate(text.split("\n"), 1)
        for part_end in _ends(line.split(CARET))
    ]


def _ends(parts: list[str]) -> Iterator[int]:
    length = 0
    for part in parts[:-1]:
        length += len(part)
        yield length


def positions(problems: list[Problem]) -> list[tuple[int | None, int | None]]:
    """Give (line, column) of every problem."""
    return [(problem.line, problem.column) for problem in problems]
