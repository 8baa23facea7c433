"""What E2B's envd does that a naive fake would not: one test an item, through the SDK as it is.

The same class runs against this directory's server, plain and in bubblewrap, and against E2B
itself. Subclass as `TestSomething` and define the fixtures `sandbox` and `pass_time`.
"""

import asyncio
import threading
import time
from collections.abc import Callable

import e2b
import pytest

from osiris.remote.e2b_errors import row_for
from osiris.remote.errors import SandboxFileMissingError, SandboxUnavailableError

PassTime = Callable[[float], None]
MEGABYTES_30 = 'head -c 30000000 /dev/zero | tr "\\0" x; touch finished'


def wait_until(true: Callable[[], bool], *, seconds: float = 60) -> bool:
    """Look again and again whether something has become true."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _running(sandbox: e2b.Sandbox) -> list[int]:
    return [process.pid for process in sandbox.commands.list()]


class EnvdBehaviour:
    """Define the fixtures `sandbox` (a new one) and `pass_time` (lets seconds pass there)."""

    @pytest.fixture
    def sandbox(self) -> e2b.Sandbox:
        raise NotImplementedError

    @pytest.fixture
    def pass_time(self) -> PassTime:
        raise NotImplementedError

    def test_a_command_runs_in_a_login_shell(self, sandbox: e2b.Sandbox) -> None:
        sandbox.files.write(".profile", "export FROM_PROFILE=yes")
        said = sandbox.commands.run("shopt -q login_shell && echo $FROM_PROFILE")
        assert said.stdout == "yes\n"

    def test_a_command_gets_a_clean_environment(
        self, sandbox: e2b.Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OF_THE_HOST", "1")
        said = sandbox.commands.run("compgen -e", envs={"OF_THE_CALL": "1"}).stdout.split()
        names = {name for name in said if not name.startswith("E2B_")}
        of_bash = {"PWD", "SHLVL", "OLDPWD", "_"}
        assert names - of_bash == {"PATH", "HOME", "USER", "LOGNAME", "OF_THE_CALL"}

    def test_output_that_nobody_is_attached_to_is_lost(self, sandbox: e2b.Sandbox) -> None:
        until = "until [ -e %s ]; do sleep 0.05; done;"
        alone, back = until % "alone", until % "back"
        command = f"echo heard; {alone} echo lost; touch said; {back} echo heard again"
        first = sandbox.commands.run(command, background=True, timeout=0)
        assert next(iter(first))[0] == "heard\n"
        first.disconnect()
        sandbox.files.write("alone", "")
        assert wait_until(lambda: sandbox.files.exists("said"))
        second = sandbox.commands.connect(first.pid)
        sandbox.files.write("back", "")
        assert second.wait().stdout == "heard again\n"

    def test_a_command_that_ended_is_known_for_half_a_minute_without_its_output(
        self, sandbox: e2b.Sandbox, pass_time: PassTime
    ) -> None:
        pid = sandbox.commands.run("echo lost; exit 3", background=True).pid
        assert wait_until(lambda: pid not in _running(sandbox))
        with pytest.raises(e2b.CommandExitException) as caught:
            sandbox.commands.connect(pid).wait()
        assert (caught.value.exit_code, caught.value.stdout) == (3, "")
        pass_time(31)
        with pytest.raises(e2b.NotFoundException):
            sandbox.commands.connect(pid)

    def test_a_command_outlives_its_client(self, sandbox: e2b.Sandbox) -> None:
        sandbox.commands.run("sleep 0.5; touch done", background=True).disconnect()
        assert wait_until(lambda: sandbox.files.exists("done"))

    def test_the_deadline_kills_a_command_that_nobody_is_attached_to(
        self, sandbox: e2b.Sandbox
    ) -> None:
        handle = sandbox.commands.run("exec sleep 100", background=True, timeout=1)
        handle.disconnect()
        assert wait_until(lambda: handle.pid not in _running(sandbox))
        with pytest.raises(e2b.CommandExitException) as caught:
            sandbox.commands.connect(handle.pid).wait()
        assert caught.value.exit_code == -1
        assert caught.value.error == "signal: killed"

    def test_a_kill_hits_the_direct_child_only(self, sandbox: e2b.Sandbox) -> None:
        command = "(touch begun; sleep 1; touch survived) & sleep 100"
        handle = sandbox.commands.run(command, background=True, timeout=0)
        assert wait_until(lambda: sandbox.files.exists("begun"))
        assert handle.kill()
        assert wait_until(lambda: sandbox.files.exists("survived"))

    def test_a_client_that_does_not_read_blocks_the_command(self, sandbox: e2b.Sandbox) -> None:
        handle = sandbox.commands.run(MEGABYTES_30, background=True, timeout=0)
        time.sleep(1.5)
        assert not sandbox.files.exists("finished")
        handle.disconnect()
        assert wait_until(lambda: sandbox.files.exists("finished"))

    def test_it_blocks_for_the_other_clients_too(self, sandbox: e2b.Sandbox) -> None:
        stuck = sandbox.commands.run("read; " + MEGABYTES_30, background=True, stdin=True)
        got: list[str] = []
        other = sandbox.commands.connect(stuck.pid, timeout=0)
        reading = threading.Thread(target=lambda: other.wait(on_stdout=got.append))
        reading.start()
        sandbox.commands.send_stdin(stuck.pid, "\n")
        time.sleep(1.5)
        before = sum(map(len, got))
        stuck.disconnect()
        reading.join(20)
        assert before < 30_000_000
        assert sum(map(len, got)) == 30_000_000

    def test_output_comes_in_pieces_of_32_kibibytes_at_most(self, sandbox: e2b.Sandbox) -> None:
        sizes: list[int] = []
        sandbox.commands.run(
            "head -c 1000000 /dev/zero | tr '\\0' x", on_stdout=lambda text: sizes.append(len(text))
        )
        assert max(sizes) <= 32 * 1024
        assert sum(sizes) == 1_000_000

    def test_characters_split_between_pieces_arrive_whole(self, sandbox: e2b.Sandbox) -> None:
        said = sandbox.commands.run("for i in $(seq 30000); do printf '€ß'; done")
        assert said.stdout == "€ß" * 30000

    def test_an_upload_truncates_the_file_that_is_there(self, sandbox: e2b.Sandbox) -> None:
        sandbox.files.write("dir/file", "a longer text")
        inode = sandbox.commands.run("stat -c %i dir/file").stdout
        sandbox.files.write("dir/file", "short")
        assert sandbox.files.read("dir/file") == "short"
        assert sandbox.commands.run("stat -c %i dir/file").stdout == inode

    def test_paths_are_relative_to_the_home(self, sandbox: e2b.Sandbox) -> None:
        sandbox.files.write("a/b/c", b"\xff\x00")
        assert sandbox.commands.run("pwd; cd ~ && stat -c %s a/b/c").stdout.split()[1] == "2"
        home = sandbox.commands.run("printf %s $HOME").stdout
        assert bytes(sandbox.files.read(home + "/a/b/c", format="bytes")) == b"\xff\x00"

    def test_a_missing_file_is_told_as_one(self, sandbox: e2b.Sandbox) -> None:
        with pytest.raises(e2b.NotFoundException) as caught:
            sandbox.files.read("nowhere")
        assert row_for(caught.value) == (SandboxFileMissingError, None)

    def test_commands_are_likely_victims_of_the_oom_killer(self, sandbox: e2b.Sandbox) -> None:
        assert sandbox.commands.run("cat /proc/self/oom_score_adj").stdout == "100\n"

    def test_an_unknown_user_is_an_authentication_error(self, sandbox: e2b.Sandbox) -> None:
        with pytest.raises(e2b.AuthenticationException) as caught:
            sandbox.commands.run("true", user="nobody-of-that-name")
        row = row_for(caught.value)
        assert row is not None
        assert row[0] is SandboxUnavailableError

    def test_a_signal_is_no_exit_code(self, sandbox: e2b.Sandbox) -> None:
        with pytest.raises(e2b.CommandExitException) as caught:
            sandbox.commands.run("kill -KILL $$")
        assert (caught.value.exit_code, caught.value.error) == (-1, "signal: killed")

    def test_a_directory_that_is_not_there_is_an_invalid_argument(
        self, sandbox: e2b.Sandbox
    ) -> None:
        with pytest.raises(e2b.InvalidArgumentException, match="does not exist"):
            sandbox.commands.run("true", cwd="/nowhere")

    def test_standard_input_is_sent_and_closed(self, sandbox: e2b.Sandbox) -> None:
        handle = sandbox.commands.run("sort", background=True, stdin=True)
        sandbox.commands.send_stdin(handle.pid, "b\na\n")
        sandbox.commands.close_stdin(handle.pid)
        assert handle.wait().stdout == "a\nb\n"

    def test_a_grandchild_that_holds_the_pipes_holds_up_the_end(self, sandbox: e2b.Sandbox) -> None:
        started = time.monotonic()
        sandbox.commands.run("sleep 1 & exit 0")
        assert time.monotonic() - started > 0.9
        started = time.monotonic()
        sandbox.commands.run("setsid -f sleep 100 </dev/null >/dev/null 2>&1")
        assert time.monotonic() - started < 60

    def test_an_async_client_drains_by_itself(self, sandbox: e2b.Sandbox) -> None:
        async def run() -> int:
            again = await e2b.AsyncSandbox.connect(
                sandbox.sandbox_id, **sandbox.connection_config.get_api_params()
            )
            handle = await again.commands.run(MEGABYTES_30, background=True, timeout=0)
            return len((await handle.wait()).stdout)

        assert asyncio.run(run()) == 30_000_000

    def test_health_is_asked_without_a_token(self, sandbox: e2b.Sandbox) -> None:
        assert sandbox.is_running()
