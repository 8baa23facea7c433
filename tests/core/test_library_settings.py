"""The variables that libraries read when they are imported."""

import subprocess
import sys

import pyarrow as pa
import pytest

from osiris.core.library_settings import set_library_variables

PROGRAM = """
import os
from osiris.core.library_settings import set_library_variables
set_library_variables(os.environ)
import pyarrow as pa
print(pa.default_memory_pool().backend_name, pa.array([1, 2, 3]).to_pylist())
"""


def _backend(monkeypatch: pytest.MonkeyPatch, chosen: str | None) -> str:
    if chosen is None:
        monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    else:
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", chosen)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert not done.stderr
    backend, _, array = done.stdout.partition(" ")
    assert array == "[1, 2, 3]\n"
    return backend


def test_jemalloc_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    there = "jemalloc" in pa.supported_memory_backends()
    found = _backend(monkeypatch, None)
    assert found == ("jemalloc" if there else pa.default_memory_pool().backend_name)


def test_the_callers_choice_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _backend(monkeypatch, "system") == "system"
    environ = {"OPENBLAS_NUM_THREADS": "7"}
    set_library_variables(environ)
    assert environ["OPENBLAS_NUM_THREADS"] == "7"


def test_no_allocator_is_asked_for_without_arrows_own_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    environ: dict[str, str] = {}
    set_library_variables(environ)
    assert environ == {"OPENBLAS_NUM_THREADS": "1"}
