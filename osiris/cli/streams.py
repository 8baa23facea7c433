"""Where the program speaks: stdout and stderr, or copies of them once a run has the originals."""

import faulthandler
import os
import sys
from typing import TextIO

_kept: dict[str, TextIO] = {}


def keep_streams() -> None:
    """Speak through copies from now on: the descriptors 1 and 2 will be what steps print to.

    What is printed when the process crashes would be lost with it: the traceback is not.
    """
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:  # the program was started with the stream closed
            continue
        stream.flush()
        copy = os.dup(stream.fileno())
        _kept[name] = os.fdopen(copy, "w", encoding=stream.encoding, errors=stream.errors)
    if "stderr" in _kept:
        faulthandler.enable(_kept["stderr"])


def stdout() -> TextIO | None:
    """Return the stream for results; None when there is none."""
    return _kept.get("stdout") or sys.stdout


def stderr() -> TextIO | None:
    """Return the stream for everything else; None when there is none."""
    return _kept.get("stderr") or sys.stderr


def occupy_standard_descriptors() -> None:
    """See that no file of a run gets the number of a standard stream that was closed."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
