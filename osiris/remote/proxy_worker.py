"""The worker: the one engine, in a sandbox, with its records going to the runner's journal."""

import faulthandler
import os
import platform
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from osiris.core.cancel import CancelToken
from osiris.core.driver_registry import DriverRegistry
from osiris.core.engine import Engine
from osiris.core.errors import CancelledError, ComponentError, InternalError, OsirisError
from osiris.core.layout import RunLayout
from osiris.core.log_capture import LogCapture
from osiris.core.log_levels import every_logger
from osiris.core.manifest import Manifest
from osiris.core.masking import Masker
from osiris.core.run_options import RunOptions
from osiris.core.step_config import StepConfig, secrets_of
from osiris.remote.rpc_protocol import (
    PROTOCOL,
    CleanupCommand,
    Command,
    ExecStepCommand,
    PingCommand,
    PrepareCommand,
    Response,
    parse_command,
)
from osiris.remote.session_paths import SessionPaths
from osiris.remote.worker_channel import WorkerChannel
from osiris.version import VERSION

_OPTIONS = TypeAdapter(RunOptions)


class ProxyWorker:
    """Does what the commands say, one after the other, and answers each.

    Args:
        layout: the run's directory here.
        env: the variables that placeholders are filled from.
        channel: where records and answers go.
        cancel: switched when the run should stop.

    """

    def __init__(
        self,
        layout: RunLayout,
        env: Mapping[str, str],
        channel: WorkerChannel,
        cancel: CancelToken,
    ) -> None:
        self._layout = layout
        self._env = env
        self._channel = channel
        self._cancel = cancel
        self._engine: Engine | None = None

    def run(self, commands: Iterable[Command]) -> None:
        """Handle every command up to the first that fails."""
        for command in commands:
            try:
                answer = Response(cmd=command.cmd, data=self._handle(command))
            except OsirisError as error:
                self._channel.respond(Response(cmd=command.cmd, data={}, error=error.to_dict()))
                return
            self._channel.respond(answer)

    def _handle(self, command: Command) -> dict[str, Any]:
        match command:
            case PingCommand():
                return self.handle_ping()
            case PrepareCommand():
                return self.handle_prepare(command)
            case ExecStepCommand():
                return self.handle_exec_step(command)
            case CleanupCommand():
                return self.handle_cleanup()
        raise InternalError(f"no such command: {command.cmd}")

    def handle_ping(self) -> dict[str, Any]:
        """Say who is here."""
        return {"protocol": PROTOCOL, "osiris": VERSION, "python": platform.python_version()}

    def handle_prepare(self, command: PrepareCommand) -> dict[str, Any]:
        """Get the engine ready: the same one as everywhere, with the caller's options."""
        engine = Engine(
            layout=self._layout,
            base_dir=Path(command.base_dir),
            emit=self._channel.emit,
            env=dict(self._env),
            options=_OPTIONS.validate_python(command.options),
            cancel=self._cancel,
        )
        engine.start(Manifest.model_validate(command.manifest))
        self._engine = engine
        return {}

    def handle_exec_step(self, command: ExecStepCommand) -> dict[str, Any]:
        """Hand in one step; it starts as soon as it can."""
        self._ready().submit(command.step_id, StepConfig.model_validate(command.config))
        return {}

    def handle_cleanup(self) -> dict[str, Any]:
        """Wait until every step has ended."""
        self._ready().finish()
        return {}

    def _ready(self) -> Engine:
        if self._engine is None:
            raise InternalError("a step before prepare")
        return self._engine


def run_worker(paths: SessionPaths, records: int, control: int) -> None:
    """Be the worker of a session: read its commands and do them.

    Args:
        paths: the session's files.
        records: file descriptor that records are written to.
        control: file descriptor that says when to stop; its end means that the runner is dead.

    """
    faulthandler.enable()
    layout = paths.layout
    commands = [parse_command(line) for line in layout.commands.read_bytes().splitlines()]
    channel = WorkerChannel(records, Masker(_secrets(commands, os.environ)))
    cancel = CancelToken()
    threading.Thread(target=_hear, args=(control, cancel), name="control", daemon=True).start()
    capture = LogCapture(channel.emit)
    capture.install()
    with every_logger():
        ProxyWorker(layout, os.environ, channel, cancel).run(commands)
    capture.remove()
    channel.close()
    # Whatever threads a driver has left behind must not keep the run from ending.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _secrets(commands: Iterable[Command], env: Mapping[str, str]) -> list[str]:
    """Return the values that must not be written: of secret fields, and of variables named so."""
    registry = DriverRegistry()
    found: list[str] = []
    for command in commands:
        if isinstance(command, PrepareCommand):
            found += [value for name in command.secrets if (value := env.get(name))]
        elif isinstance(command, ExecStepCommand):
            config = StepConfig.model_validate(command.config)
            with suppress(ComponentError):  # told when the engine looks for it
                found += secrets_of(config, registry.component(config.component), env)
    return found


def _hear(control: int, cancel: CancelToken) -> None:
    """Stop when told to; end at once, with all children, when the runner is gone."""
    while os.read(control, 64):
        cancel.cancel(CancelledError("the run was stopped"))
    os.killpg(os.getpgrp(), signal.SIGKILL)
