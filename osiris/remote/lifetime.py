"""The time that a sandbox has by this host's clock, and what it tells when the sandbox is gone."""

import time


class Lifetime:
    """Counts from the last renewal on; `seconds` is what that gave.

    Args:
        seconds: the life that the sandbox was made with.

    """

    def __init__(self, seconds: int) -> None:
        self._killed = False
        self.renewed(seconds)

    def renewed(self, seconds: int) -> None:
        """Take note that the sandbox has so long from now."""
        self.seconds = seconds
        self._ends = time.monotonic() + seconds

    def killed(self) -> None:
        """Take note that this run has ended the sandbox."""
        self._killed = True

    def why_gone(self) -> str:
        """Say what is known of the reason why the sandbox is gone, and what to do."""
        if self._killed:
            return "this run has ended it"
        if time.monotonic() >= self._ends:
            return f"its time of {self.seconds} s was over and could not be renewed; run it again"
        return "it had time left: somebody ended it, or E2B lost it; run it again"
