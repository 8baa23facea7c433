"""Checking the described connections: strictly those a pipeline uses, the others as a warning."""

from collections.abc import Iterable
from dataclasses import dataclass

from osiris.compiler.component_source import BrokenComponentError, Registry, load
from osiris.compiler.connection_book import ConnectionBook, DeclaredConnection
from osiris.compiler.model_check import check_model
from osiris.compiler.problem import Problem, Report, did_you_mean, one_of
from osiris.compiler.references import check_placeholders
from osiris.compiler.secret_check import check_secrets
from osiris.components.component import Connection


@dataclass(frozen=True)
class UsedConnection:
    """A connection and the model of it that a step's component wants."""

    declared: DeclaredConnection
    model: type[Connection]


def check_connections(
    book: ConnectionBook,
    used: Iterable[UsedConnection],
    registry: Registry,
    report: Report,
    *,
    needed: bool,
) -> None:
    """Check every connection of the file and move what was found to `report`.

    What is wrong with a connection that no step uses is a warning; so is everything when the
    pipeline needs no connection at all.
    """
    refs = set()
    for use in used:
        refs.add(use.declared.ref)
        _check(use.declared, use.model)
    unused = [declared for declared in book.all() if declared.ref not in refs]
    for family in dict.fromkeys(declared.family for declared in unused):
        _check_unused(family, [d for d in unused if d.family == family], registry)
    idle = tuple(f"connections.{d.family}.{d.alias}" for d in unused)
    for problem in book.findings.errors:
        if needed and not _lies_in(problem, idle):
            report.error(problem)
        else:
            report.warn(problem)
    for problem in book.findings.warnings:
        report.warn(problem)


def _lies_in(problem: Problem, paths: tuple[str, ...]) -> bool:
    return problem.path in paths or problem.path.startswith(tuple(f"{path}." for path in paths))


def _check(declared: DeclaredConnection, model: type[Connection]) -> None:
    place, fields = declared.place, declared.fields
    check_placeholders(place)
    check_secrets(model, fields, place, declared.family)
    check_model(model, fields, place, what=f"a connection of {declared.family}")


def _check_unused(family: str, unused: list[DeclaredConnection], registry: Registry) -> None:
    # Those called like the family come first: there, as a rule, no other need be loaded.
    names = sorted(registry.names(), key=lambda name: name.partition(".")[0] != family)
    models = (_connection_model(registry, name, family) for name in names)
    model = next(filter(None, models), None)
    families = sorted({name.partition(".")[0] for name in names})
    if model is None and family not in families:
        hint = did_you_mean(family, families) or f"there are families {one_of(families)}"
        unused[0].place.warn(f"no component is of the family {family!r}", hint)
        return
    for declared in unused:
        if model is None:
            declared.place.warn(f"no component of the family {family!r} takes a connection")
        else:
            _check(declared, model)


def _connection_model(registry: Registry, name: str, family: str) -> type[Connection] | None:
    try:
        component = load(registry, name)
    except BrokenComponentError:
        return None  # no step uses it, or that was reported where it is used
    return component.connection if component.connection_family == family else None
