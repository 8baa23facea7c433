"""`osiris logs`: which runs there were, what happened in one, what to keep of them."""

import click

from osiris.cli import options
from osiris.cli.lazy_group import LazyGroup, Verb

VERBS = {
    "list": Verb("osiris.cli.logs_list:list_command", "List the project's runs, newest first."),
    "show": Verb("osiris.cli.logs_show:show_command", "Show a run, over or in progress."),
    "html": Verb("osiris.cli.logs_html:html_command", "Write a run as a page for a browser."),
    "bundle": Verb("osiris.cli.logs_bundle:bundle_command", "Put a run's records into one zip."),
    "gc": Verb("osiris.cli.logs_gc:gc_command", "Remove old runs and what was compiled for them."),
}


@click.group(
    "logs",
    cls=LazyGroup,
    verbs=VERBS,
    epilog=options.epilog("osiris logs list", "osiris logs show last"),
)
def logs_group() -> None:
    """List runs, show what happened in one, and remove old ones."""
