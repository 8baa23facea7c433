"""From a component's name to the driver class that runs it."""

import importlib
import importlib.util

from osiris.components.component import Component
from osiris.components.entry_points import offered
from osiris.components.registry import GROUP, ComponentRegistry
from osiris.core.driver import Driver
from osiris.core.errors import ComponentError, MissingDependencyError
from osiris.version import DISTRIBUTION


class DriverRegistry:
    """The drivers of the installed components; each is imported when first asked for."""

    def __init__(self, components: ComponentRegistry | None = None) -> None:
        self.components = components or ComponentRegistry()

    def component(self, name: str) -> Component:
        """Return the component; raise `ComponentError` when it is unknown or its package broken."""
        if name not in self.components:
            raise ComponentError(
                f"component {name!r} is not installed",
                hint=f"installed are: {', '.join(self.components.names())}",
            )
        try:
            return self.components[name]
        except (ImportError, AttributeError, TypeError) as error:
            raise ComponentError(
                f"component {name!r} cannot be loaded: {error}",
                hint="reinstall or upgrade the package that brings it",
            ) from error

    def missing_packages(self, name: str) -> list[str]:
        """Return the modules the component's driver needs that cannot be found."""
        return [p for p in self.component(name).packages if importlib.util.find_spec(p) is None]

    def driver(self, name: str) -> Driver:
        """Return a new driver for the component.

        Raises:
            ComponentError: when the component names a driver that is not there.
            MissingDependencyError: when a package the driver imports is not installed.

        """
        component = self.component(name)
        module_name, _, class_name = component.driver.partition(":")
        try:
            cls = getattr(importlib.import_module(module_name), class_name)
        except ModuleNotFoundError as error:
            raise missing_dependency(component, [error.name or str(error)]) from error
        except (ImportError, AttributeError) as error:
            raise ComponentError(
                f"component {name!r} names a driver that cannot be loaded: {error}",
                hint="reinstall or upgrade the package that brings it",
            ) from error
        driver: Driver = cls()
        return driver


def missing_dependency(component: Component, modules: list[str]) -> MissingDependencyError:
    """Return the error that says which packages are missing and how to get them."""
    return MissingDependencyError(
        f"component {component.name} needs {', '.join(modules)}, which is not installed",
        hint=f"pip install '{_what_brings(component, modules)}'",
    )


def _what_brings(component: Component, modules: list[str]) -> str:
    if not component.extra:
        return " ".join(modules)
    found = offered(GROUP).select(name=component.name)
    names = [entry.dist.name for entry in found if entry.dist is not None]
    return f"{names[0] if names else DISTRIBUTION}[{component.extra}]"
