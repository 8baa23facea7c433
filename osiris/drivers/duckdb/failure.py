"""From DuckDB's errors to ours."""

import duckdb

from osiris.core.errors import (
    ConfigError,
    DataError,
    DiskFullError,
    StepError,
    SystemStepError,
    TransientStepError,
)

_SYSTEM = (
    duckdb.IOException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.InterruptException,
)
_DATA = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.ConstraintException,
    duckdb.DataError,
)
_SHORT = ("Out of Memory Error", "could not allocate", "failed to allocate")
_FULL = ("No space left", "Disk quota exceeded", "File too large")


def sql_failure(error: Exception, *, running: bool) -> StepError:
    """Return what an error of DuckDB means for the step whose query it prepared or was running.

    An error that comes through an Arrow stream has lost its class; what is left is its text.
    """
    text = str(error).strip()
    if isinstance(error, duckdb.OutOfMemoryException) or any(mark in text for mark in _SHORT):
        return SystemStepError(
            text.partition("\n")[0],
            hint="raise the step's `memory_limit`, or let the query hold less at once",
        )
    if any(mark in text for mark in _FULL):
        return DiskFullError(text, hint="the query puts on disk what memory cannot hold")
    if isinstance(error, _SYSTEM) or "INTERNAL Error" in text:
        return SystemStepError(text)
    if running or isinstance(error, _DATA):
        return DataError(text, hint="TRY_CAST makes NULL of what cannot be converted")
    return ConfigError(text, hint="correct the step's `query`")


def write_failure(error: duckdb.Error, table: str) -> StepError:
    """Return what an error of DuckDB means for the step that writes into a table."""
    text = f"{table}: {str(error).strip().partition(chr(10))[0]}"
    if isinstance(error, duckdb.ConstraintException):
        return DataError(text, hint="correct the data or the query; nothing was written")
    if isinstance(error, duckdb.TransactionException) or "Conflict" in text:
        return TransientStepError(text, hint="another step changed the table; nothing was written")
    if isinstance(error, duckdb.CatalogException | duckdb.DependencyException):
        return ConfigError(text, hint="change the table yourself, or the step's options")
    found = sql_failure(error, running=True)
    return type(found)(text, hint=found.hint)
