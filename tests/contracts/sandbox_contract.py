"""What every sandbox must do, whatever it is made of."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from osiris.remote.errors import (
    SandboxError,
    SandboxFileMissingError,
    SandboxGoneError,
    SandboxUnreachableError,
)
from osiris.remote.sandbox import Sandbox, SandboxProvider, SandboxSpec

_SECONDS = 20.0


class SandboxContract:
    """Subclass as `TestSomething` and define the fixture `provider`."""

    @pytest.fixture
    def provider(self) -> SandboxProvider:
        """Return what makes the sandboxes."""
        raise NotImplementedError

    @pytest.fixture
    def sandbox(self, provider: SandboxProvider, tmp_path: Path) -> Iterator[Sandbox]:
        """A new sandbox, killed at the end."""
        made = provider.create(SandboxSpec(run_id="run_contract", scratch=tmp_path))
        yield made
        made.kill()

    @staticmethod
    def python(sandbox: Sandbox, program: str) -> list[str]:
        """Return the command that runs a Python program inside."""
        return [*sandbox.python, "-I", "-c", program]

    def test_it_has_a_name_and_a_home(self, sandbox: Sandbox) -> None:
        assert sandbox.id
        assert sandbox.home.startswith("/")
        assert sandbox.alive()

    @pytest.mark.parametrize("size", [0, 1, 100_000, 9_000_000])
    def test_what_is_written_is_there(self, sandbox: Sandbox, size: int) -> None:
        data = hashlib.sha256(b"seed").digest() * (size // 32 + 1)
        path = f"{sandbox.home}/deep/down/file"
        sandbox.write(path, data[:size])
        program = f"import hashlib;print(hashlib.sha256(open({path!r},'rb').read()).hexdigest())"
        seen = sandbox.run(self.python(sandbox, program), timeout=_SECONDS)
        assert seen.decode().strip() == hashlib.sha256(data[:size]).hexdigest()
        assert sandbox.read(path, 0, size + 10) == data[:size]
        assert sandbox.read(path, 7, 11) == data[:size][7:18]

    def test_a_file_can_be_written_from_a_stream_and_again(self, sandbox: Sandbox) -> None:
        path = f"{sandbox.home}/file"
        sandbox.write(path, BytesIO(b"long" * 1000))
        sandbox.write(path, BytesIO(b"short"))
        assert sandbox.read(path, 0, 100) == b"short"

    def test_a_missing_file_is_told_as_one(self, sandbox: Sandbox) -> None:
        with pytest.raises(SandboxFileMissingError):
            sandbox.read(f"{sandbox.home}/nothing", 0, 1)

    def test_output_comes_back_byte_for_byte(self, sandbox: Sandbox) -> None:
        program = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 100)"
        assert sandbox.run(self.python(sandbox, program), timeout=_SECONDS) == (
            bytes(range(256)) * 100
        )

    def test_a_command_gets_the_environment_that_it_is_given(self, sandbox: Sandbox) -> None:
        program = "import json, os; print(json.dumps(dict(os.environ)))"
        said = sandbox.run(
            self.python(sandbox, program), timeout=_SECONDS, env={"GIVEN": 'it\'s "this" $HOME'}
        )
        found = json.loads(said)
        assert found.pop("GIVEN") == 'it\'s "this" $HOME'
        # The last four are what a shell sets for itself.
        assert found.keys() <= {"PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}

    def test_a_failing_command_says_why(self, sandbox: Sandbox) -> None:
        with pytest.raises(SandboxError, match="no bread today"):
            sandbox.run(
                self.python(sandbox, "raise SystemExit('no bread today')"), timeout=_SECONDS
            )

    def test_a_command_that_takes_too_long_is_ended(self, sandbox: Sandbox) -> None:
        started = time.monotonic()
        with pytest.raises(SandboxError):
            sandbox.run(self.python(sandbox, "import time; time.sleep(600)"), timeout=1)
        assert time.monotonic() - started < 60

    def test_what_was_started_goes_on_with_its_environment_only(self, sandbox: Sandbox) -> None:
        path = f"{sandbox.home}/seen"
        program = (
            "import os, time\n"
            "time.sleep(0.3)\n"
            f"open({path!r} + '.part', 'w').write(repr(dict(os.environ)))\n"
            f"os.rename({path!r} + '.part', {path!r})"
        )
        sandbox.start(self.python(sandbox, program), {"SONG": "of a canary"})
        seen = eval(self._awaited(sandbox, path))  # noqa: S307 - written by the line above
        assert seen.pop("SONG") == "of a canary"
        assert seen["HOME"] == sandbox.home
        assert seen.keys() <= {"HOME", "PATH", "LC_CTYPE", "PWD", "SHLVL", "_", "OLDPWD"}

    def test_a_command_is_followed_as_it_prints(self, sandbox: Sandbox) -> None:
        program = (
            "import sys, time\n"
            "for i in range(5):\n"
            "    print('line', i, 'žluťoučký', flush=True)\n"
            "    time.sleep(0.1)"
        )
        seen = [(time.monotonic(), data) for data in sandbox.follow(self.python(sandbox, program))]
        text = b"".join(data for _, data in seen).decode()
        assert text == "".join(f"line {i} žluťoučký\n" for i in range(5))
        assert seen[-1][0] - seen[0][0] > 0.2

    def test_a_silent_stream_can_be_interrupted(self, sandbox: Sandbox) -> None:
        program = "import time; print('now', flush=True); time.sleep(600)"
        stream = sandbox.follow(self.python(sandbox, program))
        seen = b""
        while not seen.endswith(b"\n"):  # it may come in two pieces
            seen += next(stream)
        started = time.monotonic()
        timer = threading.Timer(0.5, sandbox.interrupt)
        timer.start()
        with pytest.raises(SandboxUnreachableError):
            next(stream)
        timer.join()
        assert seen == b"now\n"
        assert time.monotonic() - started < 60

    def test_following_does_not_stop_what_was_started(self, sandbox: Sandbox) -> None:
        path = f"{sandbox.home}/late"
        program = f"import time; time.sleep(0.5); open({path!r}, 'w').write('here')"
        sandbox.start(self.python(sandbox, program), {})
        for _ in sandbox.follow(self.python(sandbox, "print(1)")):
            break
        assert self._awaited(sandbox, path) == "here"

    def test_it_can_be_renewed(self, sandbox: Sandbox) -> None:
        sandbox.renew(60)
        assert sandbox.alive()

    def test_killing_it_twice_is_no_error_and_nothing_works_afterwards(
        self, sandbox: Sandbox
    ) -> None:
        sandbox.start(self.python(sandbox, "import time; time.sleep(60)"), {})
        sandbox.kill()
        sandbox.kill()
        assert not sandbox.alive()
        with pytest.raises(SandboxGoneError):
            sandbox.run(self.python(sandbox, "print(1)"), timeout=_SECONDS)
        with pytest.raises(SandboxGoneError):
            list(sandbox.follow(self.python(sandbox, "print(1)")))

    @staticmethod
    def _awaited(sandbox: Sandbox, path: str) -> str:
        """Return the contents of a file once it is there."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            try:
                return sandbox.read(path, 0, 100_000).decode()
            except SandboxFileMissingError:
                time.sleep(0.05)
        raise AssertionError(f"{path} never came")
