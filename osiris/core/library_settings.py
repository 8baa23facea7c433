"""What libraries read from the environment when they are first imported. Standard library only."""

import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final

_PAGE: Final = 4096


def set_library_variables(environ: MutableMapping[str, str]) -> None:
    """Set the variables of a process that is there for a run alone; what is set already stays.

    Arrow's own choice of an allocator, mimalloc, keeps much of what is freed: a table that streams
    through takes up to a quarter more memory than with jemalloc.
    """
    # NumPy's linear algebra is never used; its threads take a tenth of a second to start.
    environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if _has_jemalloc():
        environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


def _has_jemalloc() -> bool:
    """Tell whether Arrow is as its project builds it for Linux, and can use its jemalloc here.

    Such a build has its library in its package. It cannot where pages are larger. Arrow warns, on
    stderr, of an allocator that it does not have.
    """
    if sys.platform != "linux" or os.sysconf("SC_PAGESIZE") != _PAGE:
        return False
    for directory in sys.path:
        with suppress(OSError):
            names = os.listdir(os.path.join(directory, "pyarrow"))  # noqa: PTH118, PTH208 - every run waits for it
            return any(name.startswith("libarrow.so") for name in names)
    return False
