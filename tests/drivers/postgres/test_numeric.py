"""Decimals: every precision and scale, against Python's own arithmetic."""

import struct
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.drivers.postgres.copy_out.cells import UnreadableValueError, cells_at
from osiris.drivers.postgres.copy_out.numeric import decimal_type, numeric_decoder
from osiris.drivers.postgres.wire.messages import MalformedMessageError

BEHIND = bytes(64)


def _sent(value: Decimal, scale: int) -> bytes:
    """Encode as PostgreSQL's numeric_send does: no digits that are zero at either end."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rjust(-exponent + 1, "0")
    whole, fraction = text[: len(text) + exponent], text[len(text) + exponent :]
    whole = whole.zfill(-(-len(whole) // 4) * 4)
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int((whole + fraction)[at : at + 4]) for at in range(0, len(whole + fraction), 4)]
    weight = len(whole) // 4 - 1
    while groups and not groups[0]:
        groups.pop(0)
        weight -= 1
    while groups and not groups[-1]:
        groups.pop()
    head = struct.pack("!HhHH", len(groups), weight if groups else 0, sign * 0x4000, scale)
    return head + b"".join(struct.pack("!H", group) for group in groups)


def _decoded(fields: list[bytes | None], precision: int, scale: int) -> list[Decimal | None]:
    parts = [struct.pack("!i", -1 if x is None else len(x)) + (x or b"") for x in fields]
    at = np.cumsum([0, *map(len, parts)])[:-1]
    data = np.frombuffer(b"".join(parts) + BEHIND, np.uint8)
    cells, _ = cells_at(data, at)
    values = numeric_decoder(decimal_type(precision, scale))(cells).values
    values.validate(full=True)
    found: list[Decimal | None] = values.to_pylist()
    return found


@st.composite
def _declared(draw: st.DrawFn) -> tuple[int, int, list[int | None]]:
    precision = draw(st.integers(1, 76))
    most = 10**precision - 1
    unscaled = st.one_of(
        st.integers(-most, most), st.integers(-9999, 9999), st.sampled_from((0, most, -most))
    )
    fitting = unscaled.map(lambda value: max(-most, min(most, value)))
    numbers = draw(st.lists(st.none() | fitting, min_size=1, max_size=12))
    return precision, draw(st.integers(0, precision)), numbers


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_declared())
def test_every_precision_and_scale(case: tuple[int, int, list[int | None]]) -> None:
    precision, scale, numbers = case
    with localcontext(prec=100):
        values = [None if n is None else Decimal(n).scaleb(-scale) for n in numbers]
        fields = [None if value is None else _sent(value, scale) for value in values]
        found = _decoded(fields, precision, scale)
        assert found == values
        assert {x.as_tuple().exponent for x in found if x is not None} <= {-scale}


def test_a_number_that_is_larger_than_declared() -> None:
    with pytest.raises(UnreadableValueError, match="more digits than were declared"):
        _decoded([_sent(Decimal(100_000), 0)], 4, 0)
    with pytest.raises(UnreadableValueError, match="more digits than were declared"):
        _decoded([_sent(Decimal("0.00001"), 5)], 4, 4)


def test_a_number_that_is_cut_off() -> None:
    sent = _sent(Decimal("12345.67"), 2)
    with pytest.raises(MalformedMessageError):
        _decoded([sent[:-2]], 9, 2)
