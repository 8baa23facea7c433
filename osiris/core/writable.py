"""Whether a file can be put somewhere, without putting it there."""

import os
from pathlib import Path


def why_unwritable(path: Path) -> str | None:
    """Return why a file cannot be put at `path`, or None when nothing speaks against it.

    Nothing is created: the nearest directory that exists is asked.
    """
    if path.is_dir():
        return "it is a directory"
    parent = path.parent
    while not parent.exists():
        if parent.is_symlink():
            return f"{parent} is a link to nowhere"
        parent = parent.parent
    if not parent.is_dir():
        return f"{parent} is not a directory"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"{parent} is not writable"
    return None
