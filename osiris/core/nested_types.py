"""Looking into Arrow types that are made of others, and changing what they are made of."""

from collections.abc import Callable, Iterator

import pyarrow as pa


def types_in(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield a type and all types inside of it."""
    yield kind
    for place in range(kind.num_fields):
        yield from types_in(kind.field(place).type)


def with_inner_types(
    kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]
) -> pa.DataType:
    """Return a list, map or struct with each type directly inside of it changed.

    Any other type is returned as it is. Names and nullability of inner fields stay.
    """

    def changed(field: pa.Field) -> pa.Field:
        return pa.field(field.name, change(field.type), field.nullable)

    types = pa.types
    if types.is_struct(kind):
        return pa.struct([changed(field) for field in kind])
    if types.is_map(kind):
        return pa.map_(changed(kind.key_field), changed(kind.item_field))
    if types.is_fixed_size_list(kind):
        return pa.list_(changed(kind.value_field), kind.list_size)
    if types.is_large_list(kind):
        return pa.large_list(changed(kind.value_field))
    return pa.list_(changed(kind.value_field)) if types.is_list(kind) else kind
