"""Following the chain of messages: in lanes as one by one, whatever the bytes look like."""

import random
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.drivers.postgres.wire.message_starts import message_starts

BEFORE = 64


def _row(fields: list[bytes]) -> bytes:
    payload = struct.pack("!h", len(fields))
    payload += b"".join(struct.pack("!i", len(field)) + field for field in fields)
    return b"d" + struct.pack("!I", len(payload) + 4) + payload


def _check(messages: list[bytes], columns: int, cut: int = 0) -> None:
    whole = b"".join(messages)
    received = whole[: len(whole) - cut]
    data = np.frombuffer(bytes(BEFORE) + received + bytes(BEFORE), np.uint8)
    starts, after = message_starts(data, BEFORE, BEFORE + len(received), columns)
    ends = BEFORE + np.cumsum([len(message) for message in messages])
    expected = [BEFORE, *ends[:-1].tolist()]
    complete = int((ends <= BEFORE + len(received)).sum())
    assert starts.tolist() == expected[:complete]
    assert after == (ends[complete - 1] if complete else BEFORE)


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 6, 30, 31, 32, 33, 1000])
def test_even_rows(cut: int) -> None:
    _check([_row([b"12345678", b"abc"]) for _ in range(20_000)], 2, cut)


@pytest.mark.parametrize("seed", range(8))
def test_uneven_rows(seed: int) -> None:
    chance = random.Random(seed)
    rows = [_row([chance.randbytes(chance.choice((0, 3, 8, 60))) for _ in range(3)])]
    rows *= chance.randrange(2000, 9000)
    chance.shuffle(rows)
    _check(rows, 3, chance.randrange(40))


@pytest.mark.parametrize("seed", range(4))
def test_values_that_look_like_rows(seed: int) -> None:
    chance = random.Random(seed)
    false = _row([b"x" * 8, _row([b"", b""])])
    rows = [
        _row([false * chance.randrange(4), chance.choice((false, b"d\0\0\0\x0a\0\2", b"d" * 40))])
        for _ in range(6000)
    ]
    _check(rows, 2)


def test_a_large_row_among_small_ones() -> None:
    small = [_row([b"a"]) for _ in range(8000)]
    _check([*small, _row([_row([b"a"]) * 30_000]), *small], 1)
    _check([*small, _row([bytes(300_000)]), *small[:10]], 1, 70)


def test_other_messages_between_rows() -> None:
    notice = b"N" + struct.pack("!I", 4 + 7) + b"SHELLO\0"
    rows = [_row([b"a" * (i % 7)]) for i in range(9000)]
    _check([*rows[:4000], notice, *rows[4000:], b"c\0\0\0\4", b"C\0\0\0\x0bCOPY 1\0"], 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(0, 60))
def test_few_messages(payloads: list[bytes], cut: int) -> None:
    messages = [b"d" + struct.pack("!I", len(payload) + 4) + payload for payload in payloads]
    _check(messages, 1, min(cut, sum(map(len, messages))))
