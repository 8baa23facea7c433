"""One run in a sandbox, from its creation to its end; nothing that runs a step is decided here."""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

from osiris.core.errors import OsirisError
from osiris.core.execution_adapter import PreparedRun
from osiris.remote.artifact_fetch import ArtifactFetch
from osiris.remote.artifact_paths import ArtifactPaths
from osiris.remote.bundle import BundleWriter
from osiris.remote.choices import SandboxChoices
from osiris.remote.delivery import Delivery
from osiris.remote.errors import SandboxError
from osiris.remote.file_carrier import FileCarrier, LinkCarrier, PartsCarrier
from osiris.remote.freight import Freight
from osiris.remote.journal_stream import JournalStream
from osiris.remote.outcome import end_steps, what_went_wrong
from osiris.remote.path_names import PathNames
from osiris.remote.patience import Patience
from osiris.remote.record_guard import RecordGuard
from osiris.remote.record_intake import RecordIntake
from osiris.remote.sandbox import Sandbox, SandboxProvider, SandboxSpec, SharesFiles
from osiris.remote.sandbox_events import (
    SandboxArtifactsFetched,
    SandboxCreated,
    SandboxKept,
    SandboxKilled,
    SandboxKillFailed,
    SandboxReconnected,
)
from osiris.remote.session_paths import SessionPaths
from osiris.remote.target_copies import TargetCopies
from osiris.remote.target_files import names_of_copies
from osiris.remote.upkeep import Upkeep
from osiris.remote.watchdog import Watchdog

_LOG = logging.getLogger("osiris.sandbox")
_TO_HEAR = 10.0
"""Seconds in which the end of a worker that was told to stop must have been heard."""


