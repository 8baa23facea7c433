"""What messages call a file: as a pipeline of the project would name it."""

import os
from pathlib import Path


def in_project(path: Path, project: Path) -> str:
    """Return a path or pattern relative to the project, or absolute where it lies outside.

    Links in it are kept as they are.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a pattern cannot be resolved
    root = Path(os.path.abspath(project))  # noqa: PTH100 - nor may this be, then
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return absolute.as_posix()
