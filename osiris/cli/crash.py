"""The traceback of a bug: kept in a file of its own, secrets taken out."""

import os
import re
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

from osiris.core.masking import Masker

_SECRET_NAME = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|DSN", re.IGNORECASE)
_known = Masker()


def beware(environment: Mapping[str, str]) -> None:
    """Learn the values of variables that are named like secrets, to keep them out of tracebacks."""
    _known.add(value for name, value in environment.items() if _SECRET_NAME.search(name))


def trace_text(error: BaseException) -> str:
    """Return the error's traceback, the known secrets masked."""
    beware(os.environ)
    return _known.text("".join(traceback.format_exception(error)))


def keep_traceback(error: BaseException) -> Path | None:
    """Write the traceback to a new private file and return its path; None when that fails."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="osiris-crash-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace_text(error))
    except OSError:
        return None
    return Path(name)
