"""What holds for every extractor that reads a query or, instead, a table by its name."""

from collections.abc import Sequence
from typing import Protocol


class Reads(Protocol):
    """The fields of such an extractor's config that are looked at."""

    @property
    def query(self) -> str | None:
        """The statement that returns rows."""

    @property
    def table(self) -> str | None:
        """The table's name."""

    @property
    def columns(self) -> Sequence[str] | None:
        """The table's columns that are wanted."""


def check_query_or_table(config: Reads, *options: str) -> None:
    """Raise `ValueError` unless either is set, `options` with a table alone, each column once."""
    if (config.query is None) == (config.table is None):
        raise ValueError("set either query or table")
    if config.query is not None and any(
        getattr(config, name) not in (None, []) for name in options
    ):
        *others, last = options
        named = f"{', '.join(others)} and {last} go" if others else f"{last} goes"
        raise ValueError(f"{named} with table; write them into the query")
    columns = list(config.columns or ())
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ValueError(f"columns names more than once: {', '.join(repeated)}")
