"""Finding components by name through the entry points of the installed packages."""

from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import EntryPoint

from osiris.components.component import Component
from osiris.components.entry_points import offered

GROUP = "osiris.components"


class ComponentRegistry:
    """Every component the installed packages offer; each is imported when first asked for."""

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in offered(GROUP)}

    @cached_property
    def _loaded(self) -> dict[str, Component]:
        return {}

    def names(self) -> list[str]:
        """Return the names of all components, sorted."""
        return sorted(self._entry_points)

    def __contains__(self, name: str) -> bool:
        """Tell whether a component of this name is installed."""
        return name in self._entry_points

    def __getitem__(self, name: str) -> Component:
        """Return the component; raise `KeyError` for an unknown name.

        A component whose module cannot be imported raises what the import raised.
        """
        if name not in self._loaded:
            component = self._entry_points[name].load()
            if not isinstance(component, Component):
                msg = f"entry point {name!r} in group {GROUP} is not a Component"
                raise TypeError(msg)
            self._loaded[name] = component
        return self._loaded[name]

    def __iter__(self) -> Iterator[Component]:
        """Iterate over all components in the order of their names."""
        return (self[name] for name in self.names())
