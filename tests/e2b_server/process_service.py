"""envd's `process.Process` service over a sandbox's commands; the wire part is the SDK's own."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from e2b.envd.process import process_pb as pb
from e2b.envd.process.process_connect import Process
from protobuf import Oneof

from tests.e2b_server.agent_link import SpawnRefusedError
from tests.e2b_server.commands import Command, End, Output, Subscriber
from tests.e2b_server.current import CURRENT, CurrentRequest

KEEPALIVE_HEADER = "keepalive-ping-interval"
DEFAULT_KEEPALIVE = 90.0
SIGNALS = {pb.Signal.SIGTERM, pb.Signal.SIGKILL}


class ProcessService(Process):
    """Serves whichever sandbox the current request belongs to.

    `keepalive` is switched off to be a server that sends none.
    """

    def __init__(self) -> None:
        self.keepalive = True

    async def list(
        self,
        request: pb.ListRequest,  # noqa: ARG002 - the service's signature
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - the service's signature
        /,
    ) -> pb.ListResponse:
        """Give the commands that run."""
        return pb.ListResponse(processes=[_info(c) for c in _table().running()])

    async def start(
        self, request: pb.StartRequest, ctx: RequestContext[Any, Any], /
    ) -> AsyncIterator[pb.StartResponse]:
        """Start a command and stream what it says while the client is attached."""
        current = CURRENT.get()
        config = request.process
        if config is None:
            raise ConnectError(Code.INVALID_ARGUMENT, "no process")
        envs = dict(config.envs)
        cwd = config.cwd if config.has_field("cwd") else ""
        timeout = ctx.timeout_ms
        try:
            command, subscriber = await current.sandbox.commands.start(
                [config.cmd, *config.args],
                envs=envs,
                whole_env=current.sandbox.environment(envs),
                cwd=str(Path(current.sandbox.home, cwd)),
                with_stdin=request.stdin if request.has_field("stdin") else True,
                deadline=None if timeout is None else timeout / 1000,
            )
        except SpawnRefusedError as error:
            raise ConnectError(Code.INVALID_ARGUMENT, str(error)) from None
        try:
            async for event in self._events(command, subscriber, current, ctx):
                yield pb.StartResponse(event=event)
        finally:
            command.detach(subscriber)

    async def connect(
        self, request: pb.ConnectRequest, ctx: RequestContext[Any, Any], /
    ) -> AsyncIterator[pb.ConnectResponse]:
        """Attach to a command: from now on, not from its beginning."""
        command = _find(request.process)
        subscriber = command.attach()
        try:
            async for event in self._events(command, subscriber, CURRENT.get(), ctx):
                yield pb.ConnectResponse(event=event)
        finally:
            command.detach(subscriber)

    async def send_signal(
        self,
        request: pb.SendSignalRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.SendSignalResponse:
        """Signal the direct child; only SIGTERM and SIGKILL are known."""
        command = _find(request.process)
        if request.signal not in SIGNALS:
            raise ConnectError(Code.UNIMPLEMENTED, f"invalid signal: {request.signal}")
        if command.end is None:
            _table().signal(command, int(request.signal))
        return pb.SendSignalResponse()

    async def send_input(
        self,
        request: pb.SendInputRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.SendInputResponse:
        """Write to a command's standard input."""
        await _write(_find(request.process), request.input)
        return pb.SendInputResponse()

    async def stream_input(
        self,
        request: AsyncIterator[pb.StreamInputRequest],
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.StreamInputResponse:
        """Write a stream of input in order; the first message names the command."""
        command: Command | None = None
        async for message in request:
            given: Any = message.event
            if given.field == "start":
                command = _find(given.value.process)
            elif given.field == "data" and command is not None:
                await _write(command, given.value.input)
        return pb.StreamInputResponse()

    async def close_stdin(
        self,
        request: pb.CloseStdinRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.CloseStdinResponse:
        """End a command's standard input."""
        _find(request.process).close_stdin()
        return pb.CloseStdinResponse()

    async def _events(
        self,
        command: Command,
        subscriber: Subscriber,
        current: CurrentRequest,
        ctx: RequestContext[Any, Any],
    ) -> AsyncIterator[pb.ProcessEvent]:
        """Give the start, then what comes while the client is there, then the end."""
        ended = command.end  # before the client was attached: it gets no output any more
        yield _event("start", pb.ProcessEvent.StartEvent(pid=command.pid))
        if ended is not None:
            yield _end(ended)
            return
        interval = float(ctx.request_headers.get(KEEPALIVE_HEADER) or DEFAULT_KEEPALIVE)
        while True:
            message = await _next(subscriber, current, interval if self.keepalive else None)
            if message is None:
                yield _event("keepalive", pb.ProcessEvent.KeepAlive())
            elif isinstance(message, End):
                yield _end(message)
                return
            else:
                yield _data(message)


async def _next(
    subscriber: Subscriber, current: CurrentRequest, interval: float | None
) -> Output | End | None:
    """Wait for a message; None when a keepalive is due; raises when the client has gone."""
    message = asyncio.ensure_future(subscriber.next())
    gone = asyncio.ensure_future(current.disconnected.wait())
    try:
        await asyncio.wait({message, gone}, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
        if message.done():
            return message.result()
        if gone.done():
            raise ConnectError(Code.CANCELED, "the client has gone")
        return None
    finally:
        message.cancel()
        gone.cancel()


def _table() -> Any:
    return CURRENT.get().sandbox.commands


def _find(selector: pb.ProcessSelector | None) -> Command:
    chosen = selector.selector if selector is not None else None
    if chosen is None or chosen.field != "pid":
        raise ConnectError(Code.UNIMPLEMENTED, "commands are found by pid")
    command: Command | None = _table().find(chosen.value)
    if command is None:
        raise ConnectError(Code.NOT_FOUND, f"process with pid {chosen.value} not found")
    return command


async def _write(command: Command, given: pb.ProcessInput | None) -> None:
    if command.stdin is None or command.end is not None:
        raise ConnectError(Code.FAILED_PRECONDITION, "stdin is not open")
    match given.input if given is not None else None:
        case Oneof(field="stdin", value=data):
            await asyncio.to_thread(_write_all, command.stdin, data)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _info(command: Command) -> pb.ProcessInfo:
    config = pb.ProcessConfig(
        cmd=command.argv[0], args=list(command.argv[1:]), envs=dict(command.envs), cwd=command.cwd
    )
    return pb.ProcessInfo(config=config, pid=command.pid)


def _event(field: Any, value: Any) -> pb.ProcessEvent:
    return pb.ProcessEvent(event=Oneof(field, value))


def _data(message: Output) -> pb.ProcessEvent:
    output: Any = Oneof(message.stream, message.data)
    return _event("data", pb.ProcessEvent.DataEvent(output=output))


def _end(end: End) -> pb.ProcessEvent:
    event = pb.ProcessEvent.EndEvent(
        exit_code=end.exit_code, exited=end.exited, status=end.status, error=end.error
    )
    return _event("end", event)
