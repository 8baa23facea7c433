"""The layers contract of pyproject.toml refuses what it is there to refuse."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (
    *("__main__", "cli", "api", "compiler", "drivers", "remote", "parity", "project", "report"),
    *("connections", "core", "components", "discovery", "telemetry"),
)


def _lint(tmp_path: Path, extra: dict[str, str]) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    packages = {f"osiris/{name}/__init__.py": "" for name in LAYERS}
    for name, text in {"osiris/__init__.py": "", "osiris/version.py": "", **packages}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in {"osiris/drivers/a.py": "", **extra}.items():
        (tmp_path / name).write_text(text)
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_tree_in_order_passes(tmp_path: Path) -> None:
    done = _lint(tmp_path, {"osiris/cli/main.py": "import osiris.core\nimport osiris.api\n"})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path,text",
    [
        ("osiris/core/engine.py", "import osiris.cli\n"),
        ("osiris/components/x.py", "import osiris.core\n"),
        ("osiris/compiler/x.py", "import osiris.drivers\n"),
        ("osiris/drivers/b.py", "import osiris.drivers.a\n"),
        ("osiris/stray.py", ""),
    ],
)
def test_a_tree_out_of_order_fails(tmp_path: Path, path: str, text: str) -> None:
    done = _lint(tmp_path, {path: text})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout or "stray" in done.stdout, done.stdout + done.stderr
