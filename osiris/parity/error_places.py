"""Which logs tell an error that the records hold."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from osiris.core import events as ev
from osiris.core.regular_file import UnusableFileError, open_regular_file
from osiris.parity.aspects import Aspect
from osiris.parity.comparison import Findings
from osiris.parity.evidence import Evidence

_CHUNK = 1024 * 1024
_ENOUGH = 1000
"""Characters of a message by which it is known."""
_NONE = "no log"


def compare_error_places(a: Evidence, b: Evidence, findings: Findings) -> None:
    """Compare in which logs the message of each error stands."""
    one, other = _places(a), _places(b)
    findings.shows(Aspect.ERROR_LOCATION, _told(one), _told(other))
    for where in dict.fromkeys((*one, *other)):
        left, right = one.get(where), other.get(where)
        if left != right:
            findings.differs(Aspect.ERROR_LOCATION, where, left, right)


def _places(run: Evidence) -> dict[str, str]:
    """Return the names of the logs that tell it, for each error of a step and of the run."""
    messages = dict(_messages(run))
    logs = (run.layout.log, run.layout.debug_log)
    seen = {path.name: _told_in(path, messages.values()) for path in logs}
    return {
        where: ", ".join(name for name, told in seen.items() if message in told) or _NONE
        for where, message in messages.items()
    }


def _messages(run: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield the beginning of each error's message, as a log has it."""
    for event in run.events.items:
        if event.get("event") == ev.StepFailed.name:
            yield from _message(f"step {event.get('step_id')}", event.get("error"))
    error = run.status.get("error")
    if isinstance(error, dict) and "step_id" not in error:
        yield from _message("run", error)


def _message(where: str, error: object) -> Iterator[tuple[str, bytes]]:
    text = error.get("message") if isinstance(error, dict) else None
    if isinstance(text, str) and text.strip():
        line = text.strip().splitlines()[0][:_ENOUGH]
        yield where, line.encode("utf-8", "backslashreplace")


def _told_in(log: Path, messages: Iterable[bytes]) -> set[bytes]:
    """Return the messages that stand in a log, read piece by piece."""
    pending, found = set(messages), set()
    overlap = max(map(len, pending), default=0)
    try:
        with open_regular_file(log) as file:
            before = b""
            while pending and (piece := file.read(_CHUNK)):
                here = before + piece
                told = {message for message in pending if message in here}
                found |= told
                pending -= told
                before = here[-overlap:]
    except (OSError, UnusableFileError):
        return found
    return found


def _told(places: dict[str, str]) -> str:
    return "; ".join(dict.fromkeys(places.values())) or "no error"
