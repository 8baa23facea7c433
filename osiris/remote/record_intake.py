"""What the host does with each record of the journal: check it, keep it, hand it on."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from osiris.core.errors import MissingDependencyError, OsirisError, error_from_dict
from osiris.core.events import Event
from osiris.core.session import SessionContext
from osiris.core.sound import is_sound
from osiris.remote.artifact_fetch import ArtifactFetch
from osiris.remote.errors import (
    HostileSandboxError,
    ProtocolVersionError,
    SandboxError,
    WorkerDiedError,
)
from osiris.remote.path_names import PathNames
from osiris.remote.record_guard import RecordGuard
from osiris.remote.record_wire import from_wire
from osiris.remote.rpc_protocol import PROTOCOL, Envelope, PingCommand
from osiris.remote.sandbox_events import SandboxWorkerEnded, SandboxWorkerStarted


class RecordIntake:
    """Takes the records one after the other, in their order.

    Attributes:
        error: what the worker could not do at all, or None.
        answered: the commands that it answered, in order.
        closed: how the worker ended, as the runner tells it; None while it has not.

    """

    def __init__(
        self, session: SessionContext, guard: RecordGuard, fetch: ArtifactFetch, names: PathNames
    ) -> None:
        self._session = session
        self._guard = guard
        self._fetch = fetch
        self._names = names
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "opened": self._opened,
            "response": self._response,
            "missing": lambda data: self._refused(missing_packages(data["packages"])),
            "problem": lambda data: self._refused(cannot_take(data["text"])),
            "heartbeat": lambda _data: None,
            "lost": _lost,
            "closed": self._closed,
        }
        self.error: OsirisError | None = None
        self.answered: list[str] = []
        self.closed: dict[str, Any] | None = None

    def take(self, envelope: Envelope) -> None:
        """Take one record.

        Raises `HostileSandboxError` for one that cannot be believed, `ProtocolVersionError`, and
        `WorkerDiedError` when the journal will never end.
        """
        data = self._names.translate(envelope.data)
        handle = self._handlers.get(envelope.type)
        try:
            if handle is None:
                self._record(envelope.type, envelope.ts, data)
            else:
                handle(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HostileSandboxError(
                f"record {envelope.seq} of type {envelope.type!r:.40} is none: {error}"
            ) from error

    def keep(self, event: Event) -> None:
        """Keep an event that the host itself has to tell of a step."""
        self._session.emit(event)
        self._fetch.take(event)

    def _record(self, kind: str, ts: float, data: dict[str, Any]) -> None:
        record = from_wire(kind, ts, data)
        self._guard.check(record)
        self._session.emit(record)
        if isinstance(record, Event):
            self._fetch.take(record)

    def _opened(self, data: dict[str, Any]) -> None:
        check_protocol(data["protocol"])
        python = str(data["python"])[:100]
        self._session.log_event(SandboxWorkerStarted(protocol=PROTOCOL, python=python))

    def _refused(self, error: OsirisError) -> None:
        self.error = self.error or error

    def _closed(self, data: dict[str, Any]) -> None:
        self._session.log_event(worker_ended(data))
        self.closed = data

    def _response(self, data: dict[str, Any]) -> None:
        cmd, error = data["cmd"], data["error"]
        if not self.answered and cmd != PingCommand.cmd:
            raise HostileSandboxError(f"the first answer is to {cmd!r:.40}, not to the ping")
        if cmd == PingCommand.cmd and error is None:
            check_protocol(data["data"]["protocol"])
        if error is not None:
            self._refused(error_from_dict(error))
        self.answered.append(cmd)


def _lost(data: dict[str, Any]) -> None:
    raise WorkerDiedError(
        f"{data['why']}, without a word of how the worker ended",
        hint="it was killed, or its disk is full; debug.log has what it said",
    )


def worker_ended(closed: dict[str, Any]) -> SandboxWorkerEnded:
    """Return the event that tells how the worker ended; raise ValueError for what cannot be."""
    told = {
        item.name: closed[item.name] for item in fields(SandboxWorkerEnded) if item.name != "ts"
    }
    event = SandboxWorkerEnded(**told)
    if not is_sound(event) or not isinstance(closed["left"], dict):
        raise ValueError(f"the worker cannot have ended so: {told!r:.300}")
    return event


def check_protocol(version: object) -> None:
    """Raise `ProtocolVersionError` unless the other end speaks this version."""
    if version != PROTOCOL:
        raise ProtocolVersionError(
            f"the sandbox speaks version {version!r:.40} of the protocol, this host {PROTOCOL}",
            hint="build the sandbox's template again with this version of Osiris",
        )


def cannot_take(problem: object) -> SandboxError:
    """Return the error for what was brought and cannot be used."""
    return SandboxError(
        f"the sandbox cannot take what was brought: {problem!s:.1000}",
        hint="a path outside of the project may not be writable there; is its disk full?",
    )


def missing_packages(packages: dict[str, str | None]) -> MissingDependencyError:
    """Return the error that lists what is missing or wrong in the sandbox."""
    told = [
        f"{name} is {found}" if found else f"{name} is missing" for name, found in packages.items()
    ]
    return MissingDependencyError(
        "the sandbox does not have what this host runs with: " + ", ".join(told),
        hint="--e2b-install-deps installs it for the run; `osiris e2b build-template` for all runs",
    )
