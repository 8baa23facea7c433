"""What drivers log and print: the same messages here and in a sandbox, masked and bounded."""

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.log_capture import MOST_DEBUG
from osiris.core.records import Record
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.probes import probe, probing
from tests.support.pipelines import Evidence, PipelineBuilder, run_with

PLACES: dict[str, Callable[[], ExecutionAdapter]] = {
    "here": LocalAdapter,
    "sandbox": lambda: sandbox_adapter("process"),
}


def messages(evidence: Evidence, *names: str, debug: bool = False) -> list[str]:
    """Return the lines of some loggers in osiris.log (or debug.log), without their times."""
    layout = evidence.result.layout
    lines = (layout.debug_log if debug else layout.log).read_text().splitlines()
    heads = tuple(f"{name}:" for name in names)
    return [
        x
        for line in lines
        if (x := line[28:].lstrip().split(" ", 1)[-1].strip()) and x.startswith(heads)
    ]


LOGGING = """
import logging
noisy = logging.getLogger("noisy.library")
noisy.debug("a detail")
noisy.info("a message")
noisy.warning("a warning")
logging.getLogger("hpack.hpack").debug("Encoded header block to %s", b"secret in disguise")
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_librarys_messages_reach_the_logs(tmp_path: Path, place: str) -> None:
    evidence = run_with(PLACES[place](), tmp_path, probing(LOGGING))
    assert evidence.result.ok
    said = ["noisy.library: a message", "noisy.library: a warning"]
    assert messages(evidence, "noisy.library", "hpack.hpack") == said
    everything = messages(evidence, "noisy.library", "hpack.hpack", debug=True)
    assert everything == ["noisy.library: a detail", *said]


FLOOD = """
import logging, time
noisy = logging.getLogger("flooding.library")
for number in range(12_000):
    noisy.debug("detail %d", number)
rows = [noisy.isEnabledFor(logging.DEBUG), noisy.isEnabledFor(logging.INFO)]
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_library_with_too_much_to_say_is_made_to_stop(tmp_path: Path, place: str) -> None:
    evidence = run_with(PLACES[place](), tmp_path, probing(FLOOD))
    said = messages(evidence, "flooding.library", debug=True)
    assert len(said) == MOST_DEBUG + 1
    assert said[-2] == "flooding.library: detail 9999"
    assert said[-1] == "flooding.library: more than 10000 DEBUG messages; the rest is not kept"
    assert (evidence.root / "artifacts/probe/output.csv").read_text() == '"text"\n"False"\n"True"\n'
    assert not logging.getLogger("flooding.library").level


