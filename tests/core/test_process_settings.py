"""How a process that is there for the program alone is set up."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest

from osiris.core.process_settings import settle_process

PROGRAM = """
import os
from osiris.core.process_settings import settle_process
settle_process(os.environ)
import pyarrow as pa
print(pa.default_memory_pool().backend_name, pa.array([1, 2, 3]).to_pylist())
"""


@pytest.fixture(autouse=True)
def _same_threshold() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


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
    settle_process(environ)
    assert environ["OPENBLAS_NUM_THREADS"] == "7"


def test_no_allocator_is_asked_for_without_arrows_own_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    environ: dict[str, str] = {}
    settle_process(environ)
    assert environ == {"OPENBLAS_NUM_THREADS": "1"}
