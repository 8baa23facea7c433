"""The version of this program and the name it is installed by, the one place they are written."""

from typing import Final

VERSION: Final = "0.1.0"

DISTRIBUTION: Final = "osiris-run"
"""The name on PyPI, where `osiris` is another project; the package and the command are `osiris`."""


def install_command(extra: str) -> str:
    """Return the shell command that installs what an extra brings."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
