"""Arrow types reduced to what they mean: encodings and offset widths make no difference."""

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_IS: Final = pa.types


def _is_text(kind: pa.DataType) -> bool:
    return bool(_IS.is_string(kind) or _IS.is_large_string(kind) or _IS.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    wide = _IS.is_large_binary(kind) or _IS.is_fixed_size_binary(kind) or _IS.is_binary_view(kind)
    return bool(_IS.is_binary(kind) or wide)


def is_list(kind: pa.DataType) -> bool:
    """Tell whether a type is a list of some sort; a map is none."""
    views = _IS.is_list_view(kind) or _IS.is_large_list_view(kind)
    lists = _IS.is_list(kind) or _IS.is_large_list(kind) or _IS.is_fixed_size_list(kind)
    return bool(lists or views)


def _extension(kind: Any) -> pa.DataType:
    name = kind.extension_name
    if name == "arrow.json":
        return pa.json_()
    return pa.uuid() if name == "arrow.uuid" else plain_type(kind.storage_type)


_PLAIN: Final[tuple[tuple[Callable[[Any], bool], Callable[[Any], pa.DataType]], ...]] = (
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _extension),
    (_IS.is_dictionary, lambda kind: plain_type(kind.value_type)),
    (_IS.is_run_end_encoded, lambda kind: plain_type(kind.value_type)),
    (_is_text, lambda _: pa.string()),
    (_is_bytes, lambda _: pa.binary()),
    (is_list, lambda kind: pa.list_(plain_type(kind.value_type))),
    (_IS.is_date64, lambda _: pa.date32()),
    (_IS.is_float16, lambda _: pa.float32()),
    (_IS.is_decimal32, lambda kind: pa.decimal128(kind.precision, kind.scale)),
    (_IS.is_decimal64, lambda kind: pa.decimal128(kind.precision, kind.scale)),
    (_IS.is_time32, lambda _: pa.time64("us")),
)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the plainest type that has the same values.

    Dictionaries and run ends are decoded, large and view types are their small twins (which says
    nothing about how an array of them is laid out), unknown extensions are their storage.
    """
    for matches, plain in _PLAIN:
        if matches(kind):
            return plain(kind)
    return kind


def decoded(array: pa.Array) -> pa.Array:
    """Return an array without dictionaries, run ends and unknown extensions on the outside."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        known = kind.extension_name in {"arrow.json", "arrow.uuid"}
        return array if known else decoded(array.storage)
    if _IS.is_dictionary(kind):
        return decoded(array.dictionary_decode())
    if _IS.is_run_end_encoded(kind):
        return decoded(pc.run_end_decode(array))
    return array
