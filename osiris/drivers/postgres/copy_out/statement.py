"""The statement that copies a query out, each column as its decoder wants it."""

import re
from collections.abc import Sequence
from typing import Final

from osiris.drivers.postgres.copy_out.columns import Column

# As far as it takes to tell a semicolon from one in a text, a name or a comment:
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_TOKENS: Final = re.compile(
    r"""
    (?P<end>;) | (?P<space>\s+ | --[^\n]* | /\*.*?\*/)
    | [eE]'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*" | (?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)
    | \w+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def copy_statement(
    query: str, columns: Sequence[Column], condition: str | None = None, *, unread: int = 0
) -> str:
    """Return the COPY of a query that was described alone, and so is one whole statement.

    `unread` columns of the query, after `columns`, are there for `condition` alone, in which a
    column is `c1`, `c2` … by its place. The query ends with its line, as it may end with a comment.
    """
    inner = f"(\n{query}\n)"
    if condition is None and all(column.asked == "{}" for column in columns):
        return f"COPY {inner} TO STDOUT (FORMAT BINARY)"
    names = [f"c{place}" for place in range(1, len(columns) + unread + 1)]
    asked = [column.asked.format(name) for column, name in zip(columns, names, strict=False)]
    where = "" if condition is None else f" WHERE {condition}"
    outer = f"SELECT {', '.join(asked)} FROM {inner} AS asked ({', '.join(names)}){where}"
    return f"COPY ({outer}) TO STDOUT (FORMAT BINARY)"


def without_end(query: str) -> str:
    """Return a query without the semicolon it may end with, and what is behind that."""
    end = None
    for token in _TOKENS.finditer(query):
        if token["end"]:
            end = token.start() if end is None else end
        elif token["space"] is None:
            end = None
    return query[:end]
