"""Bringing back what the steps made, and publishing it once it is checked."""

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from osiris.core import events as ev
from osiris.core.errors import OsirisError
from osiris.core.layout import RunLayout
from osiris.core.publisher import Publisher
from osiris.remote.artifact_paths import ArtifactPaths
from osiris.remote.errors import (
    HostileSandboxError,
    SandboxFileMissingError,
    SandboxGoneError,
)
from osiris.remote.file_carrier import FileCarrier

_FILES_AT_ONCE = 2

_End = ev.StepComplete | ev.StepFailed | ev.StepSkipped


class ArtifactFetch:
    """Fetches each step's files once the step has ended.

    Args:
        carrier: brings one file here.
        publisher: puts finished files where the pipeline wants them.
        paths: checks what is told of files.
        layout: the run's directory on this host.
        eager: whether files can be fetched while the run goes on, or only at its end.

    Attributes:
        files: how many were fetched.
        bytes: how large they are together.

    """

    def __init__(
        self,
        carrier: FileCarrier,
        publisher: Publisher,
        paths: ArtifactPaths,
        layout: RunLayout,
        *,
        eager: bool,
    ) -> None:
        self._carrier = carrier
        self._publisher = publisher
        self._paths = paths
        self._layout = layout
        self._eager = eager
        self._told: defaultdict[str, dict[str, ev.ArtifactCreated]] = defaultdict(dict)
        self._waiting: list[_End] = []
        self._jobs: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(_FILES_AT_ONCE, "fetch")
        self._errors: list[OsirisError] = []
        self.files = 0
        self.bytes = 0

    def take(self, event: ev.Event) -> None:
        """Look at an event of the run, after it was checked and kept."""
        if isinstance(event, ev.ArtifactCreated):
            self._told[event.step_id][event.path] = event
        elif isinstance(event, _End):
            self._waiting.append(event)
            if self._eager:
                self._begin()

    def finish(self, left: Mapping[str, Any]) -> OsirisError | None:
        """Fetch all that is still to come; return the first error that is no step's own.

        `left` is what the runner tells of directories and of files that no step told of; see
        `left_files`. Raises `HostileSandboxError` when it cannot be believed.
        """
        self._begin()
        untold = self._checked(left)
        self._jobs.append(self._pool.submit(self._fetch_all, untold))
        self._pool.shutdown()
        for job in self._jobs:
            job.result()
        return self._errors[0] if self._errors else None

    def close(self) -> None:
        """End what is still being fetched, which nobody wants any more, and let go of the threads.

        Nothing is written to the run's directory afterwards.
        """
        self._carrier.stop(SandboxGoneError("the run is over"))
        self._pool.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        for event in self._waiting:
            told = list(self._told.pop(event.step_id, {}).values())
            self._jobs.append(self._pool.submit(self._fetch_step, event, told))
        self._waiting = []

    def _checked(self, left: Mapping[str, Any]) -> list[tuple[str, int, str]]:
        """Make the directories and return the files that are left."""
        try:
            for path in left.get("directories", ()):
                self._paths.check_directory(path)
                (self._layout.root / path).mkdir(parents=True, exist_ok=True)
            files = [
                (item["path"], item["bytes"], item["sha256"]) for item in left.get("files", ())
            ]
            for path, size, sha256 in files:
                self._paths.check_file(path, size, sha256)
        except (KeyError, TypeError, AttributeError) as error:
            raise HostileSandboxError(f"the list of files left is none: {error}") from error
        except OSError as error:
            raise HostileSandboxError(f"directories that cannot be made: {error}") from error
        return files

    def _fetch_step(self, end: _End, told: list[ev.ArtifactCreated]) -> None:
        """Fetch what a step told of; publish it when the step is complete."""
        complete = isinstance(end, ev.StepComplete)
        for created in told:
            error = self._fetch(created.path, created.bytes, created.sha256)
            if error is None:
                self._publisher.take(created)
            elif complete and self._publisher.takes(created):
                self._publisher.fail(created, error)
            elif complete or not isinstance(error, SandboxFileMissingError):
                self._errors.append(error)
        self._publisher.take(end)

    def _fetch_all(self, files: list[tuple[str, int, str]]) -> None:
        for path, size, sha256 in files:
            error = self._fetch(path, size, sha256)
            if error is not None:
                self._errors.append(error)

    def _fetch(self, path: str, size: int, sha256: str) -> OsirisError | None:
        try:
            self._carrier.carry(path, self._layout.root / path, size, sha256)
        except OsirisError as error:
            return error
        self.files += 1
        self.bytes += size
        return None
