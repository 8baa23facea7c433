"""Running steps here: the engine in this process, its records straight into the session."""

from osiris.core.engine import Engine
from osiris.core.execution_adapter import ExecutionAdapter, PreparedRun
from osiris.core.records import Record


class LocalAdapter(ExecutionAdapter):
    """Runs the engine in this process (prepare · execute · collect as everywhere)."""

    name = "local"

    def execute(self, prepared: PreparedRun) -> None:
        """Run all steps here."""
        request = prepared.request

        def emit(record: Record) -> None:
            request.session.emit(record)
            prepared.publisher.take(record)

        engine = Engine(
            layout=request.session.layout,
            base_dir=request.project,
            emit=emit,
            env=prepared.variables,
            options=request.options,
            cancel=request.cancel,
        )
        engine.start(prepared.manifest)
        for step in prepared.manifest.steps:
            engine.submit(step.id, prepared.configs[step.id])
        engine.finish()
