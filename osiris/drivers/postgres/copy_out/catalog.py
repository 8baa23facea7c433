"""What the server's catalog says about types that are not the same on every server."""

from collections.abc import Mapping, Sequence
from typing import Final

from osiris.drivers.postgres.copy_out.columns import MONEY, TypeInfo
from osiris.drivers.postgres.wire.messages import FieldDescription, whole_number
from osiris.drivers.postgres.wire.receive import Receiver
from osiris.drivers.postgres.wire.session import only_row, rows

_TYPES: Final = """\
SELECT t.oid, t.typtype = 'e', e.oid, e.typbasetype, e.typtypmod, e.typtype = 'e'
FROM pg_catalog.pg_type AS t
LEFT JOIN pg_catalog.pg_type AS e
ON e.oid = t.typelem AND t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc
WHERE t.oid IN ({})"""
_MONEY_SCALE: Final = "SELECT pg_catalog.scale(CAST(CAST(1 AS money) AS numeric))"
_CENTS: Final = 2


def look_up(receiver: Receiver, numbers: Sequence[int]) -> dict[int, TypeInfo]:
    """Return what the catalog says about the types with these numbers."""
    if not numbers:
        return {}
    found = rows(receiver, _TYPES.format(", ".join(map(str, numbers))), width=6)
    return {whole_number(number): _info(*rest) for number, *rest in found}


def _info(
    enum: str | None,
    element: str | None,
    base: str | None,
    modifier: str | None,
    element_enum: str | None,
) -> TypeInfo:
    if element is None:
        return TypeInfo(enum == "t")
    domain = base not in {None, "0"}  # its values are sent as those of its base
    return TypeInfo(
        enum=False,
        element=whole_number(base if domain else element),
        element_modifier=whole_number(modifier) if domain else -1,
        element_enum=element_enum == "t",
    )


def money_scale(
    receiver: Receiver, fields: Sequence[FieldDescription], types: Mapping[int, TypeInfo]
) -> int:
    """Return the digits after the point of money, asking only when there is money."""
    read = {field.type_oid for field in fields} | {info.element for info in types.values()}
    if MONEY not in read:
        return _CENTS
    (scale,) = only_row(receiver, _MONEY_SCALE, 1)
    return whole_number(scale)
