"""What the program says: results on stdout, everything else on stderr."""

import errno
import json
import os
import re
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TextIO

import click

from osiris.cli import streams
from osiris.cli.json_lines import json_line, speaks_json
from osiris.core.errors import UnwritableOutputError

Style = Literal["bad", "good", "warn", "dim", "strong"]

_STYLES: dict[Style, dict[str, Any]] = {
    "bad": {"fg": "red", "bold": True},
    "good": {"fg": "green"},
    "warn": {"fg": "yellow"},
    "dim": {"dim": True},
    "strong": {"bold": True},
}
_NOBODY_READS = {errno.EPIPE, errno.EIO}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return text from outside (data, records, messages) so that it cannot steer a terminal."""
    if text.isprintable():  # nearly always, and much quicker than the pattern
        return text
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person looks at the stream through a terminal that can move its cursor."""
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # the stream is closed
        return False


def styled(text: str, style: Style, stream: TextIO | None = None) -> str:
    """Return the text in a style where `stream` (stdout by default) shows colours.

    NO_COLOR (https://no-color.org), set to anything but the empty string, turns them off.
    """
    stream = stream or streams.stdout()
    if os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return click.style(text, **_STYLES[style])


def columns(stream: TextIO | None = None) -> int | None:
    """Return how many characters a line of the terminal holds; None when it is not a terminal."""
    stream = stream or streams.stdout()
    if stream is None or not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def result(text: str = "") -> None:
    """Write one line (or several) of a command's result to stdout.

    Nobody reading any more (`| head`, a terminal that was closed) is not a failure; a full disk
    is: `UnwritableOutputError`.
    """
    try:
        _write(streams.stdout(), text + "\n")
    except OSError as error:
        abandon(streams.stdout())
        if error.errno in _NOBODY_READS:
            return
        raise UnwritableOutputError(
            f"cannot write to standard output: {error.strerror}",
            hint="the command itself did its work; see where its output goes",
        ) from error


def document(data: Any) -> None:
    """Write a command's whole result to stdout as one JSON document."""
    utf8 = (getattr(streams.stdout(), "encoding", None) or "").lower().replace("-", "") == "utf8"
    result(json.dumps(data, indent=2, ensure_ascii=not utf8, default=str))


def note(text: str) -> None:
    """Write one line about how the work goes to stderr; that nobody can read it is no failure."""
    _note(json_line("note", {"message": text}) if speaks_json() else text)


def note_json(kind: str, data: dict[str, Any], ts: float | None = None) -> None:
    """Write one JSON object to stderr, `ts` in seconds since the epoch, by default now."""
    _note(json_line(kind, data, ts))


def notes_go_to(say: Callable[[str], None] | None) -> None:
    """Give the lines of `note` to whoever draws on stderr, or write them there again."""
    _Drawing.say = None if say is None else staticmethod(say)


class _Drawing:
    say: ClassVar[Callable[[str], None] | None] = None


def _note(text: str) -> None:
    say = _Drawing.say
    if say is None:
        draw(text + "\n")
    else:
        say(text)


def draw(text: str) -> None:
    """Write to stderr as it is, control sequences included; see `note`."""
    try:
        _write(streams.stderr(), text)
    except OSError:
        abandon(streams.stderr())


def abandon(stream: TextIO | None) -> None:
    """Point a stream that cannot be written any more to nowhere, so that its flush cannot fail."""
    if stream is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # the program was started with the stream closed
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
