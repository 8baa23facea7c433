"""`make demo`: run the bundled pipeline and show what ran, where its records are, what came out."""

import csv
import subprocess
import sys
from itertools import islice
from pathlib import Path

DEMO = Path(__file__).parents[1] / "examples" / "demo"
OSIRIS = Path(sys.executable).with_name("osiris")
_ROWS = 5


def main() -> int:
    """Compile, run, and show; return the exit code of what failed, else 0."""
    print("examples/demo: CSV files, SQL, CSV files; seven steps, no server\n")
    for arguments in (["compile", "pipeline.yaml"], ["run", "--last-compile"]):
        print(f"$ osiris {' '.join(arguments)}", flush=True)
        done = subprocess.run([OSIRIS, *arguments], cwd=DEMO, check=False)
        if done.returncode:
            return done.returncode
        print()
    run = max((DEMO / "logs").glob("run_*"), key=lambda path: path.stat().st_mtime_ns)
    print(f"The records of this run, in {run.relative_to(DEMO.parents[1])}:")
    print("  " + "  ".join(sorted(path.name + "/" * path.is_dir() for path in run.iterdir())))
    for path in sorted((DEMO / "output").glob("*.csv")):
        print(f"\nThe first rows of {path.relative_to(DEMO.parents[1])}:")
        show(path)
    return 0


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
