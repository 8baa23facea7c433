"""The names of a session's files inside a sandbox. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

from osiris.core.layout import RunLayout


@dataclass(frozen=True)
class SessionPaths:
    """The directory of one run in a sandbox.

    It is the engine's run directory there; what belongs to the proxy lies below `.proxy/`.
    """

    root: Path

    @classmethod
    def below(cls, home: str, session: str) -> "SessionPaths":
        """Return the directory of a run below a sandbox's home."""
        return cls(Path(home) / "session" / session)

    @property
    def layout(self) -> RunLayout:
        """The engine's run directory."""
        return RunLayout(self.root)

    @property
    def proxy(self) -> Path:
        """Directory of what the two ends of the run leave for each other."""
        return self.root / ".proxy"

    @property
    def bundle(self) -> Path:
        """The archive of everything that was brought in; its code is imported from it."""
        return self.proxy / "bundle.zip"

    @property
    def uploads(self) -> Path:
        """Directory of input files that were too large for the bundle, by number."""
        return self.proxy / "uploads"

    @property
    def files(self) -> Path:
        """Where the host's input files lie, each at its own absolute path below this directory."""
        return self.root / ".files"

    @property
    def targets(self) -> Path:
        """Where the copies of files that steps change lie, each at the file's own absolute path."""
        return self.root / ".targets"

    @property
    def packages(self) -> Path:
        """Directory of what was installed for this run."""
        return self.proxy / "packages"

    @property
    def lock(self) -> Path:
        """Held by the runner while it lives."""
        return self.proxy / "runner.lock"

    @property
    def journal(self) -> Path:
        """All that worker and runner have to say."""
        return self.proxy / "journal.jsonl"

    @property
    def lease(self) -> Path:
        """Touched while somebody reads the journal."""
        return self.proxy / "lease"

    @property
    def cancel(self) -> Path:
        """There when the run should stop; holds the reason, an `OsirisError` as data."""
        return self.proxy / "cancel"

    @property
    def exit(self) -> Path:
        """How the worker ended, there once it has: the journal's last record again."""
        return self.proxy / "exit.json"
