"""The table of errors knows every exception that the SDK and the HTTP libraries can raise."""

import builtins
import inspect
from types import ModuleType

import connectrpc.errors
import e2b
import e2b.exceptions
import httpx
import pyqwest
import pytest
from connectrpc.code import Code

from osiris.remote.e2b_errors import STATUS_TABLE, TABLE, as_sandbox_error, names_of, row_for
from osiris.remote.errors import (
    SandboxBusyError,
    SandboxError,
    SandboxFileMissingError,
    SandboxFullError,
    SandboxGoneError,
    SandboxUnavailableError,
    SandboxUnreachableError,
)
from tests.e2b_server.conftest import needs_keys


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    found = [cls for _, cls in inspect.getmembers(module, inspect.isclass)]
    return [cls for cls in found if issubclass(cls, Exception)]


SDK: set[type[Exception]] = {
    cls for module in (e2b, e2b.exceptions) for cls in exceptions_of(module)
}


@pytest.mark.parametrize("cls", sorted(SDK, key=str))
def test_every_exception_of_the_sdk_has_its_own_row(cls: type[Exception]) -> None:
    assert names_of(cls)[0] in TABLE


@needs_keys
def test_the_table_has_no_row_that_nothing_raises() -> None:
    known = {names_of(cls)[0] for cls in SDK}
    known |= {names_of(cls)[0] for cls in exceptions_of(httpx)}
    known |= {names_of(cls)[0] for cls in exceptions_of(pyqwest)}
    known |= {names_of(cls)[0] for cls in exceptions_of(connectrpc.errors)}
    known |= {names_of(cls)[0] for cls in exceptions_of(builtins)}
    assert set(TABLE) <= known


@pytest.mark.parametrize("module", [httpx, pyqwest, connectrpc.errors])
def test_every_exception_below_the_sdk_is_found_by_its_bases(module: ModuleType) -> None:
    lost = [cls for cls in exceptions_of(module) if not set(names_of(cls)) & set(TABLE)]
    # Raised for a wrong use of cookies, of which there are none.
    assert [cls.__name__ for cls in lost] in ([], ["CookieConflict"])


def rate_limited() -> Exception:
    made: Exception = e2b.RateLimitException("429")  # type: ignore[no-untyped-call]  # the SDK's constructor has no types
    return made


REQUEST = httpx.Request("GET", "http://x")


@pytest.mark.parametrize(
    "error,expected",
    [
        (e2b.TimeoutException("deadline"), SandboxUnreachableError),
        (e2b.TimeoutException("The sandbox was not found: ..."), SandboxGoneError),
        (e2b.SandboxNotFoundException("gone"), SandboxGoneError),
        (e2b.FileNotFoundException("/x"), SandboxFileMissingError),
        (e2b.NotFoundException("process with pid 3 not found"), SandboxError),
        (e2b.NotEnoughSpaceException("full"), SandboxFullError),
        (e2b.AuthenticationException("401"), SandboxUnavailableError),
        (rate_limited(), SandboxBusyError),
        (e2b.SandboxException("503: busy"), SandboxBusyError),
        (e2b.SandboxException("504: timeout"), SandboxUnreachableError),
        (e2b.SandboxException('502: {"message": "The sandbox was not found"}'), SandboxGoneError),
        (e2b.SandboxException('502: {"message": "port is not open"}'), SandboxUnreachableError),
        (e2b.SandboxException("400: Timeout too long"), SandboxUnavailableError),
        (e2b.SandboxException("no number"), SandboxError),
        (httpx.ReadError("reset", request=REQUEST), SandboxUnreachableError),
        (httpx.ConnectTimeout("slow", request=REQUEST), SandboxUnreachableError),
        (httpx.RemoteProtocolError("cut", request=REQUEST), SandboxUnreachableError),
        (httpx.InvalidURL("no url"), SandboxUnavailableError),
        (connectrpc.errors.ConnectError(Code.UNAVAILABLE, "cut"), SandboxUnreachableError),
        (ConnectionResetError(104, "reset"), SandboxUnreachableError),
        (TimeoutError(), SandboxUnreachableError),
        (Exception("Command ended without an end event"), SandboxUnreachableError),
    ],
)
def test_what_becomes_of_an_exception(error: Exception, expected: type[SandboxError]) -> None:
    mapped = as_sandbox_error(error, doing="read a file", sandbox_id="i123")
    assert type(mapped) is expected
    assert mapped is not None
    assert mapped.message.startswith("E2B sandbox i123: cannot read a file: ")
    assert mapped.exit_code == 5


@pytest.mark.parametrize("bug", [TypeError("x"), KeyError("x"), AssertionError(), Exception("x")])
def test_a_bug_stays_a_bug(bug: Exception) -> None:
    assert as_sandbox_error(bug, doing="work", sandbox_id="") is None


def test_what_can_be_done_about_it_is_said() -> None:
    silent = {SandboxError, SandboxFileMissingError}
    rows = [*TABLE.values(), *(row for number, row in STATUS_TABLE.items() if number != 400)]
    assert {cls for cls, hint in rows if hint is None} == silent


def test_ours_stay_ours() -> None:
    ours = SandboxGoneError("gone", hint="so it is")
    assert row_for(ours) == (SandboxGoneError, "so it is")
