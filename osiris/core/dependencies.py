"""Whether the packages that a manifest's components need are there, before anything runs."""

from collections.abc import Iterable

from osiris.core import events as ev
from osiris.core.driver_registry import DriverRegistry, missing_dependency
from osiris.core.errors import MissingDependencyError
from osiris.core.records import Emit


def check_dependencies(components: Iterable[str], registry: DriverRegistry, emit: Emit) -> None:
    """Look for every package and record it; raise `MissingDependencyError` with all missing."""
    required: set[str] = set()
    missing: set[str] = set()
    errors: list[MissingDependencyError] = []
    for name in components:
        component = registry.component(name)
        required |= set(component.packages)
        absent = registry.missing_packages(name)
        if absent:
            missing |= set(absent)
            errors.append(missing_dependency(component, absent))
    emit(
        ev.DependencyCheck(
            required=sorted(required),
            present=sorted(required - missing),
            missing=sorted(missing),
        )
    )
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise MissingDependencyError(
            "packages are missing: " + "; ".join(error.message for error in errors),
            hint="; ".join(dict.fromkeys(error.hint or "" for error in errors)),
        )
