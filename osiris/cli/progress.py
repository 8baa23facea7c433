"""How a run goes, on stderr while it goes: a live table, or lines where nobody can see one."""

from collections.abc import Iterator
from contextlib import contextmanager

from osiris.cli import streams
from osiris.cli.json_progress import JsonProgress
from osiris.cli.live_progress import LiveProgress
from osiris.cli.plain_progress import PlainProgress
from osiris.cli.screen import is_terminal
from osiris.cli.verbose_progress import VerboseProgress
from osiris.core.manifest import Manifest
from osiris.core.records import Emit, Record


@contextmanager
def observing(
    manifest: Manifest, *, verbose: bool, prefix: str = "", progress: str = "auto"
) -> Iterator[Emit]:
    """Yield the observer for a run.

    `progress` is `live`, `plain`, `json`, `none`, or `auto`: live on a terminal, else plain.
    `verbose` shows every record as a line that begins with `prefix`.
    """
    if progress == "json":
        yield JsonProgress().take
    elif verbose:
        yield VerboseProgress(prefix).take
    elif progress == "none":
        yield _say_nothing
    elif progress == "live" or (progress == "auto" and is_terminal(streams.stderr())):
        with LiveProgress(manifest) as live:
            yield live.take
    else:
        yield PlainProgress().take


def _say_nothing(record: Record) -> None:
    """Take a record and show nothing."""
