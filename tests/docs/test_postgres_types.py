"""The table of the types that PostgreSQL tables are made with says what the code does."""

import re
from pathlib import Path

import pyarrow as pa

from osiris.drivers.postgres.column_types import type_for

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "types.md"
_CODE = re.compile(r"`([^`]+)`")


def _arrow(text: str) -> pa.DataType:
    name, _, arguments = text.removesuffix(")").partition("(")
    given = [
        int(part) if part.isdigit() else part.strip("'")
        for part in filter(None, arguments.split(", "))
    ]
    if name == "list_":
        return pa.list_(pa.type_for_alias(str(given[0])))
    makes = {"bool": pa.bool_}
    made: pa.DataType = (makes.get(name) or getattr(pa, name))(*given)
    return made


def _documented() -> dict[str, str]:
    text = PAGE.read_text("utf-8").partition("## From Arrow to PostgreSQL")[2]
    pairs: dict[str, str] = {}
    for line in text.partition("\n## ")[0].splitlines():
        cells = line.split(" | ")
        if line.startswith("| `"):
            arrow, postgres = _CODE.findall(cells[0]), _CODE.findall(cells[1])
            pairs.update(zip(arrow, postgres, strict=True))
    return pairs


def test_every_type_is_made_as_the_page_says() -> None:
    documented = _documented()
    assert len(documented) > 30
    assert {text: type_for(_arrow(text)).name for text in documented} == documented
