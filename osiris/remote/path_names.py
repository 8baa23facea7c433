"""Telling paths inside a sandbox as the paths on this host that they stand for."""

from collections.abc import Mapping
from typing import Any

from osiris.core.layout import RunLayout
from osiris.remote.session_paths import SessionPaths


class PathNames:
    """Puts the host's paths in place of the sandbox's, in every text of a record.

    Input files are where the host has them, and the session's directory is the run's. `named` are
    texts for particular paths inside.
    """

    def __init__(
        self, inside: SessionPaths, layout: RunLayout, named: Mapping[str, str] | None = None
    ) -> None:
        # The longer before what is in it.
        particular = sorted((named or {}).items(), key=lambda pair: -len(pair[0]))
        outside = ((str(inside.files), ""), (str(inside.targets), ""))
        self._known = (*particular, *outside, (str(inside.root), str(layout.root)))

    def translate(self, value: Any) -> Any:
        """Return a copy of a JSON-like value as the host tells it."""
        if isinstance(value, str):
            for inside, here in self._known:
                if inside in value:
                    value = value.replace(inside, here)
            return value
        if isinstance(value, dict):
            return {self.translate(key): self.translate(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.translate(item) for item in value]
        return value
