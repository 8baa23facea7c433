"""What an answer of PostgREST, or of what stands before it, means for the rows of a request.

https://docs.postgrest.org/en/stable/references/errors.html.
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Final

import httpx

from osiris.core.errors import (
    AuthenticationError,
    ConfigError,
    DataError,
    StepError,
    SystemStepError,
    TransientStepError,
)
from osiris.drivers.postgres.errors import meaning_of

_RETRY: Final = "the step can be tried again: set `retry` on it"
_SQLSTATE_LENGTH: Final = 5
_SHOWN: Final = 300


class Outcome(Enum):
    """What is known of the rows of a request that failed."""

    REFUSED = "none is there, and none will be"
    NOT_DONE = "none is there; the same request may go well later"
    UNKNOWN = "they may be there"
    TOO_LARGE = "none is there; half of them may pass"


@dataclass(frozen=True)
class Failure:
    """A request that failed: what is known of its rows, and the error to raise."""

    outcome: Outcome
    error: StepError
    retry_after: float | None = None


# By HTTP status, where the answer carries no code of PostgREST or PostgreSQL.
_STATUS: Final[dict[int, tuple[Outcome, type[StepError], str, str]]] = {
    401: (
        Outcome.REFUSED,
        AuthenticationError,
        "the API does not accept the key",
        "check `key` in the connection: it must be the project's service key",
    ),
    403: (Outcome.REFUSED, ConfigError, "the key may not do this", "use the service key"),
    404: (Outcome.REFUSED, ConfigError, "there is no such address", "check `url` and `table`"),
    408: (Outcome.UNKNOWN, TransientStepError, "the API waited too long", _RETRY),
    413: (
        Outcome.TOO_LARGE,
        DataError,
        "a request is larger than the API takes",
        "set a smaller batch_size, or use a PostgreSQL connection (host)",
    ),
    429: (Outcome.NOT_DONE, TransientStepError, "the API is asked too often", _RETRY),
    503: (Outcome.NOT_DONE, TransientStepError, "the API is not available", _RETRY),
}
_ELSE_CLIENT: Final = (Outcome.REFUSED, ConfigError, "the API refuses the request", "check `url`")
_ELSE_SERVER: Final = (Outcome.UNKNOWN, TransientStepError, "the API failed", _RETRY)
_SERVER_ERRORS: Final = 500

# PostgREST's own codes, by their beginning.
_CODES: Final[tuple[tuple[str, tuple[Outcome, type[StepError], str, str]], ...]] = (
    ("PGRST00", (Outcome.NOT_DONE, TransientStepError, "the API has no database", _RETRY)),
    ("PGRST3", _STATUS[401]),
    (
        "PGRST20",
        (
            Outcome.REFUSED,
            ConfigError,
            "the API does not know the table or a column",
            "check `table` and `schema`; the API may not have noticed a change yet",
        ),
    ),
    (
        "PGRST106",
        (
            Outcome.REFUSED,
            ConfigError,
            "the API does not show this schema",
            "add it to the exposed schemas of the project, or change `schema`",
        ),
    ),
)


def failure_of(response: httpx.Response, where: str) -> Failure:
    """Return what an answer that is no success means."""
    code, text = _said(response)
    after = _seconds(response.headers.get("retry-after"))
    if len(code) == _SQLSTATE_LENGTH and code.isalnum():
        meaning = meaning_of(code)
        # PostgreSQL rolled the transaction back before it said so.
        transient = issubclass(meaning.error, TransientStepError)
        outcome = Outcome.NOT_DONE if transient else Outcome.REFUSED
        message = f"{meaning.what}: {text} (SQLSTATE {code}, {where})"
        return Failure(outcome, meaning.error(message, hint=meaning.hint), after)
    outcome, error, what, hint = _meaning(response.status_code, code)
    return Failure(
        outcome, error(f"{what}: {text} (HTTP {response.status_code}, {where})", hint=hint), after
    )


def _meaning(status: int, code: str) -> tuple[Outcome, type[StepError], str, str]:
    for beginning, meaning in _CODES:
        if code.startswith(beginning):
            return meaning
    return _STATUS.get(status) or (_ELSE_SERVER if status >= _SERVER_ERRORS else _ELSE_CLIENT)


def failure_of_line(error: httpx.TransportError, where: str) -> Failure:
    """Return what it means that no answer came."""
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    text = str(error) or type(error).__name__
    if never_sent:
        told = TransientStepError(f"cannot reach {where}: {text}", hint="check `url`; " + _RETRY)
        return Failure(Outcome.NOT_DONE, told)
    return Failure(
        Outcome.UNKNOWN, TransientStepError(f"no answer from {where}: {text}", hint=_RETRY)
    )


def unknown_outcome(failure: Failure, where: str) -> SystemStepError:
    """Return the error for rows of which nobody knows whether they are there."""
    return SystemStepError(
        f"{failure.error.message}; whether the rows are in {where} is not known",
        hint="look into the table before you run the step again: an append would be doubled; "
        "an upsert, or a PostgreSQL connection (host), can be tried again",
    )


def _said(response: httpx.Response) -> tuple[str, str]:
    """Return the code and the text of an answer: PostgREST's JSON, else how the body begins."""
    try:
        said = json.loads(response.text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return "", " ".join(response.text.split())[:_SHOWN] or response.reason_phrase
    parts = [str(said[name]) for name in ("message", "details") if said.get(name)]
    return str(said.get("code") or ""), ": ".join(parts)[:_SHOWN]


def _seconds(retry_after: str | None) -> float | None:
    try:
        return None if retry_after is None else max(0.0, float(retry_after))
    except ValueError:  # a date: clocks differ, so wait as if nothing was said
        return None
