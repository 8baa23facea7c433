"""The adapter `e2b`: the transparent proxy over a sandbox in E2B's cloud."""

import os
from collections.abc import Mapping
from typing import Any

from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.e2b_template import TemplatePlan
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy


def e2b_adapter(
    account_env: Mapping[str, str] | None = None,
    template: str | None = None,
    **choices: Any,
) -> E2BTransparentProxy:
    """Return the adapter over the account that the environment names.

    Args:
        account_env: where the account is looked up; by default the process's environment.
        template: name of the template; by default the one built for this installation, if any.
        choices: fields of `SandboxChoices`.

    Raises:
        MissingVariableError: when there is no account.

    """
    account = E2BAccount.from_environment(os.environ if account_env is None else account_env)
    chosen = SandboxChoices(**choices)
    options = E2BOptions(
        template=template,
        plan=None if template else TemplatePlan.of_installation(),
        install_deps=chosen.install_deps,
    )
    return E2BTransparentProxy(E2BSandboxProvider(account, options), chosen)
