"""The first process of a process sandbox: it ends everything that was started when its host ends.

Standard library only.
"""

import os
import signal
import subprocess
import sys

from osiris.remote.descendants import adopt_orphans, kill_descendants

_SECONDS = 10.0


def main() -> None:
    """Start the command in the arguments; end it and all it started when standard input ends."""
    adopt_orphans()
    nothing = subprocess.DEVNULL
    subprocess.Popen(sys.argv[1:], stdin=nothing, stdout=nothing, stderr=nothing)
    # Only now: what is ignored is inherited. Children that end are forgotten.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    sys.exit(0 if kill_descendants(_SECONDS) else 1)
