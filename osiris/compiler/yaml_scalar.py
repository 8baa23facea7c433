"""The type of a YAML scalar, by the core schema of YAML 1.2, limited to what JSON can hold."""

import math
import re

from osiris.compiler.document import Scalar

_TAG = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact (RFC 8785, RFC 7493)."""
_LONGEST = 20
"""More characters than any whole number up to `_LARGEST` needs, sign and zeros included."""
_EXPECTED: dict[str, tuple[type, ...]] = {
    _TAG + "int": (int,),
    _TAG + "float": (float, int),
    _TAG + "bool": (bool,),
    _TAG + "null": (type(None),),
}


class BadScalarError(Exception):
    """A scalar that cannot be kept."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def resolve(text: str, tag: str | None, *, plain: bool) -> Scalar:
    """Return the value of a scalar.

    Args:
        text: its text, quotes and folding undone.
        tag: its explicit tag in full, or None.
        plain: whether it was written without quotes and not as a block.

    Raises:
        BadScalarError: for a tag that is not allowed or does not fit, a number that JSON cannot
            hold exactly, and text that is not Unicode.

    """
    value = _core(text) if (plain and tag is None) or tag in _EXPECTED else checked_text(text)
    if tag is None or tag in {"!", _TAG + "str"}:
        return value
    if tag not in _EXPECTED:
        short = tag.replace(_TAG, "!!")
        raise BadScalarError(
            f"tag {short} is not allowed", "remove it; quotes make text of a value"
        )
    if type(value) not in _EXPECTED[tag]:
        kind = tag.removeprefix(_TAG)
        raise BadScalarError(f"{text!r} is no !!{kind}", "remove the tag or change the value")
    return value


def _core(text: str) -> Scalar:
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return _whole(text)
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        number = math.inf if _NOT_FINITE.fullmatch(text) else float(text)
        if not math.isfinite(number):
            raise BadScalarError(f"{text[:40]} is no number JSON can hold", "quote it, if text")
        return number
    return checked_text(text)


def _whole(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    number = int(text, base) if len(text) <= _LONGEST else _LARGEST + 1
    if abs(number) > _LARGEST:
        message = f"{text[:40]} is too large to be kept exactly in JSON"
        raise BadScalarError(message, f"quote it: '{text[:40]}'")
    return number


def checked_text(text: str) -> str:
    """Return the text; raise `BadScalarError` when JSON or a file name could not hold it."""
    if _NOT_TEXT.search(text):
        bad = "NUL" if "\0" in text else "half of a surrogate pair"
        raise BadScalarError(f"the text holds a {bad}", "remove it")
    return text


def stand_in(text: str) -> str:
    """Return what a refused scalar counts as in the checks that follow."""
    return _NOT_TEXT.sub("\ufffd", text)
