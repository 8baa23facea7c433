"""Osiris compiles data pipelines into fingerprinted manifests and runs them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from osiris.version import VERSION

if TYPE_CHECKING:
    from osiris.api import (
        Compilation,
        InvalidPipelineError,
        check_pipeline,
        compare_runs,
        compile_pipeline,
        discover,
        run_pipeline,
    )
    from osiris.core.cancel import CancelToken
    from osiris.core.errors import OsirisError
    from osiris.core.run import RunResult
    from osiris.core.run_options import RunOptions, StepOutputs
    from osiris.discovery.result import Discovery
    from osiris.parity.comparison import Comparison

__version__ = VERSION

_HOME = {
    "CancelToken": "osiris.core.cancel",
    "Comparison": "osiris.parity.comparison",
    "Compilation": "osiris.api",
    "InvalidPipelineError": "osiris.api",
    "Discovery": "osiris.discovery.result",
    "OsirisError": "osiris.core.errors",
    "RunOptions": "osiris.core.run_options",
    "RunResult": "osiris.core.run",
    "StepOutputs": "osiris.core.run_options",
    "check_pipeline": "osiris.api",
    "compare_runs": "osiris.api",
    "compile_pipeline": "osiris.api",
    "discover": "osiris.api",
    "run_pipeline": "osiris.api",
}

__all__ = [
    "CancelToken",
    "Comparison",
    "Compilation",
    "Discovery",
    "InvalidPipelineError",
    "OsirisError",
    "RunOptions",
    "RunResult",
    "StepOutputs",
    "__version__",
    "check_pipeline",
    "compare_runs",
    "compile_pipeline",
    "discover",
    "run_pipeline",
]


if not TYPE_CHECKING:  # a type checker would take every misspelt name for one of these

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used: `import osiris` itself imports nothing."""
        if name not in _HOME:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return __all__
