"""Two things done beside a run: its sandbox's life is renewed, and a cancelled run is told so."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Self

from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError
from osiris.remote.errors import SandboxError
from osiris.remote.patience import Patience
from osiris.remote.sandbox import Sandbox
from osiris.remote.session_paths import SessionPaths

_LOG = logging.getLogger("osiris.sandbox")
_AGAIN = 12


class Upkeep:
    """Renews the sandbox at a third of its life and carries a cancellation into it.

    Args:
        sandbox: the run's sandbox.
        paths: the session's files in it.
        patience: for telling it that the run is cancelled.
        ttl: seconds of life it has after each renewal.
        cancel: switched when the run should stop.

    """

    def __init__(
        self,
        sandbox: Sandbox,
        paths: SessionPaths,
        patience: Patience,
        ttl: int,
        cancel: CancelToken,
    ) -> None:
        self._sandbox = sandbox
        self._paths = paths
        self._patience = patience
        self._ttl = ttl
        self._cancel = cancel
        self._over = threading.Event()
        self._renewal = threading.Thread(target=self._renew, name="sandbox ttl", daemon=True)
        self._forget: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Begin."""
        self._renewal.start()
        self._forget = self._cancel.on_cancel(self._cancelled)
        return self

    def __exit__(self, *_: object) -> None:
        """End; a renewal that is under way is left alone."""
        self._over.set()
        self._forget()

    def _renew(self) -> None:
        wait = self._ttl / 3
        while not self._over.wait(wait):
            try:
                self._sandbox.renew(self._ttl)
                wait = self._ttl / 3
            except SandboxError as error:  # whether it is gone will show in the stream
                _LOG.warning("the sandbox's life could not be renewed: %s", error.message)
                wait = self._ttl / _AGAIN

    def _cancelled(self) -> None:
        """Tell the runner from a thread of its own: whoever cancels must not wait."""
        threading.Thread(target=self._tell, name="cancel sandbox", daemon=True).start()

    def _tell(self) -> None:
        reason = self._cancel.reason or CancelledError("the run was cancelled")
        data = json.dumps(reason.to_dict()).encode()
        try:
            self._patience.tries(lambda: self._sandbox.write(str(self._paths.cancel), data))
        except SandboxError as error:
            _LOG.warning("the sandbox could not be told to stop: %s", error.message)
