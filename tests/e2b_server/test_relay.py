"""The relay breaks the way, and only the way; the SDK says what it says then."""

import threading
import time

import e2b
import httpx
import pytest

from osiris.remote.e2b_errors import row_for
from osiris.remote.errors import SandboxUnreachableError
from tests.e2b_server.conftest import client_of
from tests.e2b_server.relay import relay_to
from tests.e2b_server.server import E2BServer


def test_a_way_that_is_cut_comes_back(server: E2BServer) -> None:
    with relay_to(server.port) as relay:
        sandbox = client_of(server, sandbox_url=relay.url).Sandbox.create()
        assert sandbox.commands.run("echo 1").stdout == "1\n"
        threading.Timer(0.3, relay.cut_all).start()
        with pytest.raises(Exception, match=r".") as caught:
            sandbox.commands.run("sleep 5")
        row = row_for(caught.value)
        assert row is not None, repr(caught.value)
        assert row[0] is SandboxUnreachableError
        assert sandbox.commands.run("echo 2").stdout == "2\n"
        assert relay.cuts >= 1


def test_a_way_that_is_down(server: E2BServer) -> None:
    with relay_to(server.port) as relay:
        sandbox = client_of(server, sandbox_url=relay.url).Sandbox.create()
        relay.go_down()
        for call in (lambda: sandbox.commands.run("true"), lambda: sandbox.files.read("x")):
            with pytest.raises(Exception, match=r".") as caught:
                call()
            row = row_for(caught.value)
            assert row is not None
            assert row[0] is SandboxUnreachableError
        relay.come_up()
        assert sandbox.commands.run("echo 3").stdout == "3\n"


def test_a_way_that_is_frozen(server: E2BServer) -> None:
    with relay_to(server.port) as relay:
        sandbox = client_of(server, sandbox_url=relay.url).Sandbox.create()
        sandbox.files.write("x", "y")
        relay.freeze()
        started = time.monotonic()
        with pytest.raises((e2b.TimeoutException, httpx.TimeoutException)):
            sandbox.files.read("x", request_timeout=1)
        assert time.monotonic() - started < 60
        relay.thaw()
        assert sandbox.files.read("x") == "y"
