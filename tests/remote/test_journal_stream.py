"""The host's end of the journal, against a line that does everything a line can do."""

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.core.cancel import CancelToken
from osiris.remote.errors import (
    HostileSandboxError,
    SandboxGoneError,
    SandboxUnreachableError,
    WorkerDiedError,
)
from osiris.remote.journal_stream import JournalStream
from osiris.remote.patience import Patience
from osiris.remote.rpc_protocol import MAX_LINE, Envelope, journal_line, pieces, record_bytes
from osiris.remote.sandbox import SandboxSpec
from osiris.remote.watchdog import Watchdog
from tests.support.sandboxes import FarProvider, FarSandbox


def journal(texts: Sequence[str]) -> list[bytes]:
    """The journal lines of log records with these texts, and the end."""
    lines: list[bytes] = []
    for text in texts:
        for piece in pieces(record_bytes("log", 1.0, {"message": text}), 1.0):
            lines.append(journal_line(len(lines) + 1, piece))
    lines.append(journal_line(len(lines) + 1, record_bytes("closed", 1.0, {})))
    return lines


class Scripted(FarSandbox):
    """A real sandbox whose journal is a script: each stream is pieces, and an error at its end."""

    streams: list[tuple[list[bytes], Exception | None]]
    asked: list[int]
    is_alive: bool = True

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        self.asked.append(int(argv[-1]))
        pieces, error = self.streams.pop(0) if self.streams else ([], None)
        yield from pieces
        if error is not None:
            raise error

    def alive(self) -> bool:
        return self.is_alive


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    made = FarProvider(Scripted).create(
        SandboxSpec("run_x", scratch=tmp_path_factory.mktemp("scratch"))
    )
    assert isinstance(made, Scripted)
    made.asked = []
    made.streams = []
    yield made
    made.kill()


CUT = SandboxUnreachableError("cut")


class Hasty(Watchdog):
    """A watchdog that does not wait before a stream is opened again."""

    def pause(self, seconds: float) -> None:
        del seconds


def heard(
    sandbox: Scripted,
    *,
    patience: float = 5.0,
    most: int = 10**9,
    kind: type[Watchdog] = Watchdog,
) -> list[Envelope]:
    """Everything up to the journal's end."""
    found: list[Envelope] = []
    with kind(sandbox, 60.0, CancelToken(), 60.0) as watchdog:
        stream = JournalStream(
            sandbox,
            lambda seq: ["pump", str(seq)],
            watchdog,
            Patience(sandbox, patience),
            most_bytes=most,
            on_reconnect=lambda _seq, _why: None,
        )
        for envelope in stream:
            found.append(envelope)
            if envelope.type in {"closed", "lost"}:
                break
    return found


def texts(found: list[Envelope]) -> list[str | None]:
    return [record.data.get("message") for record in found]


def chopped(data: bytes, seed: int) -> list[bytes]:
    """The same bytes in pieces of any size."""
    chance = random.Random(seed)
    found = []
    while data:
        size = chance.choice([1, 2, 3, 7, 50, 1000, 40_000])
        found.append(data[:size])
        data = data[size:]
    return found


@settings(max_examples=50, deadline=None)
@given(
    messages=st.lists(st.text(max_size=30) | st.just("ž" * 70_000), max_size=15),
    cuts=st.lists(st.tuples(st.integers(0, 200_000), st.integers(-3, 0)), max_size=6),
    seed=st.integers(0, 1000),
)
def test_every_record_comes_once_and_in_order_whatever_the_line_does(
    tmp_path_factory: pytest.TempPathFactory,
    messages: list[str],
    cuts: list[tuple[int, int]],
    seed: int,
) -> None:
    made = FarProvider(Scripted).create(
        SandboxSpec("run_x", scratch=tmp_path_factory.mktemp("scratch"))
    )
    assert isinstance(made, Scripted)
    lines = journal(messages)

    def follow(argv: Sequence[str]) -> Iterator[bytes]:
        start = int(argv[-1])
        if cuts:
            length, back = cuts.pop()
            yield from chopped(b"".join(lines[max(0, start - 1 + back) :])[:length], seed)
            raise SandboxUnreachableError("cut")
        yield from chopped(b"".join(lines[start - 1 :]), seed)

    made.asked, made.streams = [], []
    made.follow = follow  # type: ignore[method-assign]  # the line is this test's
    found = heard(made, kind=Hasty)
    assert texts(found) == [*messages, None]
    assert [record.seq for record in found] == sorted({record.seq for record in found})
    made.kill()


def test_a_gap_is_asked_for_again(sandbox: Scripted) -> None:
    lines = journal(["a", "b", "c", "d"])
    sandbox.streams = [([lines[0], lines[2]], None), (lines[1:], None)]
    assert texts(heard(sandbox)) == ["a", "b", "c", "d", None]
    assert sandbox.asked == [1, 2]


def test_garbage_is_asked_for_again_and_not_believed(sandbox: Scripted) -> None:
    lines = journal(["a", "b"])
    sandbox.streams = [([lines[0], b"\xff\xfe{ garbage\n", *lines[1:]], None), (lines[1:], None)]
    assert texts(heard(sandbox)) == ["a", "b", None]


def test_duplicated_bytes_do_no_harm(sandbox: Scripted) -> None:
    lines = journal(["a", "b"])
    doubled = lines[0] + lines[1][:20] + lines[1][10:] + lines[2]
    sandbox.streams = [([doubled], CUT), (lines[1:], None)]
    assert texts(heard(sandbox)) == ["a", "b", None]