def test_the_callers_handlers_get_what_they_got_before(tmp_path: Path) -> None:
    """Handlers of any logger, and loggers that the program has set to a level of their own."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root, own = logging.getLogger(), logging.getLogger("talkative")
    level = root.level
    root.addHandler(handler)
    own.setLevel(logging.DEBUG)
    code = LOGGING + "logging.getLogger('talkative').debug('wanted')"
    try:
        evidence = run_with(LocalAdapter(), tmp_path, probing(code))
        assert root.level == level
        logging.getLogger("noisy.library").info("after the run")
    finally:
        root.removeHandler(handler)
        own.setLevel(logging.NOTSET)
    assert stream.getvalue().splitlines() == [
        "WARNING noisy.library a warning",
        "DEBUG talkative wanted",
    ]
    assert "talkative: wanted" in messages(evidence, "talkative", debug=True)
    assert not handler.filters


PRINTING = r"""
import sys
print("plain", "print")
print("on stderr", file=sys.stderr)
sys.stdout.buffer.write(b"\xff\xfe not utf-8\n")
sys.stdout.writelines(["one\n", "two\n"])
print("half a", end=" ")
print("line")
print("the password is", config.connection.token.get_secret_value())
sys.stdout.write("pass")
sys.stdout.write("wordless: can")
sys.stdout.write("ary-0815 no newline")
sys.stdout.flush()
"""
PRINTED = [
    "worker.stdout: plain print",
    r"worker.stdout: \xff\xfe not utf-8",
    "worker.stdout: one",
    "worker.stdout: two",
    "worker.stdout: half a line",
    "worker.stdout: the password is ***",
    "worker.stdout: passwordless: *** no newline",
]


def printing() -> PipelineBuilder:
    return probing(PRINTING, {"token": "${TOKEN}"})


@pytest.mark.parametrize("place", PLACES)
def test_what_a_driver_prints_is_in_the_log(
    tmp_path: Path, place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    evidence = run_with(PLACES[place](), tmp_path, printing(), env={"TOKEN": "canary-0815"})
    assert evidence.result.ok
    assert messages(evidence, "worker.stdout") == PRINTED
    assert messages(evidence, "worker.stderr") == ["worker.stderr: on stderr"]
    assert (
        "INFO" in evidence.result.layout.log.read_text().split("worker.stdout")[0].splitlines()[-1]
    )
    assert "canary" not in evidence.result.layout.debug_log.read_text()
    assert capfd.readouterr() == ("", "")


def test_the_callers_own_output_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its other threads print where they always did, its observer too, whatever thread calls it."""
    real = sys.stdout
    seen: list[object] = []

    def observer(record: Record) -> None:
        print(f"observed {type(record).__name__}")  # noqa: T201 - the caller's right
        seen.append(sys.stdout)

    stop = threading.Event()

    def talk() -> None:
        while not stop.wait(0.01):
            print("from another thread")  # noqa: T201 - as above

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        evidence = run_with(
            LocalAdapter(),
            tmp_path,
            probing("import time; print('from the step'); time.sleep(0.2)"),
            observer=observer,
        )
    finally:
        stop.set()
        talker.join()
    assert sys.stdout is real
    out = capsys.readouterr().out
    assert "from another thread" in out
    assert "observed StepComplete" in out
    assert "from the step" not in out
    assert messages(evidence, "worker.stdout") == ["worker.stdout: from the step"]
    assert "observed" not in evidence.result.layout.debug_log.read_text()


def test_lines_of_steps_that_print_at_once_do_not_mix(tmp_path: Path) -> None:
    code = """
        import sys
        for _ in range(300):
            for piece in ("{0}",) * 9: sys.stdout.write(piece)
            print()
    """
    builder = PipelineBuilder()
    for name in "abc":
        probe(builder, name, code.format(name))
    evidence = run_with(LocalAdapter(), tmp_path, builder, jobs=3)
    lines = sorted(messages(evidence, "worker.stdout"))
    assert lines == [f"worker.stdout: {name * 9}" for name in "abc" for _ in range(300)]


def test_runs_at_the_same_time_keep_their_messages_apart(tmp_path: Path) -> None:
    """Each in a thread of the caller; what one logs is not masked in the other's records."""
    code = """
        import logging, time
        for _ in range(50):
            print("{0}"); logging.getLogger("lib").info("{0}"); time.sleep(0.002)
    """
    done: dict[str, Evidence] = {}

    def run(name: str) -> None:
        place = tmp_path / name
        place.mkdir()
        done[name] = run_with(LocalAdapter(), place, probing(code.format(f"said by {name}")))

    level, real = logging.getLogger().level, sys.stdout
    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (logging.getLogger().level, sys.stdout) == (level, real)
    for name in ("one", "two"):
        said = messages(done[name], "lib", "worker.stdout")
        assert (
            sorted(said) == [f"lib: said by {name}"] * 50 + [f"worker.stdout: said by {name}"] * 50
        )


@pytest.fixture
def closed_stdout() -> Iterator[None]:
    """A program that has no standard output."""
    with contextlib.redirect_stdout(None):
        yield


@pytest.mark.usefixtures("closed_stdout")
def test_a_program_without_standard_output(tmp_path: Path) -> None:
    evidence = run_with(LocalAdapter(), tmp_path, probing("print('into nothing')"))
    assert evidence.result.ok


def test_a_driver_that_prints_without_end_is_cut_short(tmp_path: Path) -> None:
    evidence = run_with(
        LocalAdapter(), tmp_path, probing("for _ in range(3000): print('x' * 99 * 100)")
    )
    assert evidence.result.ok
    log = evidence.result.layout.log.read_text()
    assert "more bytes were not kept" in log
    assert len(log) < 12_000_000
