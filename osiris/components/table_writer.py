"""What every component that writes into a database table can be told: table, mode, contract."""

import warnings
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from osiris.components.component import ComponentConfig

Name = Annotated[str, Field(min_length=1)]
WriteMode = Literal["append", "replace", "upsert"]
OnDifference = Literal["error", "evolve", "ignore"]

with warnings.catch_warnings():
    # pydantic has a deprecated method of this name; the option is called what databases call it.
    warnings.filterwarnings("ignore", 'Field name "schema"', UserWarning)

    class TableWriterConfig(ComponentConfig):
        """Which table, how the rows get into it, and what to do where the columns differ."""

        table: Name = Field(description="Name of the table, as it is (no quoting).")
        schema: Name | None = Field(  # type: ignore[assignment]  # as above
            None, description="Schema that holds the table; the connection's own when left out."
        )
        write_mode: WriteMode = Field(
            "append",
            description="append: all rows or none; replace: readers see the old rows or the new; "
            "upsert: a row whose primary_key is there takes its place.",
        )
        primary_key: tuple[Name, ...] = Field(
            (),
            description="Columns that tell one row from another: upsert looks rows up by them, "
            "and a created table gets them as its key.",
        )
        create_if_missing: bool = Field(
            default=False, description="Create the table when it is not there."
        )
        batch_size: int | None = Field(
            None, ge=1, description="Most rows sent at once; as many as suit when left out."
        )
        lock_timeout: float = Field(
            60, gt=0, le=86400, description="Seconds to wait while others hold a lock on the table."
        )
        on_new_column: OnDifference = Field(
            "error",
            description="The input has a column that the table has not: stop, add it, or do not "
            "write it.",
        )
        on_missing_column: OnDifference = Field(
            "error",
            description="The table has a column without a default that the input has not: stop, "
            "let it be NULL though the table forbids that, or let it be NULL.",
        )
        on_type_change: OnDifference = Field(
            "error",
            description="A column's type cannot hold the input's: stop at the first value that "
            "does not fit, widen the column, or write NULL for the values that do not fit.",
        )

        @model_validator(mode="after")
        def _goes_together(self) -> Self:
            if self.write_mode == "upsert" and not self.primary_key:
                raise ValueError("write_mode upsert needs primary_key")
            if self.primary_key and self.write_mode != "upsert" and not self.create_if_missing:
                raise ValueError(
                    "primary_key is not looked at: it goes with write_mode upsert "
                    "or create_if_missing"
                )
            repeated = sorted({k for k in self.primary_key if self.primary_key.count(k) > 1})
            if repeated:
                raise ValueError(f"primary_key names more than once: {', '.join(repeated)}")
            if any("\0" in name for name in (self.table, self.schema or "", *self.primary_key)):
                raise ValueError("a name cannot hold a NUL character")
            return self
