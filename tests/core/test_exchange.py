"""The queue between two steps: order, spilling, replay, failure."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, DataError
from osiris.core.exchange import Exchange

SCHEMA = pa.schema([("n", pa.int64())])


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.int64())], SCHEMA)


def exchange(directory: Path, *, budget: int = 1 << 20, replayable: bool = False) -> Exchange:
    return Exchange(SCHEMA, budget=budget, spill_dir=directory, replayable=replayable)


def drain(edge: Exchange) -> list[int]:
    return [n for b in edge.batches(CancelToken()) for n in b.column(0).to_pylist()]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sizes=st.lists(st.integers(0, 50), max_size=30),
    budget=st.integers(0, 800),
    early=st.integers(0, 30),
    replayable=st.booleans(),
)
def test_what_goes_in_comes_out_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    budget: int,
    early: int,
    replayable: bool,
) -> None:
    """A reader that is ahead, behind or in between sees the same rows, whatever spills."""
    edge = exchange(tmp_path_factory.mktemp("x"), budget=budget, replayable=replayable)
    reader = edge.batches(CancelToken())
    expected: list[int] = []
    seen: list[int] = []
    taken = 0
    for index, size in enumerate(sizes):
        numbers = list(range(len(expected), len(expected) + size))
        expected += numbers
        edge.put(batch(*numbers))
        if index < early and taken <= index:
            seen += next(reader).column(0).to_pylist()
            taken += 1
    edge.close()
    seen += [n for b in reader for n in b.column(0).to_pylist()]
    assert seen == expected
    assert edge.rows == len(expected)
    if replayable:
        assert drain(edge) == expected
    edge.discard()


def test_two_threads_lose_nothing(tmp_path: Path) -> None:
    edge = exchange(tmp_path, budget=2000)
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.extend(drain(edge)))
    reader.start()
    for start in range(0, 20_000, 100):
        edge.put(batch(*range(start, start + 100)))
    edge.close()
    reader.join(60)
    assert seen == list(range(20_000))


def test_memory_stays_within_the_budget(tmp_path: Path) -> None:
    edge = exchange(tmp_path, budget=8_000)
    for _ in range(100):
        edge.put(batch(*range(1000)))
    assert edge.spilled_bytes > 90 * 8_000
    edge.discard()


def test_a_spill_file_has_no_name(tmp_path: Path) -> None:
    """So nothing of it is left, whatever kills the process."""
    edge = exchange(tmp_path, budget=0)
    edge.put(batch(1))
    edge.put(batch(2))
    assert edge.spilled_bytes > 0
    assert not list(tmp_path.iterdir())
    edge.close()
    assert drain(edge) == [1, 2]


def test_a_failure_arrives_at_once(tmp_path: Path) -> None:
    edge = exchange(tmp_path)
    edge.put(batch(1))
    edge.fail(DataError("bad"))
    with pytest.raises(DataError, match="bad"):
        drain(edge)


def test_a_waiting_reader_can_be_stopped(tmp_path: Path) -> None:
    edge = exchange(tmp_path)
    token = CancelToken()
    threading.Timer(0.1, token.cancel).start()
    with pytest.raises(CancelledError):
        list(edge.batches(token))


def test_a_reader_that_left_costs_nothing(tmp_path: Path) -> None:
    edge = exchange(tmp_path, budget=0)
    edge.put(batch(1))
    edge.discard()
    for _ in range(10):
        edge.put(batch(1, 2))
    assert edge.spilled_bytes == 0
    assert edge.rows == 21
