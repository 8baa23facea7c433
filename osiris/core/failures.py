"""From whatever a driver raised to the error the records hold."""

import errno
from pathlib import Path

from osiris.core.atomic_file import write_error
from osiris.core.errors import DriverCrashError, OsirisError, SystemStepError

_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


def as_osiris_error(error: BaseException, *, step_id: str, output_dir: Path) -> OsirisError:
    """Return `error` itself when it is one of ours, else what it means to a user."""
    if isinstance(error, OsirisError):
        return error
    if isinstance(error, OSError) and error.errno in _WRITE_ERRORS:
        return write_error(Path(error.filename or output_dir), error)
    if isinstance(error, MemoryError):
        return SystemStepError(
            f"step {step_id!r} ran out of memory", hint="give the process more memory"
        )
    return DriverCrashError(
        f"step {step_id!r}: the driver raised {type(error).__name__}: {error}",
        hint="this is a bug in the driver; debug.log has the traceback",
    )
