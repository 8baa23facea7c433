"""The names of everything in a run's directory; nothing else knows them."""

from dataclasses import dataclass
from pathlib import Path

LOGS = "logs"
"""Directory of all sessions, relative to the project."""

RUN_PREFIX = "run_"
COMPILE_PREFIX = "compile_"


@dataclass(frozen=True)
class RunLayout:
    """Where each record of one run lies below its directory `root`."""

    root: Path

    @property
    def session(self) -> str:
        """The run's id: the name of its directory."""
        return self.root.name

    @property
    def events(self) -> Path:
        """One JSON object a line: what happened."""
        return self.root / "events.jsonl"

    @property
    def metrics(self) -> Path:
        """One JSON object a line: what was measured."""
        return self.root / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """Messages of level INFO and up."""
        return self.root / "osiris.log"

    @property
    def debug_log(self) -> Path:
        """All messages, with tracebacks."""
        return self.root / "debug.log"

    @property
    def status(self) -> Path:
        """The run's outcome; there from the first moment."""
        return self.root / "status.json"

    @property
    def manifest(self) -> Path:
        """A copy of the compiled manifest, byte for byte."""
        return self.root / "manifest.yaml"

    @property
    def cfg(self) -> Path:
        """Directory of what each step ran with; placeholders, never a secret."""
        return self.root / "cfg"

    @property
    def commands(self) -> Path:
        """What was asked of the worker in a sandbox run."""
        return self.root / "commands.jsonl"

    @property
    def artifacts(self) -> Path:
        """Directory of what the steps made."""
        return self.root / "artifacts"

    @property
    def spill(self) -> Path:
        """Directory of what does not fit into memory while the run lasts."""
        return self.root / ".spill"

    def artifact_dir(self, step_id: str) -> Path:
        """Return the directory of one step's artifacts."""
        return self.artifacts / step_id

    def relative(self, path: Path) -> str:
        """Return a path below the run's directory as records name it, with forward slashes."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class CompileLayout:
    """Where a compilation lies below its directory `root` (`logs/compile_<id>`)."""

    root: Path

    @property
    def compiled(self) -> Path:
        """Directory of the compiled output; hermetic: the same bytes for the same source."""
        return self.root / "compiled"

    @property
    def manifest(self) -> Path:
        """The compiled manifest."""
        return self.compiled / "manifest.yaml"

    @property
    def cfg(self) -> Path:
        """Directory of the compiled step configs."""
        return self.compiled / "cfg"


def last_compile_pointer(project: Path) -> Path:
    """Return the file that names the last compilation's manifest, relative to the project."""
    return project / LOGS / ".last_compile.json"
