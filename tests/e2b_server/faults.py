"""What a test may ask to go wrong: a plan of faults, each for the next requests that fit it."""

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

CREATE = r"POST /(v2/)?sandboxes$"
KILL = r"DELETE /sandboxes/"
START = r"POST /process\.Process/Start$"
UPLOAD = r"POST /files$"
DOWNLOAD = r"GET /files$"


@dataclass
class Fault:
    """One thing that goes wrong; fields that are not set stay right.

    Attributes:
        requests: regular expression on "METHOD /path".
        times: how many requests it hits; None: all of them.
        skip: how many that fit pass unharmed before.
        status: reply with this status instead of the real reply, ...
        after: ... but only after the request has been carried out.
        headers, message: of that reply.
        cut_request: end the connection after so many bytes of the request's body.
        corrupt: turn over the bits of the first piece of the request's body.
        corrupt_response: the same of the response's body.
        cut_response: end the connection after so many bytes of the response's body.
        ending: how a cut ends it: `rst`, or `fin`, an ordinary end of the stream.
        freeze: send nothing more after so many bytes of the response, and keep the connection.
        truncate: lie: send only so many bytes, with a Content-Length to match.
        bytes_per_second: take the request and send the response at this pace.
        duplicate: send every piece of the response's body twice.

    """

    requests: str
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    after: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "a fault was asked for"
    cut_request: int | None = None
    corrupt: bool = False
    corrupt_response: bool = False
    cut_response: int | None = None
    ending: str = "rst"
    freeze: int | None = None
    truncate: int | None = None
    bytes_per_second: float | None = None
    duplicate: bool = False
    hits: int = 0
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, request: str) -> bool:
        """Whether it hits this request; counts."""
        if self.times is not None and self.hits >= self.times:
            return False
        if not re.search(self.requests, request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class FaultPlan:
    """The faults in force; added by the test's thread, taken by the server's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; it can be asked how often it has hit."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything be well again; what is frozen stays so."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault that hits this request."""
        with self._lock:
            return next((f for f in self._faults if f.fits(f"{method} {path}")), None)
