"""How the runner's program is started inside a sandbox. Standard library only."""

import json
from collections.abc import Sequence
from typing import Final

PYTHON_OPTIONS: Final = ("-I", "-X", "utf8")
"""Nothing of the environment or of the user's own directory decides what Python runs."""

_LAUNCH: Final = """\
import json, sys
sys.path[:0] = json.loads(sys.argv.pop(1))
from osiris.remote.proxy_worker_runner import main
main()
"""

# Runs before anything that was brought is believed, on whatever Python there is.
_ARRIVE: Final = """\
import hashlib, json, os, sys
part, whole, digest, oldest = sys.argv[2:6]
del sys.argv[2:6]
if sys.version_info[:2] < tuple(json.loads(oldest)):
    print(json.dumps({"python": sys.version_info[:3]}))
    sys.exit(0)
if os.path.exists(part) or not os.path.exists(whole):
    with open(part, "rb") as file:
        seen = hashlib.sha256(file.read()).hexdigest()
    if seen != digest:
        print(json.dumps({"damaged": seen}))
        sys.exit(0)
    os.replace(part, whole)
"""


def launched(python: Sequence[str], code_path: Sequence[str], *args: str) -> list[str]:
    """Return the command line of one of the runner's commands.

    Args:
        python: how Python is started.
        code_path: directories and archives in which the runner's code is found.
        args: the command and its arguments.

    """
    return [*python, *PYTHON_OPTIONS, "-c", _LAUNCH, json.dumps(list(code_path)), *args]


def arriving(
    python: Sequence[str],
    code_path: Sequence[str],
    arrival: tuple[str, str, str],
    oldest: tuple[int, int],
    *args: str,
) -> list[str]:
    """Return the command line that checks what has arrived and then runs a command of its runner.

    `arrival` is (path of the part, path of the whole, SHA-256). The command prints
    `{"damaged": sha256}` when the part is not what it should be, `{"python": version}` when Python
    is older than `oldest`, else what the runner's command prints. It may be run again.
    """
    start = [*python, *PYTHON_OPTIONS, "-c", _ARRIVE + _LAUNCH, json.dumps(list(code_path))]
    return [*start, *arrival, json.dumps(list(oldest)), *args]
