"""How a CSV file is written down: the option types that its readers and writers share."""

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

_NOT_DELIMITERS = frozenset('"\r\n\0+-.')
_NOT_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def _delimiter(value: str) -> str:
    if len(value) != 1 or not value.isascii() or value.isalnum() or value in _NOT_DELIMITERS:
        raise ValueError(
            "a delimiter is one ASCII character that is no letter, digit, quote, line end, NUL "
            'or one of + - . (a tab is written "\\t")'
        )
    return value


def _quote(value: str) -> str:
    if value and (len(value) != 1 or not value.isascii() or value.isalnum() or value in "\r\n\0"):
        raise ValueError(
            "a quote is one ASCII character that is no letter, digit, line end or NUL, "
            'or "" when nothing in the file is quoted'
        )
    return value


def _encoding(value: str) -> str:
    try:
        name = codecs.lookup(value).name
        "".encode(name)
    except LookupError:
        raise ValueError(
            f"{value!r} is no character encoding; utf-8, utf-16, latin-1 and cp1252 are common ones"
        ) from None
    if name.replace("-", "_") in _NOT_CHARSETS:
        raise ValueError(f"{value!r} is not an encoding for files")
    return value


Delimiter = Annotated[
    str,
    AfterValidator(_delimiter),
    Field(description='What separates two cells: one ASCII character, "\\t" for a tab.'),
]

Quote = Annotated[
    str,
    AfterValidator(_quote),
    Field(description='What encloses a quoted cell; "" when the file has no quoting.'),
]

Encoding = Annotated[
    str,
    AfterValidator(_encoding),
    Field(description="Character encoding by its Python name: utf-8, utf-16, latin-1, cp1252, …"),
]

Compression = Literal["infer", "none", "gzip", "zstd"]
"""`infer` goes by the file's name: gzip for `.gz`, zstd for `.zst` and `.zstd`, else none."""


def compression_of(path: str, compression: Compression) -> Literal["none", "gzip", "zstd"]:
    """Return what `compression` means for the file at `path`."""
    if compression != "infer":
        return compression
    if path.endswith(".gz"):
        return "gzip"
    return "zstd" if path.endswith((".zst", ".zstd")) else "none"
