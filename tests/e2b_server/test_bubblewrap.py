"""The server's sandboxes in bubblewrap behave as envd does, with real paths and no way out."""

import socket
from collections.abc import Iterator

import e2b
import pytest

from tests.e2b_server.back_ends import BubblewrapBackEnd
from tests.e2b_server.conftest import client_of
from tests.e2b_server.envd_behaviour import EnvdBehaviour, PassTime
from tests.e2b_server.server import E2BServer, running_server
from tests.support.debian import ensure_programs


@pytest.fixture
def server() -> Iterator[E2BServer]:
    ensure_programs({"bwrap": "bubblewrap"})
    with running_server(BubblewrapBackEnd()) as running:
        yield running


class TestBubblewrap(EnvdBehaviour):
    @pytest.fixture
    def sandbox(self, server: E2BServer) -> e2b.Sandbox:
        return client_of(server).Sandbox.create(timeout=300)

    @pytest.fixture
    def pass_time(self, server: E2BServer) -> PassTime:
        return server.pass_time

    def test_the_home_is_where_it_is_in_the_cloud(self, sandbox: e2b.Sandbox) -> None:
        assert sandbox.commands.run("pwd; id -u").stdout == "/home/user\n1000\n"
        sandbox.files.write("/home/user/x", "there")
        assert sandbox.commands.run("cat /home/user/x").stdout == "there"

    def test_the_temporary_directory_is_shared_between_commands(self, sandbox: e2b.Sandbox) -> None:
        sandbox.commands.run("echo 1 > /tmp/note")
        assert sandbox.commands.run("cat /tmp/note").stdout == "1\n"
        assert sandbox.files.read("/tmp/note") == "1\n"

    def test_the_system_cannot_be_written(self, sandbox: e2b.Sandbox) -> None:
        with pytest.raises(e2b.CommandExitException, match="Read-only"):
            sandbox.commands.run("touch /usr/mark")


@pytest.mark.parametrize("internet", [True, False])
def test_the_network_is_there_when_it_was_allowed(server: E2BServer, *, internet: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        sandbox = client_of(server).Sandbox.create(timeout=60, allow_internet_access=internet)
        command = f"timeout 5 bash -c '</dev/tcp/127.0.0.1/{port}' && echo reached"
        if internet:
            assert sandbox.commands.run(command).stdout == "reached\n"
        else:
            with pytest.raises(e2b.CommandExitException):
                sandbox.commands.run(command)
