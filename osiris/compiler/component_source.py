"""Finding the component that a pipeline names, and saying so when there is none."""

from collections.abc import Iterator
from typing import Protocol

from osiris.compiler.document import Place
from osiris.compiler.problem import did_you_mean, one_of
from osiris.components.component import Component, Mode


class Registry(Protocol):
    """The components there are; `osiris.components.registry.ComponentRegistry` is one."""

    def names(self) -> list[str]:
        """Return the names of all components."""

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a component of this name."""

    def __getitem__(self, name: str) -> Component:
        """Return the component; may raise what its import raises."""

    def __iter__(self) -> Iterator[Component]:
        """Iterate over all components."""


class BrokenComponentError(Exception):
    """A component is registered and cannot be imported; the text says why."""


# What the import of somebody's package raises when the package is broken.
_BROKEN = (ImportError, AttributeError, LookupError, NameError, OSError, RuntimeError, SyntaxError)


def load(registry: Registry, name: str) -> Component:
    """Return a registered component; raise `BrokenComponentError` when it cannot be imported."""
    try:
        return registry[name]
    except (*_BROKEN, TypeError, ValueError) as error:
        raise BrokenComponentError(f"{type(error).__name__}: {error}") from error


def find_component(
    registry: Registry, name: str, place: Place, mode: Mode | None, mode_place: Place | None
) -> Component | None:
    """Return the component a step names; report an unknown or broken one and a wrong mode."""
    if name not in registry:
        names = registry.names()
        hint = did_you_mean(name, names) or f"installed are {one_of(names)}"
        place.error(f"there is no component {name!r}", hint)
        return None
    try:
        component = load(registry, name)
    except BrokenComponentError as error:
        place.error(f"component {name!r} cannot be loaded: {error}", "reinstall its package")
        return None
    if mode is not None and mode_place is not None and mode not in component.modes:
        fitting = " or ".join(sorted(component.modes))
        mode_place.error(f"{name} cannot {mode}", f"write mode: {fitting}")
    return component
