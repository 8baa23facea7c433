"""The sandbox over the official SDK, against the loopback server: what the port promises."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_sandbox import E2BSandbox, E2BSandboxProvider
from osiris.remote.errors import (
    SandboxError,
    SandboxFileMissingError,
    SandboxFullError,
    SandboxGoneError,
    SandboxUnavailableError,
    SandboxUnreachableError,
)
from osiris.remote.sandbox import SandboxSpec
from osiris.remote.upload_parts import PART_BYTES
from tests.e2b_server.envd_behaviour import wait_until
from tests.e2b_server.faults import DOWNLOAD, KILL, START, UPLOAD, Fault
from tests.e2b_server.relay import relay_to
from tests.e2b_server.server import E2BServer, running_server

LINES = "for i in $(seq 8); do echo line $i; sleep 0.1; done"


@pytest.fixture
def server() -> Iterator[E2BServer]:
    with running_server() as running:
        yield running


Make = Callable[..., E2BSandbox]


@pytest.fixture
def make(server: E2BServer) -> Iterator[Make]:
    """Give a function that makes a sandbox, perhaps behind a relay."""
    sandboxes: list[E2BSandbox] = []

    def one(sandbox_url: str | None = None) -> E2BSandbox:
        account = E2BAccount.from_environment(server.environment(sandbox_url=sandbox_url))
        provider = E2BSandboxProvider(account, E2BOptions(backoff=()))
        sandboxes.append(provider.create(SandboxSpec("run_x")))
        return sandboxes[-1]

    yield one
    server.faults.clear()
    for sandbox in sandboxes:
        sandbox.kill()


@pytest.fixture
def sandbox(make: Make) -> E2BSandbox:
    return make()


def test_files_go_in_and_come_out(sandbox: E2BSandbox) -> None:
    path = sandbox.home + "/deep/down/ä file"
    data = os.urandom(300_000)
    sandbox.write(path, data)
    assert sandbox.read(path, 0, 1_000_000) == data
    assert sandbox.read(path, 100, 50) == data[100:150]
    assert sandbox.read(path, 300_000, 50) == sandbox.read(path, 0, 0) == b""
    sandbox.write(path, b"")
    assert sandbox.read(path, 0, 10) == b""
    with pytest.raises(SandboxFileMissingError):
        sandbox.read(path + "x", 0, 1)


@pytest.mark.parametrize("size", [PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12345])
@pytest.mark.parametrize("as_file", [True, False])
def test_large_data_goes_in_parts(
    server: E2BServer, sandbox: E2BSandbox, size: int, *, as_file: bool
) -> None:
    data = os.urandom(size)
    path = sandbox.home + "/large"
    sandbox.write(path, io.BytesIO(data) if as_file else data)
    assert sandbox.run(["sha256sum", path], timeout=30)[:8]
    assert sandbox.read(path, 0, size + 1) == data
    assert max(r.size for r in server.log.find("POST", "/files")) <= PART_BYTES
    assert sandbox.run(["ls", sandbox.home], timeout=30) == b"large\n"


@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_a_part_whose_upload_is_cut_is_uploaded_again(
    server: E2BServer, sandbox: E2BSandbox, ending: str
) -> None:
    ends = Fault(UPLOAD, times=2, cut_request=1_000_000, ending=ending)
    server.faults.add(ends)
    data = os.urandom(2 * PART_BYTES + 1)
    sandbox.write(sandbox.home + "/x", io.BytesIO(data))
    assert sandbox.read(sandbox.home + "/x", 0, len(data)) == data
    assert ends.hits == 2


def test_an_upload_that_stays_cut_leaves_no_file_at_the_final_path(
    server: E2BServer, sandbox: E2BSandbox
) -> None:
    server.faults.add(Fault(UPLOAD, times=None, skip=1, cut_request=1_000_000))
    with pytest.raises(SandboxUnreachableError):
        sandbox.write(sandbox.home + "/x", io.BytesIO(bytes(2 * PART_BYTES)))
    server.faults.clear()
    with pytest.raises(SandboxFileMissingError):
        sandbox.read(sandbox.home + "/x", 0, 1)


@pytest.mark.parametrize(
    "fault", [Fault(DOWNLOAD, cut_response=100_000), Fault(DOWNLOAD, status=502)]
)
def test_a_download_that_fails_can_be_tried_again(
    server: E2BServer, sandbox: E2BSandbox, fault: Fault
) -> None:
    sandbox.write(sandbox.home + "/x", bytes(1_000_000))
    server.faults.add(fault)
    with pytest.raises(SandboxUnreachableError):
        sandbox.read(sandbox.home + "/x", 0, 1_000_000)
    assert len(sandbox.read(sandbox.home + "/x", 0, 1_000_000)) == 1_000_000


def test_a_full_disk(server: E2BServer, sandbox: E2BSandbox) -> None:
    server.living()[0].disk_full = True
    with pytest.raises(SandboxFullError, match="cannot write"):
        sandbox.write(sandbox.home + "/x", b"1")


def test_a_command_gives_its_bytes(sandbox: E2BSandbox) -> None:
    everything = bytes(range(256)) * 1000
    assert sandbox.run(["cat"], timeout=30, stdin=everything) == everything
    assert sandbox.run(["printf", "%s|", "a b", "$HOME", "'"], timeout=30) == b"a b|$HOME|'|"


def test_a_command_that_fails_says_why(sandbox: E2BSandbox) -> None:
    with pytest.raises(SandboxError, match=r"(?s)code 7.*the reason") as caught:
        sandbox.run(["sh", "-c", "echo the reason >&2; exit 7"], timeout=30)
    assert type(caught.value) is SandboxError
    with pytest.raises(SandboxError):
        sandbox.run(["no-such-program"], timeout=30)


def test_a_command_that_takes_too_long_is_ended(server: E2BServer, sandbox: E2BSandbox) -> None:
    started = time.monotonic()
    with pytest.raises(SandboxError, match="code 124"):
        sandbox.run(["bash", "-c", "sleep 600 & sleep 600"], timeout=1)
    assert time.monotonic() - started < 60
    (lives,) = server.living()
    assert wait_until(lambda: not any("sleep" in line for line in server.processes(lives)))


def test_what_is_started_goes_on_by_itself(server: E2BServer, sandbox: E2BSandbox) -> None:
    path = sandbox.home + "/out"
    program = "echo $SECRET $(ps -o ppid= -p $$) > out.part; mv out.part out; exec sleep 1000"
    started = time.monotonic()
    sandbox.start(["bash", "-c", f"cd {sandbox.home}; {program}"], {"SECRET": "a-canary"})
    assert time.monotonic() - started < 60

    def there() -> bool:
        try:
            return sandbox.read(path, 0, 100).startswith(b"a-canary")
        except SandboxFileMissingError:
            return False

    assert wait_until(there)
    (lives,) = server.living()
    assert any("sleep 1000" in line for line in server.processes(lives))
    assert not lives.commands.running()
    assert server.log.places_of("a-canary") == []
    assert not any("a-canary" in line for line in server.processes(lives))


def test_follow_gives_output_as_it_comes(sandbox: E2BSandbox) -> None:
    go_on = f"{sandbox.home}/go-on"
    waiting = f"echo line 1; until [ -e {go_on} ]; do sleep 0.05; done; echo line 2"
    pieces = sandbox.follow(["bash", "-c", waiting])
    assert next(pieces) == b"line 1\n"
    sandbox.write(go_on, b"")
    assert b"".join(pieces) == b"line 2\n"


def test_a_reader_that_lags_gets_everything(sandbox: E2BSandbox) -> None:
    size = 0
    for piece in sandbox.follow(["bash", "-c", "head -c 20000000 /dev/zero | tr '\\0' x"]):
        size += len(piece)
        time.sleep(0.002)
    assert size == 20_000_000


@pytest.mark.parametrize(
    "fault",
    [
        Fault(START, cut_response=400),
        Fault(START, cut_response=400, ending="fin"),
        Fault(START, status=502, message="port is not open"),
        Fault(START, status=504),
    ],
)
def test_a_stream_that_is_cut(server: E2BServer, sandbox: E2BSandbox, fault: Fault) -> None:
    server.faults.add(fault)
    got: list[bytes] = []
    with pytest.raises(SandboxUnreachableError, match="cannot follow bash"):
        got.extend(sandbox.follow(["bash", "-c", LINES]))
    assert len(got) < 8
    assert len(b"".join(sandbox.follow(["bash", "-c", LINES])).splitlines()) == 8


def test_interrupt_ends_a_frozen_stream_at_once(server: E2BServer, sandbox: E2BSandbox) -> None:
    frozen = server.faults.add(Fault(START, freeze=200))
    pieces = sandbox.follow(["bash", "-c", LINES + "; exec sleep 1000"])
    next(pieces)
    ended = interrupted_after(sandbox, 0.5, lambda: list(pieces))
    assert ended < 60
    assert wait_until(lambda: not server.living()[0].commands.running())
    server.thaw(frozen)


def test_interrupt_ends_a_stream_over_a_dead_way(server: E2BServer, make: Make) -> None:
    with relay_to(server.port) as relay:
        sandbox = make(relay.url)
        pieces = sandbox.follow(["bash", "-c", LINES])
        next(pieces)
        relay.freeze()
        assert interrupted_after(sandbox, 0.5, lambda: list(pieces)) < 60
        relay.thaw()


def interrupted_after(sandbox: E2BSandbox, seconds: float, read: Callable[[], object]) -> float:
    """Interrupt a reader; return how long that took."""
    interrupted: list[float] = []

    def interrupt() -> None:
        interrupted.append(time.monotonic())
        sandbox.interrupt()

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    with pytest.raises(SandboxUnreachableError, match="on purpose"):
        read()
    timer.join()
    return time.monotonic() - interrupted[0]


def test_a_reader_that_leaves_ends_the_command(server: E2BServer, sandbox: E2BSandbox) -> None:
    pieces = sandbox.follow(["bash", "-c", "echo 1; exec sleep 1000"])
    next(pieces)
    assert isinstance(pieces, Iterator)
    del pieces
    assert wait_until(lambda: not server.living()[0].commands.running())


def test_life_is_renewed(server: E2BServer, sandbox: E2BSandbox) -> None:
    for _ in range(3):
        server.pass_time(250)
        assert sandbox.alive()
        sandbox.renew(300)
    assert server.living()[0].extensions == [300, 300, 300]
    server.pass_time(301)
    assert not sandbox.alive()


def calls(sandbox: E2BSandbox) -> list[Callable[[], object]]:
    """Return every call that needs a sandbox."""
    return [
        lambda: sandbox.write("x", b"1"),
        lambda: sandbox.read("x", 0, 1),
        lambda: sandbox.run(["true"], timeout=5),
        lambda: sandbox.start(["true"], {}),
        lambda: list(sandbox.follow(["true"])),
        lambda: sandbox.renew(60),
    ]


@pytest.mark.parametrize("how", ["killed", "expired"])
@pytest.mark.parametrize("number", range(6))
def test_a_sandbox_that_is_gone(
    server: E2BServer, sandbox: E2BSandbox, how: str, number: int
) -> None:
    if how == "expired":
        server.pass_time(301)
    else:
        server.kill(server.living()[0])
    with pytest.raises(SandboxGoneError, match=sandbox.id):
        calls(sandbox)[number]()
    assert not sandbox.alive()


@pytest.mark.parametrize(
    "how,why",
    [
        ("lost", "it had time left: somebody ended it, or E2B lost it"),
        ("expired", "its time of 1 s was over"),
        ("killed", "this run has ended it"),
    ],
)
def test_it_is_told_why_a_sandbox_is_gone(
    server: E2BServer, sandbox: E2BSandbox, how: str, why: str
) -> None:
    if how == "lost":
        server.kill(server.living()[0], how)
    elif how == "expired":
        sandbox.renew(1)
        assert wait_until(lambda: not server.living())
    else:
        sandbox.kill()
    with pytest.raises(SandboxGoneError) as caught:
        sandbox.run(["true"], timeout=5)
    assert (caught.value.hint or "").startswith(why)


@pytest.mark.parametrize("number", range(1, 5))
def test_a_sandbox_that_somebody_paused_is_resumed(
    server: E2BServer, sandbox: E2BSandbox, number: int
) -> None:
    server.pause(server.living()[0])
    sandbox.write("x", b"1")  # tried again by itself
    server.pause(server.living()[0])
    with pytest.raises(SandboxUnreachableError, match="was paused"):
        calls(sandbox)[number]()
    calls(sandbox)[number]()
    assert server.living()[0].extensions == [300, 300]


@pytest.mark.parametrize("number", range(5))
def test_a_way_that_is_down_is_not_the_end(server: E2BServer, make: Make, number: int) -> None:
    with relay_to(server.port) as relay:
        sandbox = make(relay.url)
        relay.go_down()
        with pytest.raises(SandboxUnreachableError):
            calls(sandbox)[number]()
        assert sandbox.alive()
        relay.come_up()
        sandbox.write("x", b"1")
        calls(sandbox)[number]()


def test_a_closed_port_is_not_the_end(server: E2BServer, sandbox: E2BSandbox) -> None:
    server.living()[0].port_open = False
    for call in calls(sandbox)[:5]:
        with pytest.raises(SandboxUnreachableError):
            call()
    assert sandbox.alive()


def test_a_rejected_token(server: E2BServer, sandbox: E2BSandbox) -> None:
    server.living()[0].reject_token = True
    for call in calls(sandbox)[:5]:
        with pytest.raises(SandboxUnavailableError):
            call()


def test_killing(server: E2BServer, sandbox: E2BSandbox) -> None:
    sandbox.start(["sleep", "1000"], {})
    (lives,) = server.living()
    sandbox.kill()
    assert lives.ended == "killed"
    assert wait_until(lambda: not server.processes(lives))
    sandbox.kill()
    with pytest.raises(SandboxGoneError):
        sandbox.read("x", 0, 1)


def test_a_kill_that_fails_is_told_and_can_be_tried_again(
    server: E2BServer, sandbox: E2BSandbox
) -> None:
    server.faults.add(Fault(KILL, status=500))
    with pytest.raises(SandboxUnreachableError, match="cannot kill it"):
        sandbox.kill()
    assert server.living()
    sandbox.kill()
    assert not server.living()


def test_a_kill_ends_a_follow(sandbox: E2BSandbox) -> None:
    pieces = sandbox.follow(["bash", "-c", "echo 1; exec sleep 1000"])
    next(pieces)
    threading.Timer(0.3, sandbox.kill).start()
    with pytest.raises((SandboxUnreachableError, SandboxGoneError)):
        list(pieces)