class SandboxRun:
    """The life cycle of one sandbox.

    Args:
        prepared: what to run.
        provider: makes the sandbox.
        choices: the caller's.

    """

    def __init__(
        self, prepared: PreparedRun, provider: SandboxProvider, choices: SandboxChoices
    ) -> None:
        self._prepared = prepared
        self._provider = provider
        self._choices = choices
        self._session = prepared.request.session
        self._layout = self._session.layout
        self._cancel = prepared.request.cancel
        self._freight = Freight(prepared, choices)
        self._code: Future[BundleWriter] | None = None
        self._born = 0.0
        self._ended = False

    def execute(self) -> OsirisError | None:
        """Do everything; return what stopped the run as a whole, if anything did.

        Raises what the provider raises when there is no sandbox at all.
        """
        spec = self._spec()
        with ThreadPoolExecutor(1, "pack") as pool:  # while the sandbox is being made
            if not self._provider.shares_files:
                self._code = pool.submit(self._freight.packed_code)
            sandbox = self._create(spec)
        try:
            return self._live(sandbox)
        finally:
            self._end(sandbox)
            if isinstance(sandbox, SharesFiles):
                self._discard(sandbox)

    def _spec(self) -> SandboxSpec:
        return SandboxSpec(
            run_id=self._layout.session,
            ttl_seconds=self._choices.ttl,
            hosts=self._freight.hosts,
            reads=self._freight.shown.paths,
            project=self._prepared.request.project,
            scratch=self._layout.root,
            memory_bytes=self._choices.memory_bytes,
            pids=self._choices.pids,
            cpus=self._choices.cpus,
        )

    def _create(self, spec: SandboxSpec) -> Sandbox:
        self._born = time.monotonic()
        sandbox = self._provider.create(spec)
        self._session.log_event(
            SandboxCreated(
                sandbox=sandbox.id,
                provider=self._provider.name,
                ttl_seconds=spec.ttl_seconds,
                hosts=[f"{host}:{port}" for host, port in spec.hosts],
            )
        )
        return sandbox

    def _live(self, sandbox: Sandbox) -> OsirisError | None:
        patience = Patience(sandbox, self._choices.patience)
        paths = SessionPaths.below(patience.tries(lambda: sandbox.home), self._layout.session)
        # What is brought in and out may take longer than the sandbox has time.
        with Upkeep(sandbox, paths, patience, self._choices.ttl, self._cancel):
            return self._run(sandbox, paths, patience)

    def _run(self, sandbox: Sandbox, paths: SessionPaths, patience: Patience) -> OsirisError | None:
        checks = ArtifactPaths(self._prepared.manifest, self._layout, self._choices.limits)
        guard = RecordGuard(self._prepared.manifest, checks)
        shared = isinstance(sandbox, SharesFiles)
        carrier = _carrier(sandbox, paths, patience)
        publisher = self._prepared.publisher
        with closing(
            ArtifactFetch(carrier, publisher, checks, self._layout, eager=not shared)
        ) as fetch:
            targets, project = self._freight.targets, self._prepared.request.project
            names = PathNames(paths, self._layout, names_of_copies(targets, paths, project))
            intake = RecordIntake(self._session, guard, fetch, names)
            copies = TargetCopies(targets, self._session, paths, checks, self._cancel)
            lost = self._work(sandbox, paths, patience, intake, copies)
            failure = what_went_wrong(intake, guard, lost, cancelled=self._cancel.is_set())
            end_steps(intake, guard, failure, cancelled=self._cancel.is_set())
            if isinstance(lost, SandboxError):
                carrier.stop(lost)
            if shared:  # what is taken without a copy must not change any more
                self._end(sandbox)
            left = (intake.closed or {}).get("left", {})
            late = self._fetch(fetch, left)
            copies.put_back(left.get("targets"), carrier, lost or failure)
        return failure or late

    # --- the worker ---

    def _work(
        self,
        sandbox: Sandbox,
        paths: SessionPaths,
        patience: Patience,
        intake: RecordIntake,
        copies: TargetCopies,
    ) -> OsirisError | None:
        """Start the worker and take its records to the last; return what cut that short."""
        to_stop = self._freight.grace + _TO_HEAR
        try:
            code = None if self._code is None else self._code.result()
            with copies.held():
                delivery = Delivery(self._freight, sandbox, paths, patience, code)
                delivery.bring()
            if self._cancel.is_set():  # while it was made, or all was brought in
                return None
            delivery.start()
            with Watchdog(sandbox, self._choices.silence, self._cancel, to_stop) as watchdog:
                stream = self._stream(sandbox, delivery, patience, watchdog)
                with closing(stream.__iter__()) as envelopes:
                    for envelope in envelopes:
                        intake.take(envelope)
                        if intake.closed is not None:
                            break
        except OsirisError as error:
            return error
        return None

    def _stream(
        self, sandbox: Sandbox, delivery: Delivery, patience: Patience, watchdog: Watchdog
    ) -> JournalStream:
        def reconnected(seq: int, why: str) -> None:
            self._session.log_event(SandboxReconnected(seq=seq, why=why))

        return JournalStream(
            sandbox,
            delivery.pump_command,
            watchdog,
            patience,
            most_bytes=self._choices.limits.journal_bytes,
            on_reconnect=reconnected,
        )

    # --- the end ---

    def _fetch(self, fetch: ArtifactFetch, left: Mapping[str, Any]) -> OsirisError | None:
        try:
            error = fetch.finish(left)
        except SandboxError as hostile:
            error = hostile
        if fetch.files:
            self._session.log_event(SandboxArtifactsFetched(files=fetch.files, bytes=fetch.bytes))
        return error

    def _discard(self, sandbox: SharesFiles) -> None:
        """Remove the files of a sandbox in which nothing runs any more, unless they are wanted."""
        if self._choices.keep:
            self._session.log_event(SandboxKept(sandbox=str(self._layout.root)))
            _LOG.warning("the sandbox's files are left in %s", self._layout.root / ".sandbox")
        else:
            sandbox.discard()

    def _end(self, sandbox: Sandbox) -> None:
        """Kill the sandbox, once, and record that it is gone or that it is not."""
        if self._ended:
            return
        self._ended = True
        if self._choices.keep and not isinstance(sandbox, SharesFiles):
            self._session.log_event(SandboxKept(sandbox=sandbox.id))
            _LOG.warning(
                "sandbox %s is left running: it ends within %d s, or with `osiris sandboxes reap`",
                sandbox.id,
                self._choices.ttl,
            )
            return
        try:
            sandbox.kill()
        except SandboxError as error:
            _LOG.warning("sandbox %s could not be killed: %s", sandbox.id, error.message)
            self._session.log_event(SandboxKillFailed(sandbox=sandbox.id, error=error.to_dict()))
        else:
            seconds = round(time.monotonic() - self._born, 3)
            self._session.log_event(SandboxKilled(sandbox=sandbox.id, seconds=seconds))


def _carrier(sandbox: Sandbox, paths: SessionPaths, patience: Patience) -> FileCarrier:
    if isinstance(sandbox, SharesFiles):
        return LinkCarrier(sandbox, paths)
    return PartsCarrier(sandbox, paths, patience)
