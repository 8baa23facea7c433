"""Requests to PostgREST, tried again where that cannot do harm."""

import json
import logging
from collections.abc import Mapping
from itertools import count
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from osiris.components.supabase_writer import SupabaseConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import SystemStepError
from osiris.drivers.supabase.rest_errors import (
    Failure,
    Outcome,
    failure_of,
    failure_of_line,
)

_log: Final = logging.getLogger(__name__)
_TRIES: Final = 6
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 60.0


class RequestFailed(Exception):  # noqa: N818 - it is what happened; a step's error is made of it
    """A request failed for good; `failure` says what is known of its rows."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error.message)
        self.failure = failure


class RestClient:
    """A project's REST API, each request made at most `tries` times.

    Attributes:
        where: its address, for messages.

    """

    def __init__(
        self,
        connection: SupabaseConnection,
        schema: str | None,
        cancelled: CancelToken,
        *,
        tries: int = _TRIES,
    ) -> None:
        self.where = f"{(connection.url or '').rstrip('/')}/rest/v1"
        key = "" if connection.key is None else connection.key.get_secret_value()
        profile = {} if schema is None else {"accept-profile": schema, "content-profile": schema}
        self._cancelled = cancelled
        self._tries = tries
        self._http = httpx.Client(
            headers={"apikey": key, "authorization": f"Bearer {key}", **profile},
            timeout=httpx.Timeout(connection.request_timeout, connect=connection.connect_timeout),
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def describe(self) -> dict[str, Any]:
        """Return the API's description in OpenAPI; raises a `StepError`."""
        try:
            response = self._request("GET", "/", {}, {"accept": "application/openapi+json"}, b"")
        except RequestFailed as failed:
            raise failed.failure.error from failed
        try:
            described = json.loads(response.text)
        except ValueError:
            described = None
        if not isinstance(described, dict) or "definitions" not in described:
            raise SystemStepError(
                f"what answers at {self.where} is no PostgREST", hint="check `url`"
            )
        return described

    def insert(
        self, table: str, parameters: Mapping[str, str], prefer: str, body: bytes, *, again: bool
    ) -> tuple[int | None, list[dict[str, str | None]]]:
        """Insert rows; return how many the API says it wrote, and what it says of them.

        None when it does not say how many; nothing of the rows when it was not asked (`select`).

        Args:
            table: name of the table.
            parameters: of the query: `columns`, `select`, and `on_conflict` for an upsert.
            prefer: the `Prefer` header.
            body: a JSON array of objects.
            again: whether the request may be made twice without harm.

        Raises:
            RequestFailed: when trying again did not help or could do harm.

        """
        headers = {"prefer": prefer, "content-type": "application/json"}
        path = f"/{quote(table, safe='')}"
        response = self._request("POST", path, parameters, headers, body, again=again)
        total = response.headers.get("content-range", "").rpartition("/")[2]
        count = int(total) if total.isdecimal() else None
        return count, json.loads(response.text) if "select" in parameters else []

    def _request(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        *,
        again: bool = True,
    ) -> httpx.Response:
        request = self._http.build_request(
            method, self.where + path, params=parameters, headers=headers, content=body
        )
        repeatable = {Outcome.NOT_DONE, Outcome.UNKNOWN} if again else {Outcome.NOT_DONE}
        for number in count(1):
            self._cancelled.raise_if_set()
            answer = self._try(request)
            if isinstance(answer, httpx.Response):
                return answer
            if answer.outcome not in repeatable or number == self._tries:
                raise RequestFailed(answer)
            self._pause(number, answer)
        raise AssertionError  # the loop has no end

    def _try(self, request: httpx.Request) -> httpx.Response | Failure:
        try:
            response = self._http.send(request)
        except httpx.TransportError as error:
            return failure_of_line(error, self.where)
        return response if response.is_success else failure_of(response, self.where)

    def _pause(self, number: int, failure: Failure) -> None:
        pause = (
            _FIRST_PAUSE * 2 ** (number - 1) if failure.retry_after is None else failure.retry_after
        )
        pause = min(pause, _LONGEST_PAUSE)
        _log.info("%s; trying again in %g s", failure.error.message, pause)
        if self._cancelled.wait(pause):
            self._cancelled.raise_if_set()
