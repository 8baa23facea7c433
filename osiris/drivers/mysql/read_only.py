"""Telling by its words that a statement returns rows and changes nothing.

Asked only about statements whose result the server does not describe before it runs them (SHOW on
some servers, and what cannot be prepared). Of all others the server itself says whether they
return rows. The session is READ ONLY on the server besides; what that does not refuse is INTO
OUTFILE, so the word INTO is refused wherever it stands, be it in a comment or a string.
"""

import re
from typing import Final

# White space, parentheses and comments, but not those MySQL executes (/*! and /*M!).
_BEFORE: Final = re.compile(r"(?:[\s(]|#[^\n]*|--(?=\s|$)[^\n]*|/\*(?!!|M!).*?\*/)*", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z_]+")
_INTO: Final = re.compile(r"\bINTO\b", re.IGNORECASE)
_READING: Final = frozenset(
    {"DESC", "DESCRIBE", "EXPLAIN", "SELECT", "SHOW", "TABLE", "VALUES", "WITH"}
)


def only_reads(sql: str) -> bool:
    """Tell whether the statement is of a kind that only reads and puts its rows nowhere."""
    before = _BEFORE.match(sql)
    word = _WORD.match(sql, before.end() if before else 0)
    return word is not None and word.group().upper() in _READING and not _INTO.search(sql)
