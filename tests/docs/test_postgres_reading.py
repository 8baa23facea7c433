"""The table of the types that are read from PostgreSQL says what the reader does."""

import re
from pathlib import Path

from tests.support.postgres import PostgresDatabase
from tests.support.postgres_reading import read, settings

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "types.md"
_CODE = re.compile(r"`([^`]+)`")


def _documented() -> dict[str, str]:
    text = PAGE.read_text("utf-8").partition("## From PostgreSQL to Arrow")[2]
    pairs: dict[str, str] = {}
    for line in text.partition("\n## ")[0].splitlines():
        if line.startswith("| `"):
            postgres, arrow = (_CODE.findall(cell) for cell in line.split(" | ")[:2])
            pairs.update(zip(postgres, arrow * (len(postgres) // len(arrow)), strict=True))
    return pairs


def test_every_type_is_read_as_the_page_says(pg: PostgresDatabase) -> None:
    documented = _documented()
    assert len(documented) > 40
    pg.execute("CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE pair AS (a INT, b INT)")
    pg.execute("CREATE EXTENSION citext")
    columns = [f'NULL::{kind} AS "{kind}"' for kind in documented]
    schema = read(settings(pg), f"SELECT {', '.join(columns)}").schema
    names = {"float": "float32", "double": "float64", "list<item: ": "list<"}
    found = {}
    for field in schema:
        text = str(field.type).replace("date32[day]", "date32").replace(", tz=", ", ")
        for arrow, ours in names.items():
            text = text.replace(arrow, ours)
        found[field.name] = text
    assert found == documented
