"""Command streams that are cut, frozen or slow; the process goes on."""

import asyncio
import json
import time

import e2b
import httpx
import pytest

from osiris.remote.e2b_errors import row_for
from osiris.remote.errors import SandboxUnreachableError
from tests.e2b_server.envd_behaviour import wait_until
from tests.e2b_server.faults import START, Fault
from tests.e2b_server.server import E2BServer

COMMAND = "for i in $(seq 10); do echo line $i; sleep 0.1; done; touch finished"


@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_a_cut_stream_is_not_the_end_of_the_command(
    server: E2BServer, sandbox: e2b.Sandbox, ending: str
) -> None:
    fault = Fault(START, cut_response=300, ending=ending)
    server.faults.add(fault)
    with pytest.raises((httpx.TransportError, e2b.SandboxException, OSError, Exception)) as caught:
        sandbox.commands.run(COMMAND)
    row = row_for(caught.value)
    assert row is not None, repr(caught.value)
    assert row[0] is SandboxUnreachableError
    assert wait_until(lambda: sandbox.files.exists("finished"))


def test_a_frozen_stream_hangs_until_its_own_deadline(
    server: E2BServer, sandbox: e2b.Sandbox
) -> None:
    fault = server.faults.add(Fault(START, freeze=300))
    started = time.monotonic()
    with pytest.raises(e2b.TimeoutException):
        sandbox.commands.run(COMMAND, timeout=2)
    assert 1.8 < time.monotonic() - started < 60
    server.thaw(fault)


def test_only_an_async_client_can_leave_a_frozen_stream(server: E2BServer, client: e2b.E2B) -> None:
    fault = server.faults.add(Fault(START, freeze=300))

    async def run() -> float:
        sandbox = await client.AsyncSandbox.create()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sandbox.commands.run(COMMAND, timeout=0), 1)
        return time.monotonic() - started

    assert asyncio.run(run()) < 60
    server.thaw(fault)


def test_a_slow_stream(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    server.faults.add(Fault(START, bytes_per_second=2000))
    started = time.monotonic()
    assert len(sandbox.commands.run("head -c 1500 /dev/zero | tr '\\0' x").stdout) == 1500
    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("wanted", [True, False])
def test_keepalives_come_when_they_are_asked_for(
    server: E2BServer, sandbox: e2b.Sandbox, *, wanted: bool
) -> None:
    server.gateway.processes.keepalive = wanted
    message = json.dumps({"process": {"cmd": "/bin/sleep", "args": ["2"]}}).encode()
    reply = httpx.post(
        server.url + "/process.Process/Start",
        content=b"\0" + len(message).to_bytes(4, "big") + message,
        headers={
            **sandbox.connection_config.sandbox_headers,
            "Content-Type": "application/connect+json",
            "Connect-Protocol-Version": "1",
            "Keepalive-Ping-Interval": "1",
        },
    )
    assert (b'"keepalive"' in reply.content) is wanted
    assert b'"exited"' in reply.content


def test_what_is_killed_by_the_kernel_is_a_signal_like_any_other(
    server: E2BServer, sandbox: e2b.Sandbox
) -> None:
    handle = sandbox.commands.run("exec sleep 777", background=True, timeout=0)
    (made,) = server.living()
    # The command has been forked when its start is told, but may not have been executed yet.
    assert wait_until(lambda: server.kill_process(made, "sleep 777") > 0)
    with pytest.raises(e2b.CommandExitException) as caught:
        handle.wait()
    assert caught.value.error == "signal: killed"
