"""How a command that failed says so: what is wrong, where, what to do; the exit code."""

import sys
from typing import Any, TextIO

import click

from osiris.cli import streams
from osiris.cli.crash import keep_traceback, trace_text
from osiris.cli.json_lines import speaks_json
from osiris.cli.problems import problem_lines
from osiris.cli.screen import document, harmless, is_terminal, note, note_json, styled
from osiris.core.errors import InternalError, OsirisError, UsageError


def show(error: Exception, *, as_json: bool, trace: bool) -> int:
    """Show what ended a command and return the exit code; `trace` adds the traceback to stderr."""
    if trace:
        note(harmless(trace_text(error)))
    told = error if isinstance(error, OsirisError) else _bug(error)
    if as_json:
        document({"error": error_data(told)})
    if speaks_json() or not as_json:
        note_error(told)
    return told.exit_code


def show_usage(error: click.ClickException, *, as_json: bool) -> int:
    """Show what is wrong with the command line, click's own words, and return exit code 2."""
    if not (as_json or speaks_json()):
        error.show(sys.stderr)
        return UsageError.exit_code
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see `{context.command_path} --help`" if context else None
    return show(UsageError(error.format_message(), hint=hint), as_json=as_json, trace=False)


def note_error(error: OsirisError) -> None:
    """Write an error to stderr: lines for a person, or one object {"type": "error", …}.

    Its `where` is the place of the first of the error's `problems`, as `file:line:column`.
    """
    if not speaks_json():
        for line in error_lines(error):
            note(line)
        return
    problems = getattr(error, "problems", ())
    where = problems[0].where if problems else None
    note_json("error", {**error_data(error), "where": where})


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
