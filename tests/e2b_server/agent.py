"""The first process of a test sandbox: starts commands, reaps them, and takes all with it.

Run as `python -S -E agent.py FD`, FD being one end of a SOCK_SEQPACKET pair; standard library
only. Requests: `{"op": "spawn", "id", "argv", "env", "cwd"}` with the descriptors of standard
input, output and error, and `{"op": "signal", "pid", "signal"}`. Answers: `{"event": "spawned",
"id", "pid"}`, `{"event": "failed", "id", "error"}`, `{"event": "exit", "pid", "status"}` with the
status of wait(2). When the other end closes, every descendant is killed.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_MESSAGE = 1 << 20
_OOM_SCORE_ADJ = b"100"


def descendants_of(root: int) -> Iterator[int]:
    """Give every process below one, whatever session or group it is in."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_bytes().rpartition(b") ")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    pending = children.pop(root, [])
    while pending:
        pid = pending.pop()
        yield pid
        pending += children.pop(pid, [])


def kill_all() -> None:
    """Kill every descendant until none is left."""
    while True:
        found = list(descendants_of(os.getpid()))
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _become(request: dict[str, Any], fds: list[int]) -> None:
    """Turn the forked child into the command; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(score, _OOM_SCORE_ADJ)
            os.close(score)
        os.chdir(request["cwd"])
        for target, fd in enumerate(fds):
            os.dup2(fd, target)
        os.closerange(3, 256)
        os.execve(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - it becomes the command
    finally:
        os._exit(127)


def _spawn(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    if not Path(request["cwd"]).is_dir():
        error = f"cwd '{request['cwd']}' does not exist"
        return {"event": "failed", "id": request["id"], "error": error}
    pid = os.fork()
    if pid == 0:
        _become(request, fds)
    return {"event": "spawned", "id": request["id"], "pid": pid}


def _answer(link: socket.socket, event: dict[str, Any]) -> None:
    link.send(json.dumps(event).encode())


def _handle(link: socket.socket) -> bool:
    """Carry out one request; False when the other end is closed."""
    message, fds, _flags, _address = socket.recv_fds(link, _MESSAGE, 3)
    if not message:
        return False
    request = json.loads(message)
    if request["op"] == "spawn":
        _answer(link, _spawn(request, fds))
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(request["pid"], request["signal"])
    for fd in fds:
        os.close(fd)
    return True


def _reap(link: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _answer(link, {"event": "exit", "pid": pid, "status": status})


def main(fd: int) -> None:
    """Serve one sandbox until the other end closes."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    link = socket.socket(fileno=fd)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        while True:
            ready, _, _ = select.select([link.fileno(), wake_read], [], [])
            if wake_read in ready:
                os.read(wake_read, 4096)
                _reap(link)
            if link.fileno() in ready and not _handle(link):
                break
    kill_all()


if __name__ == "__main__":
    main(int(sys.argv[1]))
