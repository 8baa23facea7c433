"""How a process that is there for the program alone is set up. Standard library only."""

import gc
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final

_PAGE: Final = 4096
_BETWEEN_COLLECTIONS: Final = 50_000
"""New objects after which Python looks for cycles: with its own 700 a start takes 8 % longer."""


def settle_process(environ: MutableMapping[str, str]) -> None:
    """Set the variables that libraries read when they are imported, where they are not set.

    Cycles of objects are looked for less often, too: imports and models leave none behind.
    Arrow's own choice of an allocator, mimalloc, keeps much of what is freed: a table that streams
    through takes up to a quarter more memory than with jemalloc.
    """
    gc.set_threshold(_BETWEEN_COLLECTIONS)
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
