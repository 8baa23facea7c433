"""Putting finished artifacts at the paths the pipeline names, on the host."""

import hashlib
import os
import secrets
import threading
from pathlib import Path

from osiris.core.atomic_file import AtomicFile, write_error
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    CancelledError,
    CorruptDataError,
    OsirisError,
    StepError,
    SystemStepError,
)
from osiris.core.events import (
    ArtifactCreated,
    ArtifactPublished,
    ArtifactPublishFailed,
    StepComplete,
)
from osiris.core.publish_target import BucketTarget, PublishTarget
from osiris.core.records import Record
from osiris.core.session import SessionContext

_CHUNK = 1024 * 1024


class Publisher:
    """Watches a run's records and publishes a step's file when the step is complete.

    `outputs` maps step ids to the absolute paths, or the objects, where their files go; an upload
    stops when `cancelled` is switched.
    """

    def __init__(
        self,
        session: SessionContext,
        project: Path,
        outputs: dict[str, PublishTarget],
        cancelled: CancelToken,
    ) -> None:
        self._session = session
        self._project = project
        self._outputs = outputs
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._created: dict[str, ArtifactCreated] = {}

    def take(self, record: Record) -> None:
        """Look at one record of the run, after it was kept."""
        if isinstance(record, ArtifactCreated):
            if self.takes(record):
                with self._lock:
                    self._created[record.step_id] = record
        elif isinstance(record, StepComplete):
            with self._lock:
                created = self._created.pop(record.step_id, None)
            if created is not None:
                self._publish(created, self._outputs[record.step_id])

    def takes(self, created: ArtifactCreated) -> bool:
        """Tell whether this is the file that its step publishes."""
        target = self._outputs.get(created.step_id)
        return target is not None and Path(created.path).name == target.name

    def fail(self, created: ArtifactCreated, error: OsirisError) -> None:
        """Record that a finished artifact cannot be published."""
        self._session.log_event(
            ArtifactPublishFailed(
                step_id=created.step_id,
                artifact=created.path,
                path=self._shown(self._outputs[created.step_id]),
                error=error.to_dict(),
            )
        )

    def _publish(self, created: ArtifactCreated, target: PublishTarget) -> None:
        shown = self._shown(target)
        source = self._session.layout.root / created.path
        try:
            if isinstance(target, BucketTarget):
                how = self._upload(source, target, created.sha256)
            else:
                how = publish(source, target, created.sha256)
        except (StepError, CancelledError) as error:
            self.fail(created, error)
            return
        self._session.log_event(
            ArtifactPublished(
                step_id=created.step_id,
                artifact=created.path,
                path=shown,
                bytes=created.bytes,
                sha256=created.sha256,
                how=how,
            )
        )

    def _upload(self, source: Path, target: BucketTarget, sha256: str) -> str:
        from osiris.core.s3.transfer import store_of  # noqa: PLC0415 - TLS takes 20 ms to import

        try:
            store = store_of(target.connection, self._project, self._cancelled)
            store.put(target.key, source, sha256)
        except OSError as error:
            raise SystemStepError(f"cannot read {source}: {error.strerror or error}") from error
        return "upload"

    def _shown(self, target: PublishTarget) -> str:
        """Name the target relative to the project where it lies in it."""
        if isinstance(target, BucketTarget):
            return target.url
        inside = target.is_relative_to(self._project)
        return str(target.relative_to(self._project) if inside else target)


def publish(source: Path, target: Path, sha256: str) -> str:
    """Put the file `source` at `target` in one atomic step; return `link` or `copy`.

    A hard link is renamed into place where the file system allows it, else a checked copy. What
    was at `target` before is there until the moment the new file is.

    Raises `DiskFullError`, `SystemStepError`, or `CorruptDataError` when the copy is not what
    `sha256` says.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(target, error) from error
    try:
        os.link(source, beside)
    except OSError:
        try:
            _copy(source, target, sha256)
        except OSError as error:
            raise SystemStepError(f"cannot read {source}: {error.strerror or error}") from error
        return "copy"
    try:
        beside.replace(target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        beside.unlink(missing_ok=True)
    return "link"


def _copy(source: Path, target: Path, sha256: str) -> None:
    with AtomicFile(target) as file, source.open("rb") as data:
        seen = hashlib.sha256()
        while chunk := data.read(_CHUNK):
            seen.update(chunk)
            file.write(chunk)
        if seen.hexdigest() != sha256:
            raise CorruptDataError(
                f"{source} is not what the step wrote: its SHA-256 is {seen.hexdigest()}",
                hint="something changed the file while the run was going on",
            )
