"""`osiris_connections.yaml`: which connections there are, and what a pipeline's reference means.

`connections: {family: {alias: {field: value, …}}}`. A reference is `@family.alias`, or `@family`
for the family's default: the connection with `default: true`, or the one called `default`.
"""

import re
from dataclasses import dataclass
from typing import Any

from osiris.compiler.document import Place
from osiris.compiler.problem import Report, did_you_mean, one_of
from osiris.compiler.shape import check_keys, kind, mapping
from osiris.compiler.yaml_reader import read_yaml

_REFERENCE = re.compile(r"@(?P<family>[A-Za-z0-9_-]+)(?:\.(?P<alias>[A-Za-z0-9_-]+))?")
_DEFAULT = "default"


@dataclass(frozen=True)
class DeclaredConnection:
    """One connection of the file; `fields` are its values as written, without `default`."""

    family: str
    alias: str
    place: Place
    fields: dict[str, Any]
    default: bool

    @property
    def ref(self) -> str:
        """The full reference to it."""
        return f"@{self.family}.{self.alias}"


class ConnectionBook:
    """The connections by family and alias.

    `findings` is the report of everything found while reading the file. It belongs to the
    pipeline only when the pipeline uses a connection.
    """

    def __init__(self, source: tuple[bytes, str] | None) -> None:
        self.filename = source[1] if source else None
        self.findings = Report()
        self.families: dict[str, dict[str, DeclaredConnection]] = {}
        root = read_yaml(*source, self.findings, private=True) if source else None
        self.readable = source is None or root is not None
        if root is not None:
            self._read(root)

    def _read(self, root: Place) -> None:
        what = "the file of connections"
        if not check_keys(root, allowed=("connections",), required=("connections",), what=what):
            return
        block = mapping(root.get("connections"), "connections")
        for family, members in block.members() if block else ():
            aliases = mapping(members, f"the family {family!r}")
            self.families[family] = {
                alias: _declared(family, alias, place)
                for alias, place in (aliases.members() if aliases else ())
                if mapping(place, "a connection") is not None
            }

    def all(self) -> list[DeclaredConnection]:
        """Return every connection of the file."""
        return [found for family in self.families.values() for found in family.values()]

    def resolve(self, ref: Any, place: Place, family: str) -> DeclaredConnection | None:
        """Return the connection that `ref` means; report a wrong reference at `place`."""
        match = _REFERENCE.fullmatch(ref) if isinstance(ref, str) else None
        example = f"@{family}.{next(iter(self.families.get(family, {})), 'alias')}"
        if match is None:
            found = "this text" if isinstance(ref, str) else kind(place.value)
            message = f"a connection is a reference like {example!r}, not {found}"
            place.error(message, "describe the connection itself in osiris_connections.yaml")
            return None
        if match["family"] != family:
            hint = did_you_mean(match["family"], [family]) or f"write {example!r}"
            place.error(f"{ref!r} is of another family; this component takes {family!r}", hint)
            return None
        if not self.readable:
            return None  # what is wrong with the file is reported already
        return self._lookup(family, match["alias"], place)

    def _lookup(self, family: str, alias: str | None, place: Place) -> DeclaredConnection | None:
        known = self.families.get(family, {})
        if alias is None:
            return self._default(family, place)
        if alias in known:
            return known[alias]
        ref = f"@{family}.{alias}"
        place.error(f"there is no connection {ref!r}", self._hint(family, alias))
        return None

    def _hint(self, family: str, alias: str) -> str:
        if self.filename is None:
            return "write osiris_connections.yaml; `osiris init` makes one to start from"
        close = did_you_mean(alias, self.families.get(family, {}))
        if close:
            return close.replace("'", f"'@{family}.", 1)
        refs = one_of(found.ref for found in self.all() if found.family == family)
        return f"{self.filename} has connections of family {family!r}: {refs}"

    def _default(self, family: str, place: Place) -> DeclaredConnection | None:
        known = self.families.get(family, {})
        marked = [found for found in known.values() if found.default]
        candidates = marked or [found for found in known.values() if found.alias == _DEFAULT]
        if len(candidates) == 1:
            return candidates[0]
        if marked:
            listed = ", ".join(found.alias for found in marked)
            message = f"'@{family}' is ambiguous: {listed} have default: true"
            place.error(message, "leave default: true to one of them")
        else:
            hint = (
                f"name one of {', '.join(found.ref for found in known.values())}" if known else None
            )
            message = f"there is no default connection of family {family!r}"
            place.error(message, hint or self._hint(family, _DEFAULT))
        return None


def _declared(family: str, alias: str, place: Place) -> DeclaredConnection:
    fields = {key: member.node.plain() for key, member in place.members() if key != _DEFAULT}
    flag = place.get(_DEFAULT)
    if flag is not None and not isinstance(flag.value, bool):
        flag.error(f"default must be true or false, not {kind(flag.value)}")
    return DeclaredConnection(family, alias, place, fields, flag is not None and flag.value is True)
