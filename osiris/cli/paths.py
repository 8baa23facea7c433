"""Paths as a person in this directory would write them."""

import os
from pathlib import Path


def shown(path: Path) -> str:
    """Return the path relative to the current directory when it lies below it, else as it is."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # the current directory is gone
        return str(path)
    return str(path) if relative.startswith("..") else relative
