"""One run's records on the host: the only place that writes them."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from osiris.core.atomic_file import write_error
from osiris.core.cancel import CancelToken
from osiris.core.errors import StepError, UnwritableOutputError
from osiris.core.events import Event, event_from_dict, event_to_dict
from osiris.core.layout import LOGS, RUN_PREFIX, RunLayout
from osiris.core.log_capture import LogCapture
from osiris.core.manifest import Manifest
from osiris.core.masking import Masker
from osiris.core.metrics import Metric
from osiris.core.printed import Printed
from osiris.core.record_files import RecordFiles
from osiris.core.records import Emit, LogLine, Record
from osiris.core.status import RunStatus, StatusFold
from osiris.core.status_file import RunIdentity, StatusFile
from osiris.core.step_thread import speaking


def new_session_dir(project: Path, prefix: str) -> Path:
    """Make and return a new directory `logs/<prefix><utc>_<4 hex>`.

    Raises `DiskFullError` or `SystemStepError` when it cannot be made.
    """
    logs = project / LOGS
    while True:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        root = logs / f"{prefix}{stamp}_{secrets.token_hex(2)}"
        try:
            root.mkdir(parents=True)
        except FileExistsError:
            if not logs.is_dir():
                raise write_error(root, NotADirectoryError(20, "Not a directory")) from None
            continue
        except OSError as error:
            raise write_error(root, error) from error
        return root


class SessionContext:
    """The records of one run: masked, counted into the status, written, shown.

    `emit` takes every record from any thread and never raises: a record that cannot be written now
    is kept in memory and written before the next, and the run is cancelled with the reason.

    Attributes:
        layout: where the run's files are.
        masker: the secrets that are taken out of every record.
        fold: the status so far.
        printed: takes what steps print here.
        broken: what keeps records from being written, or None.

    """

    def __init__(
        self,
        layout: RunLayout,
        status: StatusFile,
        *,
        cancel: CancelToken,
        observer: Emit | None = None,
    ) -> None:
        self.layout = layout
        self.masker = Masker()
        self.fold = StatusFold()
        self.logger = logging.getLogger("osiris.run")
        self.broken: StepError | None = None
        self._cancel = cancel
        self._observer = observer
        self._finished = False
        self._status = status
        self._lock = threading.RLock()
        self._files = RecordFiles(layout)
        self.printed = Printed(self.emit, self.masker)
        self._capture = LogCapture(self.emit, self.printed)
        self._capture.install()

    @classmethod
    def create(
        cls,
        project: Path,
        manifest: Manifest,
        *,
        adapter: str,
        cancel: CancelToken,
        observer: Emit | None = None,
    ) -> "SessionContext":
        """Make the run's directory with a status.json that says `running`.

        Raises `UnwritableOutputError` when that is impossible.
        """
        try:
            layout = RunLayout(new_session_dir(project, RUN_PREFIX))
            identity = RunIdentity.of_this_process(layout.session, manifest, adapter)
            status = StatusFile(layout, identity)
            fold = StatusFold()
            fold.total = len(manifest.steps)
            status.write(fold.result(running=True))
        except StepError as error:  # no step is to blame for it
            raise UnwritableOutputError(error.message, hint=error.hint) from error
        status.reserve()
        try:
            return cls(layout, status, cancel=cancel, observer=observer)
        except OSError as error:
            told = write_error(layout.root, error)
            failed = UnwritableOutputError(told.message, hint=told.hint)
            status.release()
            with suppress(StepError):
                status.write(fold.result(failed), finished_at=time.time())
            raise failed from error

    def log_event(self, event: Event) -> None:
        """Record an event."""
        self.emit(event)

    def emit(self, record: Record) -> None:
        """Take one record; see `core.records.Emit`."""
        with self._lock:
            if self._finished:
                return
            shown = self._write(record)
            if self._observer is None:
                return
            try:
                with speaking():
                    self._observer(shown)
            except KeyboardInterrupt:
                raise
            except BaseException:  # whoever watches a run must not be able to break it
                self._observer = None
                self.logger.warning("the run's observer failed; it is told no more", exc_info=True)

    def _write(self, record: Record) -> Record:
        """Mask, count and write; return the record as it may be shown."""
        if isinstance(record, Event):
            plain = event_to_dict(record)
            data = self.masker.record(plain)
            record = record if data == plain else event_from_dict(data)
            self.fold.add(record)
            self._keep(lambda: self._files.event(data))
        elif isinstance(record, Metric):
            tags = self.masker.record(record.tags)
            record = Metric(name=record.name, value=record.value, tags=tags, ts=record.ts)
            metric = record
            self._keep(lambda: self._files.metric(metric))
        elif isinstance(record, LogLine):
            line = LogLine(
                level=record.level,
                logger=record.logger,
                message=self.masker.text(record.message),
                traceback=record.traceback and self.masker.text(record.traceback),
                ts=record.ts,
            )
            record = line
            self._keep(lambda: self._files.log(line))
        return record

    def _keep(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            if self.broken is None:
                self.broken = write_error(self.layout.root, error)
                self._status.release()
                self._cancel.cancel(self.broken)

    def finish(self, complete: Event, duration: Metric, status: RunStatus) -> RunStatus:
        """Write the last records and the final status.json; nothing is written afterwards.

        Returns the final status: when the last records could not be written, not the one given.
        """
        self._capture.remove()
        self._status.release()
        self.emit(duration)
        self.emit(complete)
        with self._lock:
            self._keep(self._files.close)
            self._finished = True
            if self.broken is not None and status.ok:
                status = self.fold.result(self.broken)
            self._status.write(status, finished_at=time.time())
        return status
