"""What the options before the verb say: where the command was started, as far as Osiris cares."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osiris.project import Project


@dataclass(frozen=True)
class Invocation:
    """The place that relative paths on the command line refer to: `-C DIR`, or where we are.

    `named` is DIR when it was given; it is then the project, whatever holds an osiris.yaml.
    """

    named: Path | None = None

    def path(self, given: Path) -> Path:
        """Return a path of the command line as it can be opened."""
        return given if self.named is None else self.named / given

    def project(self, target: Path | None = None) -> "Project":
        """Return the project: DIR, or the one that the target or the current directory is in."""
        from osiris.project import Project  # noqa: PLC0415 - `osiris --help` must not pay for it

        return Project.of(target) if self.named is None else Project.at(self.named)
