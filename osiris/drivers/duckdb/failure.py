"""From DuckDB's errors to ours."""

import duckdb

from osiris.core.errors import ConfigError, DataError, DiskFullError, StepError, SystemStepError

_DATA = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.ConstraintException,
    duckdb.DataError,
)


def sql_failure(error: Exception) -> StepError:
    """Return what an error of DuckDB means for the step whose query it ran."""
    text = str(error).strip()
    if isinstance(error, duckdb.OutOfMemoryException):
        return SystemStepError(
            text, hint="raise the step's `memory_limit`, or let the query hold less at once"
        )
    if isinstance(error, duckdb.IOException) and "No space left" in text:
        return DiskFullError(text, hint="the query puts on disk what memory cannot hold")
    if isinstance(error, duckdb.IOException | duckdb.InternalException | duckdb.FatalException):
        return SystemStepError(text)
    if isinstance(error, _DATA):
        return DataError(text, hint="TRY_CAST makes NULL of what cannot be converted")
    return ConfigError(text, hint="correct the step's `query`")
