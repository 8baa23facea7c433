"""Everything the package defines, imported, so that its subclasses are known."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import TypeVar

import osiris
from osiris.components.registry import GROUP, ComponentRegistry

T = TypeVar("T", bound=type)


class OurComponents(ComponentRegistry):
    """The components of this package, whatever else is installed."""

    def names(self) -> list[str]:
        """Return the names of our components, sorted."""
        entries = entry_points(group=GROUP)
        return sorted(e.name for e in entries if e.value.startswith("osiris."))


def import_everything() -> None:
    """Import every module of the package, the optional ones included."""
    for module in pkgutil.walk_packages(osiris.__path__, "osiris."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def in_source_order(classes: Iterable[T]) -> list[T]:
    """Sort classes by where they are written: module, then line."""
    return sorted(classes, key=lambda cls: (cls.__module__, inspect.getsourcelines(cls)[1]))