def test_a_forged_seq_of_the_past_is_dropped(sandbox: Scripted) -> None:
    lines = journal(["a", "b"])
    forged = journal_line(1, record_bytes("log", 1.0, {"message": "forged"}))
    sandbox.streams = [([lines[0], forged, *lines[1:]], None)]
    assert texts(heard(sandbox)) == ["a", "b", None]


def test_a_line_that_cannot_be_read_ever_ends_the_run(sandbox: Scripted) -> None:
    lines = journal(["a"])
    sandbox.streams = [([lines[0], b"garbage\n"], None)] * 20
    with pytest.raises(HostileSandboxError, match="beyond 1"):
        heard(sandbox)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_ends_the_run(sandbox: Scripted, end: bytes) -> None:
    sandbox.streams = [([b"x" * (MAX_LINE // 2)] * 3 + [end], None)]
    with pytest.raises(HostileSandboxError, match=str(MAX_LINE)):
        heard(sandbox)


def test_parts_that_lie_end_the_run(sandbox: Scripted) -> None:
    data = {"index": 3, "count": 4, "chunk": ""}
    sandbox.streams = [([journal_line(1, record_bytes("part", 1.0, data))], None)]
    with pytest.raises(HostileSandboxError):
        heard(sandbox)


def test_a_journal_without_end_ends_the_run(sandbox: Scripted) -> None:
    lines = journal(["x" * 1000] * 100)
    sandbox.streams = [(lines, None)]
    with pytest.raises(HostileSandboxError, match="larger"):
        heard(sandbox, most=50_000)


def test_parts_go_on_after_a_cut(sandbox: Scripted) -> None:
    lines = journal(["ž" * 100_000])
    assert len(lines) > 4
    sandbox.streams = [(lines[:2], CUT), (lines[1:4], CUT), (lines[4:], None)]
    assert texts(heard(sandbox)) == ["ž" * 100_000, None]


def test_a_dead_sandbox_is_told_at_once(sandbox: Scripted) -> None:
    sandbox.is_alive = False
    sandbox.streams = [([], CUT)] * 100
    started = time.monotonic()
    with pytest.raises(SandboxGoneError):
        heard(sandbox, patience=600)
    assert time.monotonic() - started < 60


def test_a_way_that_stays_cut_is_given_up(sandbox: Scripted) -> None:
    sandbox.streams = [(journal(["a"])[:1], CUT), *([([], CUT)] * 1000)]
    started = time.monotonic()
    with pytest.raises(SandboxUnreachableError, match="after record 1"):
        heard(sandbox, patience=1.0)
    assert 0.9 < time.monotonic() - started < 60


def test_pumps_own_word_is_no_record(sandbox: Scripted) -> None:
    lost = journal_line(0, record_bytes("lost", 1.0, {"why": "the runner died"}))
    sandbox.streams = [([journal(["a"])[0], lost], None)]
    found = heard(sandbox)
    assert [record.type for record in found] == ["log", "lost"]


class Frozen(FarSandbox):
    """A sandbox whose stream says one thing and then nothing, until it is interrupted."""

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        del argv
        yield from self.inner.follow(["/bin/sh", "-c", "echo x; sleep 600"])


def test_a_frozen_stream_is_cut_by_the_watchdog(tmp_path: Path) -> None:
    sandbox = FarProvider(Frozen).create(SandboxSpec("run_x", scratch=tmp_path))
    started = time.monotonic()
    with (
        Watchdog(sandbox, 0.5, CancelToken(), 60.0) as watchdog,
        watchdog.watching(),
        pytest.raises(SandboxUnreachableError),
    ):
        for _ in sandbox.follow([]):
            pass
    assert 0.4 < time.monotonic() - started < 60
    sandbox.kill()


class SlowToBegin(FarSandbox):
    """A sandbox in which every stream takes longer to begin than a silence may last."""

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        del argv
        yield from self.inner.follow(["/bin/sh", "-c", f"sleep 1; cat {self.home}/journal"])


def test_a_stream_that_is_slow_to_begin_is_waited_for(tmp_path: Path) -> None:
    sandbox = FarProvider(SlowToBegin).create(SandboxSpec("run_x", scratch=tmp_path))
    sandbox.write(f"{sandbox.home}/journal", b"".join(journal(["a", "b"])))
    with Watchdog(sandbox, 0.4, CancelToken(), 60.0) as watchdog:
        stream = JournalStream(
            sandbox,
            lambda seq: ["pump", str(seq)],
            watchdog,
            Patience(sandbox, 60.0),
            most_bytes=10**9,
            on_reconnect=lambda _seq, _why: None,
        )
        with closing(iter(stream)) as records:
            found = list(itertools.islice(records, 3))
    assert texts(found) == ["a", "b", None]
    sandbox.kill()


def test_a_worker_that_does_not_stop_is_not_waited_for(tmp_path: Path) -> None:
    sandbox = FarProvider(Frozen).create(SandboxSpec("run_x", scratch=tmp_path))
    cancel = CancelToken()
    cancel.cancel()
    with Watchdog(sandbox, 600.0, cancel, 0.3) as watchdog:
        started = time.monotonic()
        with watchdog.watching(), pytest.raises(SandboxUnreachableError):
            for _ in sandbox.follow([]):
                pass
        assert time.monotonic() - started < 60
        with pytest.raises(WorkerDiedError, match="did not stop"):
            watchdog.raise_if_expired()
    sandbox.kill()
