"""Sandboxes for tests: real ones, with something in between that a network could do to them."""

import json
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from osiris.remote.errors import SandboxFileMissingError, SandboxUnreachableError
from osiris.remote.local_sandbox import LocalSandbox
from osiris.remote.process_sandbox import ProcessSandboxProvider
from osiris.remote.sandbox import Sandbox, SandboxProvider, SandboxSpec


class FarSandbox:
    """A sandbox on this machine that shares no files: all is brought in and out, as from a cloud.

    A subclass overrides what goes wrong. `runs` are the commands that were run to their end,
    `place` is the directory it is in, which goes with it.
    """

    place: Path | None = None

    def __init__(self, inner: LocalSandbox) -> None:
        self.inner = inner
        self.runs: list[list[str]] = []
        self.kills = 0
        self.renewals: list[int] = []

    @property
    def id(self) -> str:
        return self.inner.id

    @property
    def home(self) -> str:
        return self.inner.home

    @property
    def python(self) -> Sequence[str]:
        return self.inner.python

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        self.inner.write(path, data)

    def read(self, path: str, offset: int, length: int) -> bytes:
        return self.inner.read(path, offset, length)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        self.runs.append(list(argv))
        return self.inner.run(argv, timeout=timeout, stdin=stdin, env=env)

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.inner.start(argv, env)

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        yield from self.inner.follow(argv)

    def interrupt(self) -> None:
        self.inner.interrupt()

    def alive(self) -> bool:
        return self.inner.alive()

    def renew(self, ttl_seconds: int) -> None:
        self.renewals.append(ttl_seconds)

    def kill(self) -> None:
        self.kills += 1
        self.inner.kill()
        self.inner.discard()
        if self.place is not None:
            shutil.rmtree(self.place, ignore_errors=True)


@dataclass
class FarProvider:
    """Makes process sandboxes that share no files; `wrap` says how each is made far.

    `made` are all sandboxes so far.
    """

    wrap: Callable[[LocalSandbox], Sandbox] = FarSandbox
    inner: SandboxProvider = field(default_factory=ProcessSandboxProvider)
    made: list[Sandbox] = field(default_factory=list)
    specs: list[SandboxSpec] = field(default_factory=list)
    name: str = "far"
    shares_files: bool = False

    def create(self, spec: SandboxSpec) -> Sandbox:
        self.specs.append(spec)
        elsewhere = Path(tempfile.mkdtemp(prefix="osiris-far-"))
        sandbox = self.inner.create(replace(spec, scratch=elsewhere))
        assert isinstance(sandbox, LocalSandbox)
        made = self.wrap(sandbox)
        if isinstance(made, FarSandbox):
            made.place = elsewhere
        self.made.append(made)
        return made


class ChaosSandbox(FarSandbox):
    """A sandbox behind a bad line: calls fail and streams are cut, at random, at any byte.

    Args:
        inner: the real sandbox.
        seed: of the mischief.
        life: seconds that a stream lives at most once it says something, on average half of it.
        failing: how often another call fails before or after it has done its work.

    """

    def __init__(
        self, inner: LocalSandbox, *, seed: int = 1, life: float = 0.3, failing: float = 0.3
    ) -> None:
        super().__init__(inner)
        self._random = random.Random(seed)
        self._life = life
        self._failing = failing
        self._lock = threading.Lock()
        self.cuts = 0

    def _chance(self) -> float:
        with self._lock:
            return self._random.random()

    def _maybe(self) -> None:
        if self._chance() < self._failing:
            self.cuts += 1
            raise SandboxUnreachableError("the line is cut")

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        self._maybe()
        if isinstance(data, bytes) and self._chance() < self._failing:
            self.inner.write(path, data[: len(data) // 2])
            self.cuts += 1
            raise SandboxUnreachableError("the line is cut in the middle of an upload")
        self.inner.write(path, data)
        self._maybe()

    def read(self, path: str, offset: int, length: int) -> bytes:
        self._maybe()
        data = self.inner.read(path, offset, length)
        return data if self._chance() > self._failing else data[: max(1, len(data) // 3)]

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        self._maybe()
        output = super().run(argv, timeout=timeout, stdin=stdin, env=env)
        self._maybe()
        return output

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._maybe()
        self.inner.start(argv, env)
        self._maybe()

    def alive(self) -> bool:
        self._maybe()
        return self.inner.alive()

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        self._maybe()
        end: float | None = None
        for data in self.inner.follow(argv):
            # From the first that is heard on: however slow this machine is, it gets somewhere.
            end = time.monotonic() + self._life * self._chance() if end is None else end
            if time.monotonic() < end:
                yield data
                continue
            yield data[: int(len(data) * self._chance())]
            self.cuts += 1
            raise SandboxUnreachableError("the stream is cut")


Record = dict[str, Any]


class LyingSandbox(FarSandbox):
    """A sandbox whose journal is changed on its way: `lie` gives the records in place of each.

    The changed journal is flawless as a journal: every record has the next seq.
    """

    def __init__(self, inner: LocalSandbox, lie: Callable[[Record], list[Record]]) -> None:
        super().__init__(inner)
        self._lie = lie
        self._lines: list[bytes] = []

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        start = int(argv[-2])
        rest = b""
        for data in self.inner.follow([*argv[:-2], "1", argv[-1]]):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                for record in self._lie(json.loads(line)):
                    told = {**record, "seq": len(self._lines) + 1}
                    self._lines.append(json.dumps(told).encode() + b"\n")
            yield b"".join(self._lines[start - 1 :])
            start = len(self._lines) + 1


@dataclass
class Recording:
    """A run in a sandbox as its host saw it.

    `facts` is what the runner said first, `lines` are the journal, `files` lie below the session.
    """

    facts: bytes = b""
    lines: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


class RecordingSandbox(FarSandbox):
    """A sandbox that takes note of all it gives."""

    def __init__(self, inner: LocalSandbox, recording: Recording) -> None:
        super().__init__(inner)
        self._recording = recording

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        self._recording.facts = super().run(argv, timeout=timeout, stdin=stdin, env=env)
        return self._recording.facts

    def kill(self) -> None:
        for root in Path(self.home, "session").iterdir():
            files = [path for path in root.rglob("*") if path.is_file()]
            self._recording.files = {str(p.relative_to(root)): p.read_bytes() for p in files}
            (journal,) = root.rglob("journal.jsonl")
            self._recording.lines = journal.read_bytes().splitlines()
        super().kill()


class ReplayingSandbox(FarSandbox):
    """A sandbox in which nothing runs: it gives again what was recorded, with lies in it.

    `lie` gives the records in place of each; the changed journal is flawless as a journal.
    """

    def __init__(
        self, inner: LocalSandbox, recording: Recording, lie: Callable[[Record], list[Record]]
    ) -> None:
        super().__init__(inner)
        self._recording = recording
        told = [record for line in recording.lines for record in lie(json.loads(line))]
        self._lines = [
            json.dumps({**record, "seq": seq}).encode() + b"\n"
            for seq, record in enumerate(told, start=1)
        ]

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        """Take it as if it had arrived."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        del argv, timeout, stdin, env
        return self._recording.facts

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Say that it was started."""

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        yield b"".join(self._lines[int(argv[-2]) - 1 :])

    def read(self, path: str, offset: int, length: int) -> bytes:
        name = path.partition("/session/")[2].partition("/")[2]
        if name not in self._recording.files:
            raise SandboxFileMissingError(f"there is no {name}")
        return self._recording.files[name][offset : offset + length]
