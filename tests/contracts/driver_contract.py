"""What every driver must do, whatever its component."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from pydantic import ValidationError

from osiris.components.component import Component, ComponentConfig, Mode
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import CancelledError, OsirisError
from osiris.core.events import ArtifactCreated, StepEvent
from osiris.core.metrics import MetricName
from osiris.core.step_config import sha256_hex
from osiris.core.stream import TableStream, as_reader

TABLE = pa.table({"id": pa.array([1, 2, None], pa.int64()), "text": ["a", "", None]})


class DriverContract:
    """Subclass as `TestSomething`, set `component`, and define what its fixtures ask for.

    Attributes:
        component: the component's name, found through its entry point.

    """

    component: ClassVar[str]

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        """Return a working configuration, connection included, as the driver's model takes it."""
        raise NotImplementedError

    @pytest.fixture
    def tables(self) -> dict[str, pa.Table]:
        """Return the input tables of a transform or write step; nothing for a read step."""
        return {"df": TABLE}

    # --- how a step is run, here without an engine ---

    @pytest.fixture
    def registered(self) -> Component:
        """The component as its entry point gives it."""
        return DriverRegistry().component(self.component)

    @pytest.fixture
    def events(self) -> list[StepEvent]:
        """The events that the driver recorded."""
        return []

    @pytest.fixture
    def context(self, tmp_path: Path, events: list[StepEvent]) -> DriverContext:
        """What the driver may touch."""
        output_dir = tmp_path / "artifacts" / "step"
        output_dir.mkdir(parents=True)

        def metric(name: MetricName, value: float) -> None:
            assert name in MetricName
            assert value >= 0

        return DriverContext(
            output_dir=output_dir,
            base_dir=tmp_path,
            spill_dir=tmp_path / "spill",
            log_event=events.append,
            log_metric=metric,
            cancelled=CancelToken(),
        )

    def run(
        self,
        registered: Component,
        options: dict[str, Any],
        tables: Mapping[str, pa.Table],
        context: DriverContext,
    ) -> Mapping[str, Any]:
        """Run the driver once and return what it returned."""
        config = registered.config.model_validate(options)
        inputs = (
            {}
            if registered.modes == {Mode.READ}
            else {
                name: TableStream(table.schema, table.to_batches(max_chunksize=2), source=name)
                for name, table in tables.items()
            }
        )
        driver = DriverRegistry().driver(self.component)
        return driver.run(step_id="step", config=config, inputs=inputs, ctx=context)

    # --- the contract ---

    def test_the_driver_is_named_for_its_component(self, registered: Component) -> None:
        module, _, name = registered.driver.partition(":")
        plain = self.component.replace(".", "_")
        assert module.rpartition(".")[2] in {plain, "drivers"}
        assert name.lower() == plain.replace("_", "") + "driver"

    def test_the_component_describes_itself(self, registered: Component) -> None:
        assert registered.name == self.component
        assert re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", registered.name)
        assert registered.summary.endswith(".")
        assert registered.modes
        assert issubclass(registered.config, ComponentConfig)

    def test_an_unknown_option_is_refused(
        self, registered: Component, options: dict[str, Any]
    ) -> None:
        with pytest.raises(ValidationError):
            registered.config.model_validate({**options, "no_such_option": 1})

    def test_it_returns_what_its_mode_promises(
        self,
        registered: Component,
        options: dict[str, Any],
        tables: dict[str, pa.Table],
        context: DriverContext,
    ) -> None:
        outputs = self.run(registered, options, tables, context)
        if registered.modes == {Mode.WRITE}:
            assert outputs["rows_written"] == sum(t.num_rows for t in tables.values())
        else:
            reader = as_reader(outputs["df"], what="the driver")
            assert reader.read_all().schema == reader.schema

    def test_it_does_the_same_twice(
        self,
        registered: Component,
        options: dict[str, Any],
        tables: dict[str, pa.Table],
        context: DriverContext,
    ) -> None:
        results = []
        for _ in range(2):
            outputs = self.run(registered, options, tables, context)
            if "df" in outputs:
                results.append(as_reader(outputs["df"], what="the driver").read_all().to_pylist())
            else:
                files = sorted(p for p in context.output_dir.rglob("*") if p.is_file())
                results.append([p.read_bytes() for p in files])
        assert results[0] == results[1]

    def test_files_it_makes_are_told_and_whole(
        self,
        registered: Component,
        options: dict[str, Any],
        tables: dict[str, pa.Table],
        context: DriverContext,
        events: list[StepEvent],
    ) -> None:
        outputs = self.run(registered, options, tables, context)
        if "df" in outputs:
            as_reader(outputs["df"], what="the driver").read_all()
        files = {
            f"artifacts/step/{p.relative_to(context.output_dir)}": p.read_bytes()
            for p in context.output_dir.rglob("*")
            if p.is_file()
        }
        told = {e.path: (e.bytes, e.sha256) for e in events if isinstance(e, ArtifactCreated)}
        assert told == {name: (len(data), sha256_hex(data)) for name, data in files.items()}

    def test_a_cancelled_step_leaves_nothing(
        self,
        registered: Component,
        options: dict[str, Any],
        tables: dict[str, pa.Table],
        context: DriverContext,
    ) -> None:
        context.cancelled.cancel(CancelledError("stop"))
        try:
            outputs = self.run(registered, options, tables, context)
        except OsirisError as error:
            assert isinstance(error, CancelledError)  # noqa: PT017 - a driver may also just end
        else:
            assert "df" in outputs or registered.modes == {Mode.WRITE}
        assert not list(context.output_dir.rglob("*.part"))
