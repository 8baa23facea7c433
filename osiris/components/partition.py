"""The `partition` option of extractors: reading ranges of one column at the same time."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

_MOST_PARTS: Final = 32


class Partition(BaseModel):
    """Which column is cut into how many ranges; every range has a connection of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Annotated[str, Field(min_length=1)] = Field(
        description="integer, date or time stamp column, best an indexed one with even values"
    )
    parts: int = Field(ge=2, le=_MOST_PARTS, description="ranges, and connections, at once")


def check_limit(partition: Partition | None, limit: int | None) -> None:
    """Raise `ValueError` when a table that is read in ranges is limited, too."""
    if partition is not None and limit is not None:
        raise ValueError("limit and partition do not go together: whose rows would be left out?")
