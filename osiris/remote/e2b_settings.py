"""What a sandbox is made with: life, owner, and the network that its run needs and no more."""

from typing import Any

from osiris.remote.network_access import EVERYWHERE, PACKAGE_INDEX, NetworkAccess
from osiris.remote.ownership import Owner
from osiris.remote.sandbox import SandboxSpec

IDEMPOTENCY_KEY = "Idempotency-Key"


def creation_settings(spec: SandboxSpec, owner: Owner, *, install_deps: bool) -> dict[str, Any]:
    """Return the parameters of the SDK's `create`, but for the template.

    No variable is among them: those that a run needs go with the call that starts its worker.
    """
    access = NetworkAccess.to((*spec.hosts, *(PACKAGE_INDEX if install_deps else ())))
    settings: dict[str, Any] = {
        "timeout": spec.ttl_seconds,
        "metadata": {**spec.metadata, **owner.to_metadata()},
        # The SDK's own parameter for it came later than the oldest SDK that is supported.
        "api_headers": {IDEMPOTENCY_KEY: owner.idempotency_key},
        "lifecycle": {"on_timeout": "kill"},
    }
    if access.allowed:
        settings["network"] = {"allow_out": list(access.allowed), "deny_out": [EVERYWHERE]}
    else:
        settings["allow_internet_access"] = False
    return settings
