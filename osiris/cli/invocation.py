"""What the options before the verb say: where the command was started, as far as Osiris cares."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Invocation:
    """The place that relative paths on the command line refer to: `-C DIR`, or where we are.

    `named` is DIR when it was given; it is then the project, whatever holds an osiris.yaml.
    """

    named: Path | None = None

    def path(self, given: Path) -> Path:
        """Return a path of the command line as it can be opened."""
        return given if self.named is None else self.named / given
