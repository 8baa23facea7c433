"""Reading parts at the same time: order, memory, failure, being stopped."""

import threading
from collections.abc import Generator
from pathlib import Path

import pyarrow as pa
import pytest

from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, TransientStepError
from osiris.core.partitions import PartitionedReading

SCHEMA = pa.schema([("n", pa.int64())])
Batches = Generator[pa.RecordBatch, None, None]
SECONDS = 60.0


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.int64())], SCHEMA)


def numbers_of(batches: Batches) -> list[int]:
    return [number for one in batches for number in one.column(0).to_pylist()]


@pytest.fixture
def token() -> CancelToken:
    return CancelToken()


def reading(token: CancelToken, directory: Path, budget: int = 1 << 20) -> PartitionedReading:
    return PartitionedReading(cancelled=token, spill_dir=directory, budget=budget)


def part(*numbers: int) -> Batches:
    for number in numbers:
        yield batch(number)


def after(event: threading.Event, numbers: Batches) -> Batches:
    assert event.wait(SECONDS)
    yield from numbers


def then(numbers: Batches, event: threading.Event) -> Batches:
    yield from numbers
    event.set()


@pytest.mark.parametrize("budget", [0, 1 << 20], ids=["on disk", "in memory"])
def test_later_parts_wait_for_earlier_ones(token: CancelToken, tmp_path: Path, budget: int) -> None:
    """The last part is read to its end before the first one begins."""
    last_is_read = threading.Event()
    parts = [after(last_is_read, part(1, 2)), part(), then(part(*range(3, 100)), last_is_read)]
    read = reading(token, tmp_path, budget)
    assert numbers_of(read.batches(SCHEMA, parts)) == list(range(1, 100))
    assert (read.spilled_bytes > 0) == (budget == 0)
    assert list(tmp_path.iterdir()) == []


def test_the_first_part_comes_out_live(token: CancelToken, tmp_path: Path) -> None:
    seen = threading.Event()

    def first() -> Batches:
        yield batch(1)
        assert seen.wait(SECONDS)
        yield batch(2)

    batches = reading(token, tmp_path).batches(SCHEMA, [first(), part(3)])
    assert next(batches).column(0).to_pylist() == [1]
    seen.set()
    assert numbers_of(batches) == [2, 3]


def until_stopped(read: PartitionedReading, ended: list[bool]) -> Batches:
    """A part that has no end, and waits for nothing but to be stopped."""
    try:
        yield batch(1)
        assert read.stop.wait(SECONDS)
        read.stop.raise_if_set()
    finally:
        ended.append(True)


def test_a_part_that_fails_ends_the_others_at_once(token: CancelToken, tmp_path: Path) -> None:
    read, ended = reading(token, tmp_path), list[bool]()

    def failing() -> Batches:
        yield batch(5)
        raise TransientStepError("the server went")

    with pytest.raises(TransientStepError, match="the server went"):
        numbers_of(read.batches(SCHEMA, [until_stopped(read, ended), failing()]))
    assert ended == [True]
    assert not token.is_set()


def test_cancelling_ends_every_part(token: CancelToken, tmp_path: Path) -> None:
    read, ended = reading(token, tmp_path), list[bool]()
    batches = read.batches(SCHEMA, [until_stopped(read, ended), until_stopped(read, ended)])
    next(batches)
    token.cancel()
    with pytest.raises(CancelledError):
        next(batches)
    assert ended == [True, True]


def test_giving_up_ends_every_part(token: CancelToken, tmp_path: Path) -> None:
    read, ended = reading(token, tmp_path), list[bool]()
    batches = read.batches(SCHEMA, [until_stopped(read, ended), until_stopped(read, ended)])
    next(batches)
    batches.close()
    assert ended == [True, True]
    assert not token.is_set()
