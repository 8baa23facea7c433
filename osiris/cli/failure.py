"""How a command that failed says so: what is wrong, where, what to do; the exit code."""

import sys
from typing import Any, TextIO

import click

from osiris.cli import streams
from osiris.cli.crash import keep_traceback, trace_text
from osiris.cli.problems import problem_lines
from osiris.cli.screen import document, harmless, is_terminal, note, styled
from osiris.core.errors import InternalError, OsirisError, UsageError


def show(error: Exception, *, as_json: bool, trace: bool) -> int:
    """Show what ended a command and return the exit code; `trace` adds the traceback to stderr."""
    if trace:
        note(harmless(trace_text(error)))
    told = error if isinstance(error, OsirisError) else _bug(error)
    if as_json:
        document({"error": error_data(told)})
    else:
        for line in error_lines(told):
            note(line)
    return told.exit_code


def show_usage(error: click.ClickException, *, as_json: bool) -> int:
    """Show what is wrong with the command line, click's own words, and return exit code 2."""
    if as_json:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f"see `{context.command_path} --help`" if context else None
        document({"error": error_data(UsageError(error.format_message(), hint=hint))})
    else:
        error.show(sys.stderr)
    return UsageError.exit_code


def error_data(error: OsirisError) -> dict[str, Any]:
    """Return an error as `--json` shows it under the key `error`."""
    return {**error.to_dict(), "exit_code": error.exit_code}


def error_lines(error: OsirisError, stream: TextIO | None = None) -> list[str]:
    """Return an error as a person reads it on the stream (stderr by default)."""
    stream = stream or streams.stderr()
    lines = [f"{styled('error:', 'bad', stream)} {harmless(error.message)}"]
    # `osiris.api.InvalidPipelineError` has problems; importing it would cost every other error.
    lines += problem_lines(getattr(error, "problems", ()), stream=stream)
    if error.hint:
        lines.append(f"{styled('hint:', 'strong', stream)} {harmless(error.hint)}")
    if is_terminal(stream) and type(error).__module__.startswith("osiris."):
        lines.append(styled(f"more: osiris explain {error.code}", "dim", stream))
    return lines


def _bug(error: Exception) -> InternalError:
    place = keep_traceback(error)
    return InternalError(
        f"{type(error).__name__}: this is a bug in Osiris",
        hint=f"the traceback is in {place}" if place else "run it again with OSIRIS_DEBUG=1",
    )
