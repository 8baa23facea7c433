"""Following the chain of packets in lanes gives what following it one by one gives, always."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.drivers.mysql.packet_starts import SLACK, Bytes, packet_starts


def _buffer(payloads: list[bytes], *, first: int = 0, cut: int = 0) -> tuple[Bytes, int]:
    """Frame the payloads; leave the last `cut` bytes away."""
    framed = b"".join(
        len(payload).to_bytes(3, "little") + bytes([number & 0xFF]) + payload
        for number, payload in enumerate(payloads, first)
    )
    end = len(framed) - cut
    return np.frombuffer(framed[:end] + b"\xaa" * SLACK, np.uint8), end


def _chain(data: Bytes, start: int, end: int) -> tuple[list[int], int]:
    starts, at = [], start
    while at + 4 <= end:
        after = at + 4 + int.from_bytes(data[at : at + 3].tobytes(), "little")
        if after > end:
            break
        starts.append(at)
        at = after
    return starts, at


def _check(data: Bytes, end: int, start: int = 0) -> None:
    expected, expected_after = _chain(data, start, end)
    for marker in (None, 0, 7):
        starts, after = packet_starts(data, start, end, marker=marker)
        assert starts.tolist() == expected
        assert after == expected_after


@pytest.mark.parametrize("size", [0, 1, 2, 5, 60, 200, 255, 256, 1000])
@pytest.mark.parametrize("count", [0, 1, 40, 3000, 20_000])
def test_packets_of_one_size(size: int, count: int) -> None:
    data, end = _buffer([b"\0" * size] * count, first=250)
    _check(data, end)


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 50, 103])
def test_the_last_packet_may_not_be_whole(cut: int) -> None:
    data, end = _buffer([b"\0" * 100] * 5000, cut=cut)
    starts, after = packet_starts(data, 0, end, marker=0)
    assert len(starts) == 4999
    assert after == 4999 * 104


@pytest.mark.parametrize("seed", range(20))
def test_packets_of_many_sizes(seed: int) -> None:
    random = np.random.default_rng(seed)
    zeros = seed % 2
    sizes = random.integers(0, random.integers(2, 400), 8000)
    payloads = [bytes(size) if zeros else b"\0" + random.bytes(size) for size in sizes.tolist()]
    payloads[4000] = random.bytes(70_000)
    data, end = _buffer(payloads, cut=int(random.integers(0, 20)))
    _check(data, end)
    _check(data, end, start=len(payloads[0]) + 4)


def test_payloads_made_of_packets_do_not_mislead() -> None:
    inside, _ = _buffer([b"\0" * 20] * 200)
    data, end = _buffer([b"\0" + inside.tobytes()] * 500 + [b"\0" * 20] * 3000)
    _check(data, end)
    # Every payload holds a chain that runs in step with the outer one, but never meets it.
    payloads = []
    for number in range(6000):
        false = bytes([24 + 4, 0, 0, number + 100 & 0xFF]) + b"\0" * 24
        payloads.append(false)
    data, end = _buffer(payloads)
    _check(data, end)


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.binary(max_size=40), min_size=1, max_size=30),
    times=st.integers(100, 1500),
    cut=st.integers(0, 60),
    first=st.integers(0, 255),
)
def test_any_packets(pieces: list[bytes], times: int, cut: int, first: int) -> None:
    data, end = _buffer(pieces * times, first=first, cut=min(cut, 4))
    _check(data, end)


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(min_size=1, max_size=300), times=st.integers(1, 2000))
def test_any_bytes(noise: bytes, times: int) -> None:
    whole = noise * times
    data = np.frombuffer(whole + b"\0" * SLACK, np.uint8)
    _check(data, len(whole))
