"""`${params.x}` in a step's configuration: filled in when the pipeline is compiled.

A text that is nothing but one reference takes the param's value with its type; inside a longer
text the value is written out. `${VAR}` and `${VAR:-default}` stay, to be filled in where the step
runs (`osiris.core.placeholders`); `$${` stands for a literal `${`. Anything else that begins with
`${` is a mistake.
"""

import json
import re
from typing import Any

from osiris.compiler.document import Place
from osiris.compiler.params import Params
from osiris.compiler.problem import did_you_mean, listed
from osiris.compiler.scalar_position import offset_in
from osiris.core.placeholders import PLACEHOLDER, has_placeholder

_REFERENCE = re.compile(r"\$\$\{|\$\{params\.(?P<name>[^}]{0,200})\}")
_ODD = re.compile(r"\$\{[\w.-]*")
_ESCAPE = "$${"


class ParamFiller:
    """Fills params into configurations and remembers which were used."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self.used: set[str] = set()

    def fill(self, place: Place) -> Any:
        """Return a value as plain data with its references filled in; report wrong references.

        A reference to a param without a value stays as it is; `unknown_until_run` tells.
        """
        if place.node.mapping is not None:
            return {self._key(place, key): self.fill(member) for key, member in place.members()}
        if place.node.items is not None:
            return [self.fill(item) for item in place.items()]
        return self._text(place) if isinstance(place.value, str) else place.value

    def _key(self, place: Place, key: str) -> str:
        if "${" in key.replace(_ESCAPE, ""):
            place.key_error(key, "nothing is filled into a key", "write the key out, or $${")
        return key

    def _text(self, place: Place) -> Any:
        text: str = place.value
        if "${" not in text:
            return text
        whole = _REFERENCE.fullmatch(text)
        if whole and whole["name"] is not None:
            return self._value(whole, place)
        _check_placeholders(_REFERENCE.sub(_masked, text), place)
        return _REFERENCE.sub(lambda match: self._written_out(match, place), text)

    def _value(self, match: re.Match[str], place: Place) -> Any:
        name = match["name"]
        self.used.add(name)
        if name in self._params.values:
            return self._params.values[name]
        if name not in self._params.declared:
            declared = self._params.declared
            hint = (
                did_you_mean(name, declared)
                or f"the pipeline's params: {listed(declared) or 'none'}"
            )
            mark = offset_in(place, match.start())
            place.error(f"there is no param {name!r}", hint, mark=mark)
        return match[0]

    def _written_out(self, match: re.Match[str], place: Place) -> str:
        if match["name"] is None:
            return match[0]
        value = self._value(match, place)
        return value if isinstance(value, str) else json.dumps(value)


def _masked(match: re.Match[str]) -> str:
    return "_" if match["name"] is not None else match[0]


def unknown_until_run(value: Any) -> bool:
    """Tell whether a value holds something not known yet, so that its type cannot be checked."""
    if isinstance(value, str):
        return "${" in value and (has_placeholder(value) or _REFERENCE.search(value) is not None)
    if isinstance(value, dict):
        return any(unknown_until_run(item) for item in value.values())
    return isinstance(value, list) and any(unknown_until_run(item) for item in value)


def check_placeholders(place: Place) -> None:
    """Report what begins like a placeholder and is none, in a text or anywhere below."""
    for inner in place.inside():
        if isinstance(inner.value, str) and "${" in inner.value:
            _check_placeholders(inner.value, inner)


def _check_placeholders(text: str, place: Place) -> None:
    odd = _ODD.search(PLACEHOLDER.sub(" ", text))
    if odd is None:
        return
    # No more than the name is shown: what follows it may be a secret that lacks its `:-`.
    offset = str(place.value).find(odd[0])
    mark = offset_in(place, offset) if offset >= 0 else None
    hint = "write ${NAME} or ${NAME:-default} for an environment variable, $${ for a literal ${"
    place.error(f"{odd[0]!r} begins no placeholder that is known here", hint, mark=mark)
