"""`make demo`: run the bundled pipeline here and in a sandbox, and show that it is the same run."""

import csv
import subprocess
import sys
from itertools import islice
from pathlib import Path

DEMO = Path(__file__).parents[1] / "examples" / "demo"
OSIRIS = Path(sys.executable).with_name("osiris")
_ROWS = 5
_NO_SANDBOX = 5
_INSTEAD = """\
So the second run is in a process of its own instead: a sandbox's whole life, but no isolation.
"""


def main() -> int:
    """Compile, run twice, show and compare; return the exit code of what failed, else 0."""
    print("examples/demo: CSV files, SQL, CSV files; seven steps, no server\n")
    code = osiris("compile", "pipeline.yaml") or osiris("run", "--last-compile")
    if code:
        return code
    here = last_run()
    for path in sorted((DEMO / "output").glob("*.csv")):
        print(f"The first rows of {path.relative_to(DEMO.parents[1])}:")
        show(path)
        print()
    code = osiris("run", "--last-compile", "--sandbox")
    if code == _NO_SANDBOX:
        print(_INSTEAD)
        code = osiris("run", "--last-compile", "--sandbox=process")
    if code:
        return code
    there = last_run()
    for run in (here, there):
        print(f"The records of the run in {run.relative_to(DEMO.parents[1])}:")
        print("  " + "  ".join(sorted(path.name + "/" * path.is_dir() for path in run.iterdir())))
    print()
    return osiris("parity", here.name, there.name, "--fail-if-diff")


def osiris(*arguments: str) -> int:
    """Show a command, run it in the demo's directory and return its exit code."""
    print(f"$ osiris {' '.join(arguments)}", flush=True)
    code = subprocess.run([OSIRIS, *arguments], cwd=DEMO, check=False).returncode
    print(flush=True)
    return code


def last_run() -> Path:
    """Return the directory of the run that began last."""
    return max((DEMO / "logs").glob("run_*"), key=lambda path: path.stat().st_mtime_ns)


def show(path: Path) -> None:
    """Print the head of a CSV file as aligned columns."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(islice(csv.reader(file), _ROWS + 1))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  " + "  ".join(cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
