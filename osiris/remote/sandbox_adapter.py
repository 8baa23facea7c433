"""The adapter `sandbox`: the transparent proxy over a sandbox on this machine."""

from typing import Any, Final

from osiris.core.errors import UsageError
from osiris.remote.bubblewrap_sandbox import BubblewrapSandboxProvider
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.process_sandbox import ProcessSandboxProvider
from osiris.remote.sandbox import SandboxProvider

KINDS: Final[dict[str, type[SandboxProvider]]] = {
    "bubblewrap": BubblewrapSandboxProvider,
    "process": ProcessSandboxProvider,
}
"""What a sandbox on this machine can be made of; `process` isolates nothing."""


def sandbox_adapter(kind: str = "bubblewrap", **choices: Any) -> E2BTransparentProxy:
    """Return the adapter over a sandbox of one of `KINDS`; `choices` are `SandboxChoices`'.

    Raises `UsageError` for another kind.
    """
    if kind not in KINDS:
        raise UsageError(
            f"there is no sandbox of kind {kind!r}", hint=f"known are: {', '.join(KINDS)}"
        )
    return E2BTransparentProxy(KINDS[kind](), SandboxChoices(**choices))
