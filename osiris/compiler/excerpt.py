"""The line of a file that a problem is about, as it may be shown: without what may be a secret."""

import difflib
import re
from functools import lru_cache
from typing import Final

from osiris.compiler.literal_secret import is_reference, secret_in
from osiris.core.placeholders import PLACEHOLDER

_SECRETS: Final = (
    *("password", "passwd", "passphrase", "pwd", "pass", "secret", "token", "credential"),
    *("apikey", "accesskey", "privatekey", "authkey", "key"),
)
_LIKENESS: Final = 0.75
_KEY: Final = re.compile(r"([A-Za-z_][\w.-]*)[\"']?\s*[:=]")
_BEFORE_VALUE: Final = re.compile(r"\s*(?:- +)*(?:[\"']?[\w.-]+[\"']?\s*:(?:\s+|$))?")
_HARMLESS: Final = re.compile(r"[\"']?(?:[-+]?[0-9][0-9.]*|true|false|null|~)?[\"']?\s*(?:#.*)?")
_LONGEST: Final = 400
HIDDEN: Final = "…"


@lru_cache(maxsize=1024)
def excerpt(line: str, *, private: bool) -> str | None:
    """Return a line as it may be shown; None when it may not, shows nothing, or is very long.

    Of a `private` file, one of connections, nothing is shown but keys, numbers and placeholders. Of
    others a line is not shown that has the form of a secret, or a key that is called like one,
    misspelt or not, with something else than a placeholder behind it.
    """
    if not line.strip() or len(line) > _LONGEST:
        return None
    if private:
        return _keys_only(line)
    rest = PLACEHOLDER.sub(_nothing_without_default, line)
    if secret_in(line) or (any(map(_like_a_secret, _KEY.findall(rest))) and not _ends(rest)):
        return None
    return line


def _keys_only(line: str) -> str:
    before = _BEFORE_VALUE.match(line)
    start = before.end() if before else 0
    value = line[start:].rstrip()
    plain = _HARMLESS.fullmatch(value) or is_reference(value.strip("\"'"))
    return line if plain else line[:start] + HIDDEN


def _nothing_without_default(match: re.Match[str]) -> str:
    return match[0] if match["default"] or match["escape"] else ""


def _ends(line: str) -> bool:
    """Tell whether nothing follows the only key of a line."""
    return bool(re.fullmatch(r"[^:]*:\s*[\"']*\s*", line))


def _like_a_secret(key: str) -> bool:
    words = [*re.split(r"[_.-]", key.lower()), re.sub(r"[_.-]", "", key.lower())]
    return any(difflib.get_close_matches(w, _SECRETS, n=1, cutoff=_LIKENESS) for w in words)
