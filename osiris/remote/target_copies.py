"""Putting files that steps changed in a sandbox in the place of this machine's, one by one."""

import os
import secrets
import stat
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from osiris.core import events as ev
from osiris.core.atomic_file import write_error
from osiris.core.cancel import CancelToken
from osiris.core.errors import ErrorKind, OsirisError, RunEnvironmentError, TransientStepError
from osiris.core.session import SessionContext
from osiris.core.source_files import Stamp, stamp
from osiris.core.status import StepState
from osiris.remote.artifact_paths import ArtifactPaths
from osiris.remote.errors import HostileSandboxError
from osiris.remote.file_carrier import FileCarrier
from osiris.remote.file_lock import FileInUseError, locked
from osiris.remote.sandbox_events import SandboxTargetReplaced
from osiris.remote.session_paths import SessionPaths
from osiris.remote.target_files import TargetFile


class TargetInUseError(RunEnvironmentError):
    """A file that a step changes cannot be copied now: another program has it open or left it."""

    code = "environment.target_in_use"
    kind = ErrorKind.TRANSIENT


class TargetCopies:
    """The copies of one run's target files, from the moment they are made to their return.

    A file is replaced once, when the run is over, if at least one of its steps is complete, and
    only while it is what it was when it was copied.

    Args:
        targets: the files.
        session: takes the records, and knows which steps are complete.
        paths: the session's files in the sandbox.
        checks: bounds what may come back.
        cancel: switched when nobody should be waited for any more.

    """

    def __init__(
        self,
        targets: Sequence[TargetFile],
        session: SessionContext,
        paths: SessionPaths,
        checks: ArtifactPaths,
        cancel: CancelToken,
    ) -> None:
        self._targets = targets
        self._session = session
        self._paths = paths
        self._checks = checks
        self._cancel = cancel
        self._before: dict[Path, Stamp | None] = {}

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep other programs from changing the files within the block; they are copied there.

        Raises `TargetInUseError` for a file that another program has open for writing, or did not
        close: what is beside it cannot be replaced together with it in one step.
        """
        with ExitStack() as locks:
            for target in self._targets:
                self._before[target.path] = self._hold(target, locks)
            yield

    def _hold(self, target: TargetFile, locks: ExitStack) -> Stamp | None:
        step_id, path = target.steps[0], target.path
        try:
            if path.is_file():
                patience, cancelled = target.patience, self._cancel
                locks.enter_context(
                    locked(path, writing=False, patience=patience, cancelled=cancelled)
                )
            torn = target.torn()
            if torn is not None:
                raise TargetInUseError(
                    f"step {step_id!r} changes {target.name}, and {torn.name} is beside it: a "
                    "program that wrote it did not close it",
                    hint="open it here with DuckDB once and close it, which takes that in; or run "
                    "here, without a sandbox",
                )
            return stamp(path) if path.exists() else None
        except FileInUseError:
            if self._cancel.is_set():  # then nothing will run
                return None
            raise TargetInUseError(
                f"step {step_id!r} changes {target.name}, which another program has open",
                hint="close the other program, or raise the step's `lock_timeout`",
            ) from None
        except OSError:  # whoever reads it has the words
            return None

    def put_back(self, told: object, carrier: FileCarrier, lost: OsirisError | None) -> None:
        """Replace each file of which a step is complete; record it, or that the step failed.

        `told` is what the runner says of the copies (`left_files.copies`); `lost` is why it may
        have said nothing.
        """
        known = _by_path(told)
        for target in self._targets:
            complete = [step for step in target.steps if self._is_complete(step)]
            if not complete:
                continue
            try:
                self._session.log_event(self._put_back(target, known, carrier, lost))
            except OsirisError as error:
                for step_id in complete:
                    self._session.log_event(
                        ev.ArtifactPublishFailed(
                            step_id=step_id,
                            artifact=target.name,
                            path=target.name,
                            error=error.to_dict(),
                        )
                    )

    def _is_complete(self, step_id: str) -> bool:
        status = self._session.fold.steps.get(step_id)
        return status is not None and status.state is StepState.COMPLETED

    def _put_back(
        self,
        target: TargetFile,
        known: Mapping[str, Mapping[str, Any]],
        carrier: FileCarrier,
        lost: OsirisError | None,
    ) -> SandboxTargetReplaced:
        path = target.inside(self._paths).relative_to(self._paths.root).as_posix()
        facts = known.get(path)
        if facts is None or any(path + end in known for end in target.beside):
            raise lost or HostileSandboxError(f"the sandbox has no whole copy of {target.name}")
        size, sha256 = facts["bytes"], facts["sha256"]
        self._checks.check_facts(path, size, sha256)
        beside = target.path.with_name(f".{target.path.name}.{secrets.token_hex(4)}.new")
        try:
            carrier.carry(path, beside, size, sha256)
            self._replace(target, beside)
        except OSError as error:
            raise write_error(target.path, error) from error
        finally:
            beside.unlink(missing_ok=True)
        return SandboxTargetReplaced(path=target.name, bytes=size, sha256=sha256)

    def _replace(self, target: TargetFile, beside: Path) -> None:
        """Put a complete file in the target's place, if that is what it was; raise OSError."""
        before = self._before.get(target.path)
        _synced(beside)
        if before is None:
            _put_first(beside, target)
            return
        try:
            with locked(
                target.path, writing=True, patience=target.patience, cancelled=self._cancel
            ) as file:
                if stamp(target.path) != before or target.torn() is not None:
                    raise _changed(target)
                _like(os.fstat(file.fileno()), beside)
                beside.replace(target.path)
        except FileInUseError:
            raise TransientStepError(
                f"{target.name} is in use: another program has it open; it is what it was",
                hint="close the other program and run again",
            ) from None
        except FileNotFoundError:
            raise _changed(target) from None
        _synced(target.path.parent)


def _by_path(told: object) -> dict[str, Mapping[str, Any]]:
    """Return what is told of each file, as far as it is told in the way it has to be."""
    items = told if isinstance(told, list) else []
    return {
        item["path"]: item
        for item in items
        if isinstance(item, dict)
        and isinstance(item.get("path"), str)
        and type(item.get("bytes")) is int
        and isinstance(item.get("sha256"), str)
    }


def _put_first(beside: Path, target: TargetFile) -> None:
    """Put a file where none was; one that was made there meanwhile stays."""
    try:
        os.link(beside, target.path)
    except FileExistsError:
        raise _changed(target) from None
    _synced(target.path.parent)


def _like(status: os.stat_result, path: Path) -> None:
    """Give a file the owner, as far as that is allowed, and the mode of another."""
    with suppress(OSError):
        os.chown(path, status.st_uid, status.st_gid)
    path.chmod(stat.S_IMODE(status.st_mode))


def _synced(path: Path) -> None:
    """See a file or directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _changed(target: TargetFile) -> TransientStepError:
    return TransientStepError(
        f"{target.name} was changed by something else while the run was going on; nothing of the "
        "run is in it",
        hint="run again when nothing else writes it",
    )
