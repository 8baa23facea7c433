"""The reference of commands: usage, options and examples of each."""

import inspect
from collections.abc import Iterator

import click

from osiris.cli.main import cli
from osiris.cli.options import EXIT_CODES
from tools.docs.markdown import code, page, table

_INTRODUCTION = f"""
Results go to standard output, as text or with `--json` as one JSON document; progress, logs and
errors go to standard error. `NO_COLOR` is honoured; without a terminal the output is plain lines.

```text
{EXIT_CODES.replace(chr(8), "").strip()}
```
"""


def render() -> str:
    """Write the page."""
    return page("Commands", _INTRODUCTION, _sections(cli, click.Context(cli, info_name="osiris")))


def _sections(command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield _section(command, ctx)
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None and not inner.hidden:
                yield from _sections(inner, click.Context(inner, info_name=name, parent=ctx))


def _section(command: click.Command, ctx: click.Context) -> str:
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    parts = [f"## {ctx.command_path}", f"```text\n{usage}\n```", _paragraphs(command.help)]
    records = [param.get_help_record(ctx) for param in command.get_params(ctx)]
    rows = [(code(names), text) for names, text in filter(None, records)]
    parts.append(table(("option", "meaning"), rows))
    examples = [line for line in (command.epilog or "").splitlines() if line.startswith("  $ ")]
    if examples:
        shown = "\n".join(line.strip() for line in examples)
        parts.append(f"```console\n{shown}\n```")
    return "\n\n".join(parts)


def _paragraphs(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\b\n", "").strip()
