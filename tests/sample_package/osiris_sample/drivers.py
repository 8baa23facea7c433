"""How the sample components run."""

import errno
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.core.atomic_file import AtomicFile
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError, DataError, TransientStepError
from osiris.core.events import ArtifactCreated
from osiris.core.stream import TableStream
from osiris_sample.components import (
    MapperConfig,
    Misbehaviour,
    SecretSourceConfig,
    SinkConfig,
    SourceConfig,
)

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string())])
log = logging.getLogger(__name__)


class Mischief:
    """Counts rows and goes wrong when it is time."""

    def __init__(self, config: Misbehaviour, ctx: DriverContext) -> None:
        self._config = config
        self._ctx = ctx
        self._rows = 0
        self._armed = config.fault != "none" and self._tries() <= config.fault_times

    def _tries(self) -> int:
        """Count this try and return its number."""
        if self._config.counter is None:
            return 1
        path = Path(self._config.counter)
        before = path.read_text() if path.exists() else ""
        path.write_text(before + "x")
        return len(before) + 1

    def rows(self, count: int) -> None:
        """Count rows that pass."""
        self._rows += count
        if self._config.delay:
            self._sleep()
        self.check()

    def _sleep(self) -> None:
        if self._config.deaf:
            time.sleep(self._config.delay)
        elif self._ctx.cancelled.wait(self._config.delay):
            self._ctx.cancelled.raise_if_set()

    def check(self) -> None:
        """Raise the fault when enough rows have passed."""
        if self._armed and self._rows >= self._config.fault_after:
            _raise(self._config.fault)


def _raise(fault: str) -> None:
    if fault == "config":
        raise ConfigError("the sample refuses", hint="ask nicely")
    if fault == "transient":
        raise TransientStepError("the sample is busy")
    if fault == "data":
        raise DataError("the sample's data is bad")
    if fault == "exit":
        sys.exit(3)
    if fault == "disk_full":
        raise OSError(errno.ENOSPC, "No space left on device")
    msg = "a bug in the sample"
    raise RuntimeError(msg)


class SampleSourceDriver:
    """Makes rows (id, text)."""

    def run(
        self,
        *,
        step_id: str,
        config: SourceConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return the rows as a stream."""
        del inputs
        log.info("source %s begins", step_id)
        batches = self._batches(config, Mischief(config, ctx))
        return {"df": pa.RecordBatchReader.from_batches(SCHEMA, batches)}

    def _batches(self, config: SourceConfig, mischief: Mischief) -> Iterator[pa.RecordBatch]:
        mischief.check()
        for start in range(0, config.rows, config.batch_rows):
            ids = range(start, min(start + config.batch_rows, config.rows))
            texts = [f"row {i}" for i in ids]
            yield pa.record_batch([pa.array(list(ids), pa.int64()), pa.array(texts)], SCHEMA)
            mischief.rows(len(ids))


class SampleSecretSourceDriver(SampleSourceDriver):
    """Makes rows and tells its secret wherever it can."""

    def run(
        self,
        *,
        step_id: str,
        config: SourceConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Log the token, then raise it or make rows."""
        if not isinstance(config, SecretSourceConfig):
            msg = "wrong config"
            raise TypeError(msg)
        token = config.connection.token.get_secret_value()
        log.warning("using token %s", token)
        if config.fault == "config":
            raise ConfigError(f"access denied for token '{token}'", hint=f"is {token} right?")
        if config.fault == "crash":
            raise RuntimeError(token)
        return super().run(step_id=step_id, config=config, inputs=inputs, ctx=ctx)


class SampleMapperDriver:
    """Passes its inputs on, the first to the last."""

    def run(
        self,
        *,
        step_id: str,
        config: MapperConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return the rows of all inputs as one stream."""
        del step_id
        batches = self._batches(config, inputs, Mischief(config, ctx))
        return {"df": pa.RecordBatchReader.from_batches(SCHEMA, batches)}

    def _batches(
        self, config: MapperConfig, inputs: Mapping[str, TableStream], mischief: Mischief
    ) -> Iterator[pa.RecordBatch]:
        mischief.check()
        for stream in inputs.values():
            for batch in stream:
                yield batch
                mischief.rows(batch.num_rows)
                if config.take is not None and stream.rows >= config.take:
                    break


class SampleSinkDriver:
    """Writes the ids it is handed into a file, one a line."""

    def run(
        self,
        *,
        step_id: str,
        config: SinkConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write and count."""
        mischief = Mischief(config, ctx)
        rows = 0
        with AtomicFile(ctx.output_dir / "ids.txt") as file:
            mischief.check()
            for stream in inputs.values():
                for batch in stream:
                    ids = batch.column(0).to_pylist()
                    file.write("".join(f"{i}\n" for i in ids).encode())
                    rows += len(ids)
                    mischief.rows(len(ids))
                    if config.stops_after is not None and rows >= config.stops_after:
                        break
        ctx.log_event(
            ArtifactCreated(
                step_id=step_id,
                path=f"artifacts/{step_id}/ids.txt",
                bytes=file.bytes,
                sha256=file.sha256,
                rows=rows,
            )
        )
        return {"rows_written": rows + config.claims}
