"""The program that runs in a sandbox: it checks, starts and watches the worker, and tells.

    start DIR            unpack, if that has not been done, and start the worker, detached; a
                         second start does nothing
    begin DIR            the same, but only when the packages are right; tell whether they are
    pump DIR FROM LIFE   send the journal's lines from seq FROM on

DIR is the session's directory. Started as `remote.runner_command` says. Standard library only, with
all that it imports, up to the fork that becomes the worker.
"""

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from osiris.remote.journal_pump import pump
from osiris.remote.rpc_protocol import ProtocolError
from osiris.remote.session_paths import SessionPaths
from osiris.remote.supervisor import Supervisor, refuse
from osiris.remote.unpack import UnpackError, read_prepare, readiness, unpack

PROBLEMS = (OSError, UnpackError, ProtocolError)
"""What can be wrong with what was brought."""

_PAUSE = 0.02


def main() -> None:
    """Run one of the commands with the process's arguments."""
    command, directory, *rest = sys.argv[1:]
    paths = SessionPaths(Path(directory))
    if command == "begin":
        sys.stdout.write(json.dumps(begin(paths)))
    elif command == "start":
        start(paths)
    elif command == "pump":
        pump(paths, int(rest[0]), float(rest[1]))
    else:
        sys.exit(f"unknown command {command!r}")


def begin(paths: SessionPaths) -> dict[str, Any]:
    """Unpack and start the worker; return `readiness`, or `{"problem": text}`.

    It is not started when packages are wrong that may not be installed. Whoever asks cannot always
    hear the answer, and asks again: the worker is started once all the same.
    """
    try:
        lock = _lock(paths)
        while lock is None and not paths.journal.exists():  # another one is at it
            time.sleep(_PAUSE)
            lock = _lock(paths)
        first = lock is not None and not paths.journal.exists()
        if first:
            unpack(paths)
        prepare = read_prepare(paths)
        facts = readiness(prepare)
    except PROBLEMS as error:
        return {"problem": str(error)}
    if first and lock is not None and (prepare.install_deps or not facts["wrong"]):
        _launch(paths, lock)
    return facts


def start(paths: SessionPaths) -> None:
    """Start the runner as a process that outlives this one and everything it is connected to.

    Nothing happens when it runs already, or has run: whoever asks cannot always hear the answer.
    """
    lock = _lock(paths)
    if lock is not None and not paths.journal.exists():
        _launch(paths, lock)


def _lock(paths: SessionPaths) -> int | None:
    """Return the lock that says that the runner lives; None while somebody else has it."""
    lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _launch(paths: SessionPaths, lock: int) -> None:
    """Return at once; a process that has let go of this one goes on as the runner."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    _detach()
    try:
        if not paths.layout.commands.exists():
            unpack(paths)
        supervisor = Supervisor(paths, read_prepare(paths), lock)
    except PROBLEMS as error:
        refuse(paths, str(error))
    else:
        supervisor.run()
    os._exit(0)


def _detach() -> None:
    """Let go of the caller's input and output; the lock is kept until the end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
