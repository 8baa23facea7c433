"""The server's end of a sandbox's agent: starts commands in it and hears when they end."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2b_server.back_ends import BackEnd, Box

_MESSAGE = 1 << 20


class SpawnRefusedError(Exception):
    """The agent could not start the command; the text says why."""


@dataclass(frozen=True)
class Spawned:
    """A command that was started: its pid in the sandbox, and its wait(2) status to come."""

    pid: int
    ended: asyncio.Future[int]


class AgentLink:
    """Belongs to one sandbox and to the server's event loop."""

    def __init__(self, back_end: BackEnd, box: Box) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._process = subprocess.Popen(
            back_end.agent_command(box, theirs.fileno()),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._number = 0
        self._spawning: dict[int, asyncio.Future[Spawned]] = {}
        self._running: dict[int, Spawned] = {}
        self._loop.add_reader(self._socket, self._read)

    async def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: str, fds: Sequence[int]
    ) -> Spawned:
        """Start a command with these three standard descriptors; raises `SpawnRefusedError`."""
        self._number += 1
        answer: asyncio.Future[Spawned] = self._loop.create_future()
        self._spawning[self._number] = answer
        request = {"op": "spawn", "id": self._number, "argv": argv, "env": env, "cwd": cwd}
        socket.send_fds(self._socket, [json.dumps(request).encode()], list(fds))
        return await answer

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to exactly this process."""
        self._socket.send(json.dumps({"op": "signal", "pid": pid, "signal": number}).encode())

    def close(self) -> None:
        """End the sandbox: the agent kills everything and goes."""
        if self._socket.fileno() == -1:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for answer in self._spawning.values():
            answer.cancel()
        for spawned in self._running.values():
            spawned.ended.cancel()

    def wait(self, timeout: float = 10) -> None:
        """Wait for the agent to be gone, from any thread."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def root_pid(self) -> int:
        """The process that everything in the sandbox descends from, as this machine numbers it."""
        return self._process.pid

    def _read(self) -> None:
        try:
            message = self._socket.recv(_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self.close()
            return
        self._note(json.loads(message))

    def _note(self, event: dict[str, Any]) -> None:
        if event["event"] == "exit":
            ended = self._running.pop(event["pid"], None)  # None: an orphan that was adopted
            if ended is not None:
                ended.ended.set_result(event["status"])
            return
        answer = self._spawning.pop(event["id"])
        if event["event"] == "failed":
            answer.set_exception(SpawnRefusedError(event["error"]))
            return
        spawned = Spawned(event["pid"], self._loop.create_future())
        self._running[spawned.pid] = spawned
        answer.set_result(spawned)
