"""How to reach E2B and what to ask of it: from the environment, and from the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris.core.errors import MissingVariableError
from osiris.remote.e2b_template import TemplatePlan

KEY = "E2B_API_KEY"
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True)
class E2BAccount:
    """Where E2B is and who asks; never shown, for the key is in it.

    `proxy` is the proxy of the environment, where the services are reached over TLS.
    """

    api_key: str = field(repr=False)
    domain: str | None = None
    api_url: str | None = None
    sandbox_url: str | None = None
    proxy: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "E2BAccount":
        """Read the account; raises `MissingVariableError` when there is no key."""
        api_key = env.get(KEY, "").strip()
        if not api_key:
            raise MissingVariableError(
                f"{KEY} is not set: a run in E2B's cloud needs an account",
                hint=f"get a key at https://e2b.dev/dashboard?tab=keys and put it into .env as "
                f"{KEY}=…; `--sandbox` needs no account",
            )
        api_url, sandbox_url = env.get("E2B_API_URL"), env.get("E2B_SANDBOX_URL")
        plain = (api_url or "").startswith("http://")
        proxy = next((env[name] for name in _PROXIES if env.get(name)), None)
        return cls(
            api_key=api_key,
            domain=env.get("E2B_DOMAIN") or None,
            api_url=api_url or None,
            sandbox_url=sandbox_url or None,
            proxy=None if plain else proxy,
        )

    def parameters(self) -> dict[str, Any]:
        """Return the account as the SDK's parameters; what is not set is left to the SDK."""
        given = {
            "api_key": self.api_key,
            "domain": self.domain,
            "api_url": self.api_url,
            "sandbox_url": self.sandbox_url,
            "proxy": self.proxy,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class E2BOptions:
    """What a run asks of E2B, beyond what it asks of every sandbox.

    Attributes:
        template: name of the template, or None: the one that was built for this installation if
            there is one, else E2B's own `base`.
        plan: what that one would hold, or None not to look for it.
        install_deps: the sandbox may reach PyPI, to install what is missing.
        backoff: seconds to wait before each further attempt at creating, times a random 0.5 to 1.

    """

    template: str | None = None
    plan: TemplatePlan | None = None
    install_deps: bool = False
    backoff: tuple[float, ...] = (1.0, 3.0, 9.0)
