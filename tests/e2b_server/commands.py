"""The commands of one sandbox, with the fan-out of their output as the real envd does it.

What is imitated (each has its test): output that nobody is attached to is lost; a consumer that
does not read blocks the command; a command that ended is remembered for 30 s, without its output;
a deadline kills the command, attached or not; a kill hits the direct child only.
"""

import asyncio
import os
import signal
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2b_server.agent_link import AgentLink, Spawned
from tests.e2b_server.clock import AdjustableClock

CHUNK = 32 * 1024
RETENTION_SECONDS = 30.0


@dataclass(frozen=True)
class Output:
    """A piece of a command's output; `stream` is `stdout` or `stderr`."""

    stream: str
    data: bytes


@dataclass(frozen=True)
class End:
    """How a command ended, as envd words it: signals give -1 and never 128 + n."""

    exit_code: int
    exited: bool
    status: str

    @property
    def error(self) -> str | None:
        """The same words, when it did not end well."""
        return None if self.status == "exit status 0" else self.status

    @classmethod
    def of_wait_status(cls, status: int) -> "End":
        """Read the status of wait(2)."""
        if os.WIFSIGNALED(status):
            name = {9: "killed", 15: "terminated"}.get(os.WTERMSIG(status), "aborted")
            return cls(-1, exited=False, status=f"signal: {name}")
        code = os.WEXITSTATUS(status)
        return cls(code, exited=True, status=f"exit status {code}")


class Subscriber:
    """One attached client; holds one message at most, so it slows the command to its own pace."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Output | End] = asyncio.Queue(1)
        self._gone = asyncio.Event()

    async def offer(self, message: Output | End) -> None:
        """Wait until the client takes the message or goes away."""
        put = asyncio.ensure_future(self._queue.put(message))
        gone = asyncio.ensure_future(self._gone.wait())
        await asyncio.wait({put, gone}, return_when=asyncio.FIRST_COMPLETED)
        put.cancel()
        gone.cancel()

    async def next(self) -> Output | End:
        """Wait for the next message."""
        return await self._queue.get()

    def leave(self) -> None:
        """Stop holding the command up."""
        self._gone.set()


@dataclass
class Command:
    """A command that was started in a sandbox."""

    argv: Sequence[str]
    envs: Mapping[str, str]
    cwd: str | None
    spawned: Spawned
    stdin: int | None
    end: End | None = None
    ended_at: float = 0.0
    subscribers: list[Subscriber] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """Its pid inside the sandbox."""
        return self.spawned.pid

    def attach(self) -> Subscriber:
        """Subscribe to what comes from now on."""
        subscriber = Subscriber()
        self.subscribers.append(subscriber)
        return subscriber

    def detach(self, subscriber: Subscriber) -> None:
        """Unsubscribe, and stop holding the command up."""
        subscriber.leave()
        self.subscribers.remove(subscriber)

    async def publish(self, message: Output | End) -> None:
        """Hand a message to whoever is attached now, one after another."""
        for subscriber in list(self.subscribers):
            await subscriber.offer(message)

    def close_stdin(self) -> None:
        """Let the command see the end of its input."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None


class CommandTable:
    """All commands of one sandbox, by pid; belongs to the server's event loop.

    `piece` is the size of the pieces that output comes in at most; a test may make it smaller.
    """

    def __init__(self, agent: AgentLink, clock: AdjustableClock) -> None:
        self._agent = agent
        self._clock = clock
        self._commands: dict[int, Command] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.piece = CHUNK

    async def start(
        self,
        argv: Sequence[str],
        *,
        envs: Mapping[str, str],
        whole_env: Mapping[str, str],
        cwd: str,
        with_stdin: bool,
        deadline: float | None,
    ) -> tuple[Command, Subscriber]:
        """Start a command, with a first subscriber that misses nothing."""
        theirs, ours = _pipes(with_stdin=with_stdin)
        try:
            spawned = await self._agent.spawn(argv, whole_env, cwd, theirs)
        except BaseException:
            for fd in ours.values():
                os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        command = Command(argv, envs, cwd, spawned, ours.pop("stdin", None))
        self._commands[command.pid] = command
        subscriber = command.attach()
        self._keep(self._run(command, ours))
        if deadline is not None:
            self._keep(self._kill_at(command, deadline))
        return command, subscriber

    def find(self, pid: int) -> Command | None:
        """Return a command that runs, or ended less than 30 s ago."""
        command = self._commands.get(pid)
        if command is None or command.end is None:
            return command
        return command if self._clock.now() - command.ended_at < RETENTION_SECONDS else None

    def running(self) -> list[Command]:
        """Return the commands that have not ended."""
        return [command for command in self._commands.values() if command.end is None]

    def signal(self, command: Command, number: int) -> None:
        """Signal the direct child, and only it."""
        self._agent.signal(command.pid, number)

    def close(self) -> None:
        """Stop reading; the agent sees to the processes."""
        for task in self._tasks:
            task.cancel()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, command: Command, pipes: Mapping[str, int]) -> None:
        readers = [self._read(command, name, fd) for name, fd in pipes.items()]
        await asyncio.gather(*readers)
        end = End.of_wait_status(await command.spawned.ended)
        command.end, command.ended_at = end, self._clock.now()
        command.close_stdin()
        await command.publish(end)

    async def _read(self, command: Command, stream: str, fd: int) -> None:
        """Read one pipe to its end, at the pace of the slowest subscriber."""
        reader = asyncio.StreamReader(CHUNK)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
        )
        try:
            while data := await reader.read(self.piece):
                await command.publish(Output(stream, data))
        finally:
            transport.close()

    async def _kill_at(self, command: Command, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if command.end is None:
            self.signal(command, signal.SIGKILL)


def _pipes(*, with_stdin: bool) -> tuple[list[int], dict[str, int]]:
    """Return the command's three descriptors, and our ends by name."""
    out_read, out_write = os.pipe()
    error_read, error_write = os.pipe()
    ours = {"stdout": out_read, "stderr": error_read}
    if with_stdin:
        stdin_read, ours["stdin"] = os.pipe()
    else:
        stdin_read = os.open(os.devnull, os.O_RDONLY)
    return [stdin_read, out_write, error_write], ours
