"""The program that runs in a sandbox: it checks, starts and watches the worker, and tells.

    unpack DIR           put what the bundle brings where it belongs; tell facts
    start DIR            unpack, if that has not been done, and start the worker, detached; a
                         second start does nothing
    pump DIR FROM LIFE   send the journal's lines from seq FROM on

DIR is the session's directory. Started as `remote.runner_command` says. Standard library only, with
all that it imports, up to the fork that becomes the worker.
"""

import fcntl
import json
import os
import sys
from pathlib import Path

from osiris.remote.journal_pump import pump
from osiris.remote.rpc_protocol import ProtocolError
from osiris.remote.session_paths import SessionPaths
from osiris.remote.supervisor import Supervisor, refuse
from osiris.remote.unpack import UnpackError, read_prepare, unpack

PROBLEMS = (OSError, UnpackError, ProtocolError)
"""What can be wrong with what was brought."""


def main() -> None:
    """Run one of the commands with the process's arguments."""
    command, directory, *rest = sys.argv[1:]
    paths = SessionPaths(Path(directory))
    if command == "unpack":
        print_unpacked(paths)
    elif command == "start":
        start(paths)
    elif command == "pump":
        pump(paths, int(rest[0]), float(rest[1]))
    else:
        sys.exit(f"unknown command {command!r}")


def print_unpacked(paths: SessionPaths) -> None:
    """Unpack and print the facts as JSON, or `{"problem": text}` when that is impossible."""
    try:
        facts = unpack(paths)
    except PROBLEMS as error:
        facts = {"problem": str(error)}
    sys.stdout.write(json.dumps(facts))


def start(paths: SessionPaths) -> None:
    """Start the runner as a process that outlives this one and everything it is connected to.

    Nothing happens when it runs already, or has run: whoever asks cannot always hear the answer.
    """
    lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if paths.journal.exists():
        return
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


def _detach() -> None:
    """Let go of the caller's input and output; the lock is kept until the end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
