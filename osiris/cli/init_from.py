"""The files of a project that starts from what a connection leads to."""

from pathlib import Path

from osiris.cli.invocation import Invocation
from osiris.cli.new_pipeline import pipeline_text
from osiris.compiler.connection_edit import with_connection
from osiris.compiler.store import CONNECTIONS
from osiris.connections import connection_views
from osiris.core.discovery import Wanted
from osiris.core.errors import UsageError
from osiris.core.placeholders import placeholders
from osiris.discovery.discover import bounded, discover_connection
from osiris.discovery.pipeline import pipeline_of, slug_of
from osiris.project import Project

PIPELINE = "pipeline.yaml"
_MODELINE = "# yaml-language-server: $schema=osiris.schema.json\n"
_CONNECTIONS = (
    "# How to reach the databases that pipelines name; secrets are variables, never written.\n"
)
_ENVIRONMENT = (
    "# Copy this to .env and fill it in. What is set in the environment wins over that file.\n"
)


def beginning_from(
    ref: str, tables: tuple[str, ...], root: Path, invocation: Invocation
) -> dict[str, str]:
    """Look into a connection; return the files of a pipeline that copies its tables, by name.

    The connection is one of `root`'s own file, which then stays as it is, or one of the project
    that the command is called in. Raises what `discover_connection` raises.
    """
    own = (root / CONNECTIONS).exists()
    project = Project.at(root) if own else invocation.project()
    env = project.environment()
    with bounded(Wanted(base_dir=project.root, tables=tables)) as wanted:
        found = discover_connection(ref, project, env, wanted)
    family, _, alias = str(found.connection).removeprefix("@").partition(".")
    pipeline = pipeline_of([found], slug_of(root.absolute().name) or alias)
    if not pipeline["steps"]:
        raise UsageError(
            f"{ref} has no table that can be read", hint=f"see `osiris discover {ref}`"
        )
    fields = connection_views(project, env).named(ref).declared.fields
    variables = dict.fromkeys(name for name, _ in placeholders(fields))
    contents = {
        PIPELINE: _MODELINE + pipeline_text(pipeline, [found]),
        ".env.example": _ENVIRONMENT + "".join(f"{name}=\n" for name in variables),
    }
    if not own:
        contents[CONNECTIONS] = with_connection(_CONNECTIONS, family, alias, fields, CONNECTIONS)
    return contents
