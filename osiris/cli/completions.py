"""What a shell may complete an argument with: names of runs, connections and components.

A key press must not wait: nothing is imported that is not needed, and whatever goes wrong means no
proposals, not a message between the words somebody types.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from osiris.cli.invocation import Invocation

if TYPE_CHECKING:
    from osiris.project import Project

_MOST = 100

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _proposing(names: "Callable[[Project], Iterable[str]]") -> Complete:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001 - click's signature
        try:
            project = Invocation(ctx.find_root().params.get("project")).project()
            fitting = [name for name in names(project) if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - see the module's docstring
            return []
        return [CompletionItem(name) for name in fitting[:_MOST]]

    return complete


def _runs(project: "Project") -> list[str]:
    from osiris.report.find_runs import (  # noqa: PLC0415 - only this completion needs it
        LAST,
        run_directories,
    )

    return [LAST, *(path.name for path in run_directories(project.root))]


def _connections(project: "Project") -> list[str]:
    from osiris.compiler.connection_book import ConnectionBook  # noqa: PLC0415 - as above
    from osiris.compiler.store import read_connections  # noqa: PLC0415 - as above

    return [declared.ref for declared in ConnectionBook(read_connections(project.root)).all()]


def _components(project: "Project") -> list[str]:  # noqa: ARG001 - installed, not the project's
    from osiris.components.registry import ComponentRegistry  # noqa: PLC0415 - as above

    return list(ComponentRegistry().names())


def _error_codes(project: "Project") -> list[str]:  # noqa: ARG001 - the same for every project
    from osiris.cli.explain import explanations  # noqa: PLC0415 - as above

    return list(explanations())


runs = _proposing(_runs)
connections = _proposing(_connections)
components = _proposing(_components)
error_codes = _proposing(_error_codes)


def connections_or_files(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Propose connections for what begins with @, both for nothing, files for the rest."""
    found = connections(ctx, param, incomplete) if incomplete[:1] in {"", "@"} else []
    # Files first: to bash their item clears what came before it.
    return found if incomplete.startswith("@") else [CompletionItem(incomplete, "file"), *found]
