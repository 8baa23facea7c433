"""E2B's cloud as the project's environment names it, for the verbs that talk to it."""

import importlib
from types import ModuleType

from osiris.cli.invocation import Invocation
from osiris.core.errors import MissingDependencyError
from osiris.remote.e2b_options import E2BAccount
from osiris.version import install_command


def e2b_account(invocation: Invocation) -> E2BAccount:
    """Return the account; raises `MissingVariableError` when there is no key."""
    return E2BAccount.from_environment(invocation.project().environment())


def e2b_cloud() -> ModuleType:
    """Return the module over the SDK; raises `MissingDependencyError` when that is not there."""
    try:
        return importlib.import_module("osiris.remote.e2b_sandbox")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"E2B's SDK is not installed ({error.name} is missing)",
            hint=install_command("e2b"),
        ) from error
