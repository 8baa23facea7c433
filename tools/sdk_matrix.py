"""`python -m tools.sdk_matrix`: the E2B tests with the oldest SDK that is allowed and the newest.

Each SDK lives in an environment of its own in `.venv-e2b/VERSION`; everything else comes from the
environment that this runs in. Exit code 1 when the tests fail with one of them.
"""

import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEWEST = "newest"
TESTS = (
    "tests/contracts/test_e2b_adapter.py",
    "tests/e2b_server",
    "tests/remote/test_e2b_contract.py",
    "tests/remote/test_e2b_errors.py",
    "tests/remote/test_e2b_life.py",
    "tests/remote/test_e2b_provider.py",
    "tests/remote/test_e2b_runs.py",
    "tests/remote/test_e2b_sandbox.py",
)


def oldest() -> str:
    """Return the oldest version that pyproject.toml allows."""
    found = re.search(r'"e2b>=([\d.]+),', (ROOT / "pyproject.toml").read_text("utf-8"))
    if found is None:
        raise SystemExit("sdk_matrix: no lower bound for e2b in pyproject.toml")
    return ".".join([*found[1].split("."), "0"][:3])


def environment(version: str) -> Path:
    """Return the Python of an environment with that SDK, made when it is not there."""
    directory = ROOT / ".venv-e2b" / version
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True, symlinks=True)
    wanted = "e2b>=2,<3" if version == NEWEST else f"e2b=={version}"
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    subprocess.run([python, *pip, wanted], check=True)
    site = directory / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    here = Path(sysconfig.get_paths()["purelib"])
    (site / "zz_osiris_development.pth").write_text(f"{here}\n", "utf-8")  # after its own
    return python


def main() -> int:
    """Run the tests with each SDK; return the exit code."""
    failed = []
    for version in (oldest(), NEWEST):
        python = environment(version)
        shown = "import importlib.metadata; print(importlib.metadata.version('e2b'))"
        used = subprocess.run([python, "-c", shown], capture_output=True, text=True, check=True)
        print(f"sdk_matrix: e2b {used.stdout.strip()}", flush=True)
        command = [str(python), "-m", "pytest", "-q", "-n", "2", *TESTS]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(version)
    for version in failed:
        print(f"sdk_matrix: the tests fail with e2b {version}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
