"""The third-party distributions that a manifest's components need, at the versions of this host."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, packages_distributions

from osiris.components.component import Component
from osiris.remote.component_code import OURS, CodePackage
from osiris.remote.dependency_check import normalized

_CORE = ("pydantic", "pyarrow")
_REQUIREMENT = re.compile(r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^\]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def required_packages(
    components: Iterable[Component], code: Iterable[CodePackage]
) -> dict[str, str]:
    """Return name and version of every distribution that must be beside the code itself.

    That is what the core imports, what the components name, the extra that brings it, what third
    parties' packages require, and what all of these require, as far as it is installed here: what
    is not installed here is not needed.
    """
    closure = _Closure()
    for name in _CORE:
        closure.add(name)
    for component in components:
        for module in component.packages:
            closure.add_module(module)
        if component.extra:
            closure.add_extra(_brings(component, code), component.extra)
    for package in code:
        if package.name != OURS:
            closure.add(package.name)
    travelling = {normalized(p.name) for p in code if p.name == OURS or p.is_pure}
    return {name: v for name, v in sorted(closure.versions.items()) if name not in travelling}


def _brings(component: Component, code: Iterable[CodePackage]) -> str:
    top = component.driver.partition(".")[0].partition(":")[0]
    for package in code:
        if any(root.stem == top for root in package.roots):
            return package.name
    return OURS


class _Closure:
    """Distributions and all they require; `versions` by normalized name."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self._extras: set[tuple[str, str]] = set()

    def add(self, name: str) -> None:
        """Add a distribution, if it is installed, with what it requires."""
        key = normalized(name)
        if key in self.versions:
            return
        try:
            distribution = Distribution.from_name(name)
        except PackageNotFoundError:
            return
        self.versions[key] = distribution.version
        for requirement in distribution.requires or ():
            if not _EXTRA.search(requirement):
                self._add_required(requirement)

    def add_module(self, module: str) -> None:
        """Add the distribution that brings a module."""
        before = len(self.versions)
        self.add(module)
        if len(self.versions) == before and normalized(module) not in self.versions:
            for name in packages_distributions().get(module, ()):
                self.add(name)

    def add_extra(self, name: str, extra: str) -> None:
        """Add what an extra of a distribution brings."""
        if (normalized(name), extra) in self._extras:
            return
        self._extras.add((normalized(name), extra))
        try:
            requires = Distribution.from_name(name).requires or ()
        except PackageNotFoundError:
            return
        for requirement in requires:
            if extra in _EXTRA.findall(requirement):
                self._add_required(requirement)

    def _add_required(self, requirement: str) -> None:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            return
        self.add(match["name"])
        for extra in (match["extras"] or "").split(","):
            if extra.strip():
                self.add_extra(match["name"], extra.strip())
