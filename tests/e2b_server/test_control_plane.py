"""The REST API: creation, life and end of sandboxes, as the SDK sees them."""

import time

import e2b
import httpx
import pytest

from osiris.remote.e2b_errors import row_for
from osiris.remote.errors import (
    SandboxBusyError,
    SandboxGoneError,
    SandboxUnavailableError,
    SandboxUnreachableError,
)
from tests.e2b_server.conftest import client_of, needs_keys
from tests.e2b_server.envd_behaviour import wait_until
from tests.e2b_server.faults import CREATE, Fault
from tests.e2b_server.server import E2BServer


def kind_of(error: BaseException) -> type[Exception]:
    """Return the class of ours that an SDK's exception stands for: the same in every SDK."""
    row = row_for(error)
    assert row is not None, repr(error)
    return row[0]


@needs_keys
def test_a_sandbox_is_made_with_what_was_asked(server: E2BServer, client: e2b.E2B) -> None:
    made = client.Sandbox.create(
        timeout=77,
        metadata={"run": "r 1/ä"},
        envs={"OWN": "1"},
        network={"allow_out": ["1.2.3.4/32"], "deny_out": ["0.0.0.0/0"]},
        idempotency_key="key-1",
    )
    (request,) = server.log.creations()
    asked = request.json()
    assert asked["timeout"] == 77
    assert asked["metadata"] == {"run": "r 1/ä"}
    assert asked["network"]["allowOut"] == ["1.2.3.4/32"]
    assert request.headers["idempotency-key"] == "key-1"
    assert made.commands.run("echo $OWN").stdout == "1\n"
    info = made.get_info()
    assert (info.sandbox_id, info.metadata) == (made.sandbox_id, {"run": "r 1/ä"})
    assert 70 < (info.end_at - info.started_at).total_seconds() < 80


@needs_keys
def test_one_idempotency_key_makes_one_sandbox(server: E2BServer, client: e2b.E2B) -> None:
    ids = {client.Sandbox.create(idempotency_key="same").sandbox_id for _ in range(3)}
    assert len(ids) == len(server.living()) == 1
    client.Sandbox.create()
    assert len(server.living()) == 2


@needs_keys
def test_a_gateway_timeout_after_creating_makes_a_second_sandbox_without_a_key(
    server: E2BServer, client: e2b.E2B
) -> None:
    server.faults.add(Fault(CREATE, status=504, after=True))
    client.Sandbox.create()
    assert len(server.living()) == 2
    server.faults.add(Fault(CREATE, status=504, after=True))
    client.Sandbox.create(idempotency_key="one")
    assert len(server.living()) == 3


@needs_keys
def test_too_many_requests_are_tried_again_when_the_server_says(
    server: E2BServer, client: e2b.E2B
) -> None:
    server.faults.add(Fault(CREATE, times=2, status=429, headers={"Retry-After": "1"}))
    started = time.monotonic()
    client.Sandbox.create()
    assert time.monotonic() - started > 1.9
    assert len(server.log.creations()) == 3


@pytest.mark.parametrize(
    "status,expected",
    [
        (429, SandboxBusyError),
        (503, SandboxBusyError),
        (504, SandboxUnreachableError),
        (500, SandboxUnreachableError),
        (401, SandboxUnavailableError),
        (403, SandboxUnavailableError),
        (400, SandboxUnavailableError),
    ],
)
def test_refusals(
    server: E2BServer, client: e2b.E2B, status: int, expected: type[Exception]
) -> None:
    server.faults.add(Fault(CREATE, times=None, status=status, message="no"))
    with pytest.raises(Exception, match=r"no|401") as caught:
        client.Sandbox.create()
    assert kind_of(caught.value) is expected
    assert not server.living()


def test_a_wrong_key_a_missing_template_and_too_long_a_life(server: E2BServer) -> None:
    stranger = e2b.E2B(api_key="e2b_" + "0" * 40, api_url=server.url, sandbox_url=server.url)
    with pytest.raises(e2b.AuthenticationException):
        stranger.Sandbox.create()
    client = client_of(server)
    with pytest.raises(e2b.SandboxException, match="template 'none' not found"):
        client.Sandbox.create("none")
    with pytest.raises(e2b.SandboxException, match="Timeout cannot be greater than 24 hours"):
        client.Sandbox.create(timeout=25 * 3600)


