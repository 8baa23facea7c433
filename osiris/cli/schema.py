"""`osiris schema`: the JSON Schema of pipelines, for editors."""

import click

from osiris.cli import options
from osiris.cli.screen import document
from osiris.compiler.oml_schema import oml_schema
from osiris.components.registry import ComponentRegistry


@click.command(
    epilog=options.epilog("osiris schema", "osiris schema > osiris.schema.json"),
)
@click.option("--json", is_flag=True, expose_value=False, help="The output is JSON anyway.")
def schema_command() -> int:
    """Print the JSON Schema (2020-12) of pipelines, the installed components' options included.

    An editor with a YAML language server completes and checks a pipeline whose first line is
    `# yaml-language-server: $schema=osiris.schema.json`.
    """
    document(oml_schema(ComponentRegistry()))
    return 0
