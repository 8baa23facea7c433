"""How much memory this process has used at most."""

import resource


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process so far, in bytes (Linux counts KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
