"""Hiding secrets by value in everything that is written or shown."""

import threading
from collections.abc import Iterable
from typing import Any

MASK = "***"
_SHORTEST = 4
"""Shorter secrets are not masked: that would black out ordinary words."""


class Masker:
    """The secrets of one run and the means to take them out of any value; thread-safe."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._secrets: tuple[str, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Learn more secrets; each is masked from now on, the longest first."""
        with self._lock:
            known = {*self._secrets, *(s for s in secrets if len(s) >= _SHORTEST)}
            self._secrets = tuple(sorted(known, key=lambda s: (-len(s), s)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets known so far, the longest first."""
        return self._secrets

    def text(self, text: str) -> str:
        """Return the text with every secret in it replaced by `***`."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def value(self, value: Any) -> Any:
        """Return a copy of a JSON-like value with every string in it masked, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value
