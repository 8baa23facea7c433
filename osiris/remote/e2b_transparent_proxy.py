"""Running steps in a sandbox: the engine is there, its records come here, nothing else differs."""

from osiris.core.execution_adapter import ExecutionAdapter, PreparedRun
from osiris.remote.choices import SandboxChoices
from osiris.remote.sandbox import SandboxProvider
from osiris.remote.sandbox_run import SandboxRun


class E2BTransparentProxy(ExecutionAdapter):
    """Runs the engine in a sandbox of any kind (prepare · execute · collect as everywhere).

    Args:
        provider: makes the sandbox; its name is the adapter's.
        choices: how the run should go, beyond what every run's options say.

    """

    def __init__(self, provider: SandboxProvider, choices: SandboxChoices | None = None) -> None:
        self.name = provider.name
        self._provider = provider
        self._choices = choices or SandboxChoices()

    def execute(self, prepared: PreparedRun) -> None:
        """Make a sandbox, run all steps in it, bring everything back, end the sandbox.

        A run that is cancelled before there is a sandbox gets none.
        """
        prepared.request.cancel.raise_if_set()
        error = SandboxRun(prepared, self._provider, self._choices).execute()
        if error is not None:
            raise error
