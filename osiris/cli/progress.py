"""How a run goes, on stderr while it goes: a live table, or lines where nobody can see one."""

from collections.abc import Iterator
from contextlib import contextmanager

from osiris.cli import streams
from osiris.cli.plain_progress import PlainProgress
from osiris.cli.screen import is_terminal
from osiris.cli.verbose_progress import VerboseProgress
from osiris.core.manifest import Manifest
from osiris.core.records import Emit


@contextmanager
def observing(manifest: Manifest, *, verbose: bool, prefix: str = "") -> Iterator[Emit]:
    """Yield the observer for a run: every record, a live table on a terminal, else lines.

    Each of the lines that are shown of every record begins with `prefix`.
    """
    if verbose:
        yield VerboseProgress(prefix).take
    elif is_terminal(streams.stderr()):
        from osiris.cli.live_progress import (  # noqa: PLC0415 - rich costs a run 60 ms; only a terminal needs it
            LiveProgress,
        )

        with LiveProgress(manifest) as live:
            yield live.take
    else:
        yield PlainProgress().take
