"""Byte code that travels with the source."""

import importlib.util
import marshal
import os
import py_compile
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from osiris.remote.compiled_code import compiled

MODES = [
    py_compile.PycInvalidationMode.TIMESTAMP,
    py_compile.PycInvalidationMode.CHECKED_HASH,
    py_compile.PycInvalidationMode.UNCHECKED_HASH,
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text("WORD = 'compiled'\n")
    return path


@pytest.mark.parametrize("mode", MODES)
def test_it_is_what_python_runs(
    source: Path, tmp_path: Path, mode: py_compile.PycInvalidationMode
) -> None:
    py_compile.compile(str(source), invalidation_mode=mode, doraise=True)
    code = compiled(source)
    assert code is not None
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("module.py", "WORD = 'source'\n")
        file.writestr("module.pyc", code)
    program = f"import sys; sys.path.insert(0, {str(archive)!r}); import module; print(module.WORD)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "compiled\n"


def test_another_python_reads_the_source(source: Path, tmp_path: Path) -> None:
    py_compile.compile(str(source), doraise=True)
    code = compiled(source)
    assert code is not None
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("module.py", "WORD = 'source'\n")
        file.writestr("module.pyc", b"\0\0\r\n" + code[4:])
    program = f"import sys; sys.path.insert(0, {str(archive)!r}); import module; print(module.WORD)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "source\n"


@pytest.mark.parametrize("mode", MODES)
def test_that_of_another_source_does_not_travel(
    source: Path, mode: py_compile.PycInvalidationMode
) -> None:
    py_compile.compile(str(source), invalidation_mode=mode, doraise=True)
    source.write_text("WORD = 'changed!'\n")
    os.utime(source, (1, 1))
    assert compiled(source) is None


def test_none_is_kept(source: Path) -> None:
    assert compiled(source) is None


def test_that_of_another_python_does_not_travel(source: Path) -> None:
    kept = Path(importlib.util.cache_from_source(source))
    kept.parent.mkdir()
    kept.write_bytes(b"\0\0\r\n" + bytes(12) + marshal.dumps(compile("", "", "exec")))
    assert compiled(source) is None
