"""Hiding secrets by value in everything that is written or shown."""

import re
import threading
from collections.abc import Iterable
from typing import Any

MASK = "***"
_FIELD = re.compile("[a-z]+(_[a-z]+)*")
_IDENTITY = frozenset({"cmd", "event", "metric", "step_id", "ts"})
"""Their values are in the manifest or in this program, for all to read."""
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
        """Return a copy of a JSON-like value with every string in it masked.

        Keys too, but for plain words: those are names of fields, whatever secret is spelt alike.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._key(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def record(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of a record's data, masked but for what says which record it is."""
        return {k: v if k in _IDENTITY else self.value(v) for k, v in data.items()}

    def _key(self, key: Any) -> Any:
        return key if isinstance(key, str) and _FIELD.fullmatch(key) else self.value(key)
