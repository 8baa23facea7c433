"""Running steps here: the engine in this process, its records straight into the session."""

from contextlib import AbstractContextManager, ExitStack

from osiris.core.engine import Engine
from osiris.core.execution_adapter import ExecutionAdapter, PreparedRun
from osiris.core.log_levels import every_logger
from osiris.core.printed import Printed
from osiris.core.process_output import process_output
from osiris.core.records import Record
from osiris.core.thread_output import routed_streams


class LocalAdapter(ExecutionAdapter):
    """Runs the engine in this process (prepare · execute · collect as everywhere).

    Args:
        owns_process: this process is there for the run alone. Then all that it and its children
            write to file descriptors 1 and 2 is taken for what steps print, and they are not given
            back; else only what steps' threads write to `sys.stdout` and `sys.stderr`.

    """

    name = "local"

    def __init__(self, *, owns_process: bool = False) -> None:
        self._owns_process = owns_process

    def execute(self, prepared: PreparedRun) -> None:
        """Run all steps here."""
        request = prepared.request
        printed = request.session.printed

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
            around_thread=printed.thread,
        )
        with ExitStack() as hearing:
            hearing.callback(printed.close)
            hearing.enter_context(every_logger())
            hearing.enter_context(self._output(printed))
            engine.start(prepared.manifest)
            for step in prepared.manifest.steps:
                engine.submit(step.id, prepared.configs[step.id])
            engine.finish()

    def _output(self, printed: Printed) -> AbstractContextManager[None]:
        return process_output(printed.feed) if self._owns_process else routed_streams()
