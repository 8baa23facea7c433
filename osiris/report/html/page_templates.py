"""The templates of the page: everything that is put in is masked, made visible and escaped."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from osiris.core.masking import Masker
from osiris.report import amounts

_ODD: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that cannot be seen, steer the direction of text, or are none."""

_CODE: Final = re.compile("`([^`]+)`")
"""What is shown as code, in backticks."""

_BREAKS: Final = re.compile(r"[/.](?=\w)")
"""Behind which a line may end, not only where it is full."""


@dataclass(frozen=True)
class Inline:
    """A style sheet or script for the page itself, and the hash by which its policy knows it."""

    text: Markup
    hash: str


def visible(text: str) -> str:
    """Return text from outside with what could mislead a reader spelled out."""
    return _ODD.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def page_environment(masker: Masker) -> Environment:
    """Return the templates; `masker` knows what must not be on the page."""

    def finalize(value: Any) -> Any:
        if value is None:
            return ""
        if isinstance(value, str) and not isinstance(value, Markup):
            return visible(masker.text(value))
        return value

    def clip(text: str, length: int) -> str:
        safe = masker.text(text)  # before a secret is cut in two
        return safe if len(safe) <= length else safe[: length - 1] + "…"

    environment = Environment(
        loader=PackageLoader("osiris.report.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "breakable": _marked(masker, _BREAKS, r"\g<0><wbr>"),
        "clip": clip,
        "duration": amounts.duration,
        "groupby_in_order": _grouped,
        "rows": amounts.rows,
        "size": _or_dash(amounts.size),
        "with_code": _marked(masker, _CODE, r"<code>\1</code>"),
    }
    return environment


def inline(environment: Environment, name: str) -> Inline:
    """Return one of our own files to stand in the page as it is."""
    if environment.loader is None:
        raise TypeError(name)
    text, _, _ = environment.loader.get_source(environment, name)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"sha256-{digest}")  # noqa: S704 - a file of this package


def _marked(masker: Masker, pattern: re.Pattern[str], markup: str) -> Callable[[str], Markup]:
    """Return a filter that puts markup of ours where a pattern matches the escaped text."""

    def mark(text: str) -> Markup:
        safe = str(escape(visible(masker.text(text))))
        return Markup(pattern.sub(markup, safe))  # noqa: S704 - it is escaped

    return mark


def _or_dash(write: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda value: "-" if value is None else write(value)


def _grouped(
    items: Iterable[Mapping[str, Any]], name: str
) -> list[tuple[Any, list[Mapping[str, Any]]]]:
    """Group neighbours; jinja's own groupby sorts."""
    return [(key, list(group)) for key, group in groupby(items, key=lambda item: item[name])]