def test_sandboxes_are_listed_by_metadata_page_by_page(client: e2b.E2B) -> None:
    ours = {client.Sandbox.create(metadata={"of": "us & them"}).sandbox_id for _ in range(3)}
    client.Sandbox.create(metadata={"of": "others"})
    query = e2b.SandboxQuery(metadata={"of": "us & them"})
    pages = client.Sandbox.list(query=query, limit=2)
    found = []
    while pages.has_next:
        found.append([info.sandbox_id for info in pages.next_items()])
    assert [len(page) for page in found] == [2, 1]
    assert {one for page in found for one in page} == ours


def test_an_expired_sandbox_is_gone(server: E2BServer, client: e2b.E2B) -> None:
    sandbox = client.Sandbox.create(timeout=100)
    server.pass_time(60)
    assert sandbox.is_running()
    sandbox.set_timeout(100)
    server.pass_time(60)
    assert sandbox.is_running()
    sandbox.set_timeout(3)
    server.pass_time(4)
    assert not sandbox.is_running()
    with pytest.raises(e2b.TimeoutException, match="was not found") as caught:
        sandbox.commands.run("true")
    assert kind_of(caught.value) is SandboxGoneError
    with pytest.raises(e2b.TimeoutException) as caught:
        sandbox.files.write("x", "y")
    assert kind_of(caught.value) is SandboxGoneError
    with pytest.raises(e2b.NotFoundException) as caught_too:
        sandbox.set_timeout(10)
    assert kind_of(caught_too.value) is SandboxGoneError
    assert sandbox.kill() is False


def test_an_end_tears_the_streams_and_kills_everything(
    server: E2BServer, sandbox: e2b.Sandbox
) -> None:
    sandbox.commands.run("setsid -f sleep 1234 </dev/null >/dev/null 2>&1")
    handle = sandbox.commands.run("sleep 4321", background=True, timeout=0)
    (made,) = server.living()
    assert wait_until(lambda: sum("sleep" in line[:5] for line in server.processes(made)) == 2)
    server.kill(made, "lost")
    with pytest.raises(e2b.TimeoutException) as caught:
        handle.wait()
    assert kind_of(caught.value) is SandboxGoneError
    assert wait_until(lambda: not server.processes(made))


def test_a_paused_sandbox_is_gone_until_it_is_connected_to(
    server: E2BServer, client: e2b.E2B, sandbox: e2b.Sandbox
) -> None:
    sandbox.commands.run("echo kept > note")
    assert sandbox.pause()
    assert not sandbox.is_running()
    assert not sandbox.pause()
    again = client.Sandbox.connect(sandbox.sandbox_id, timeout=60)
    assert again.files.read("note") == "kept\n"
    assert len(server.living()) == 1


def test_connecting_only_lengthens_a_life(client: e2b.E2B, sandbox: e2b.Sandbox) -> None:
    before = sandbox.get_info().end_at
    client.Sandbox.connect(sandbox.sandbox_id, timeout=10)
    assert sandbox.get_info().end_at == before
    client.Sandbox.connect(sandbox.sandbox_id, timeout=1000)
    assert sandbox.get_info().end_at > before


def test_a_sandbox_whose_port_is_closed_is_not_gone(
    server: E2BServer, sandbox: e2b.Sandbox
) -> None:
    (made,) = server.living()
    made.port_open = False
    with pytest.raises(e2b.TimeoutException, match="port is not open") as caught:
        sandbox.commands.run("true")
    assert kind_of(caught.value) is SandboxUnreachableError
    made.port_open = True
    sandbox.commands.run("true")


def test_a_rejected_access_token(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    (made,) = server.living()
    made.reject_token = True
    for call in (lambda: sandbox.commands.run("true"), lambda: sandbox.files.read("x")):
        with pytest.raises(e2b.AuthenticationException):
            call()


def test_an_older_sdk_is_known_by_its_token_alone(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    sandbox.files.write("x", "by token")
    (made,) = server.living()
    reply = httpx.get(
        server.url + "/files", params={"path": "x"}, headers={"X-Access-Token": made.token}
    )
    assert reply.text == "by token"


def test_what_is_not_served_says_so(sandbox: e2b.Sandbox) -> None:
    with pytest.raises(e2b.SandboxException, match="501"):
        sandbox.create_snapshot()
