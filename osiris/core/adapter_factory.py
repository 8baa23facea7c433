"""Finding adapters by name through the entry points of the installed packages."""

from typing import Any

from osiris.components.entry_points import offered
from osiris.core.errors import MissingDependencyError, UsageError
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.version import install_command

GROUP = "osiris.adapters"


def adapter_names() -> list[str]:
    """Return the names of all adapters, sorted."""
    return sorted(offered(GROUP).names)


def create_adapter(name: str, **options: Any) -> ExecutionAdapter:
    """Return the adapter of that name, made with its own options.

    Raises:
        UsageError: when there is none.
        MissingDependencyError: when a package it imports is not installed.

    """
    found = offered(GROUP).select(name=name)
    if not found:
        raise UsageError(
            f"there is no adapter {name!r}", hint=f"known are: {', '.join(adapter_names())}"
        )
    try:
        cls = next(iter(found)).load()
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"adapter {name!r} needs {error.name}, which is not installed",
            hint=install_command(name),
        ) from error
    adapter: ExecutionAdapter = cls(**options)
    return adapter
