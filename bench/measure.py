"""Whole processes measured: wall time, and peak memory as the kernel counted it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

# The kernel counts a process's peak memory from what its parent had when it was started: a launcher
# of a few megabytes stands between, however much this process holds.
_LAUNCH = """
import os, sys, time
start = time.perf_counter()
measured, *argv = sys.argv[1:]
child = os.posix_spawnp(
    argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, int(measured))]
)
_, status, usage = os.wait4(child, 0)
os.write(int(measured), f"{time.perf_counter() - start} {usage.ru_maxrss}".encode())
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
"""
_LAUNCHER = (sys.executable, "-I", "-S", "-c", _LAUNCH)


class CommandFailedError(RuntimeError):
    """A measured command did not end with exit code 0; its time means nothing."""


@dataclass(frozen=True)
class Command:
    """A program to be measured.

    Attributes:
        name: what it is called in messages.
        argv: the program and its arguments.
        cwd: where it runs.
        env: variables on top of the environment.
        stdout: file that takes its output; None throws the output away.
        before: called before every run, not measured.
    """

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stdout: Path | None = None
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Sample:
    """One run: seconds from start to end, and the largest resident set in bytes."""

    seconds: float
    peak_rss: int


@dataclass(frozen=True)
class Series:
    """Every measured run of one command."""

    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """The median wall time."""
        return median(sample.seconds for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The shortest and the longest wall time."""
        seconds = [sample.seconds for sample in self.samples]
        return min(seconds), max(seconds)

    @property
    def megabytes(self) -> float:
        """The median of the peak memory, in units of 10⁶ bytes."""
        return median(sample.peak_rss for sample in self.samples) / 1e6


def run_once(command: Command) -> Sample:
    """Run a command once and measure it.

    Raises:
        CommandFailedError: the exit code is not 0; the message ends with the standard error.
    """
    command.before()
    target = os.devnull if command.stdout is None else os.fspath(command.stdout)
    reading, writing = os.pipe()
    with Path(target).open("wb") as out, os.fdopen(reading) as measured:
        with os.fdopen(writing, "w") as its_end:
            done = subprocess.run(
                [*_LAUNCHER, str(its_end.fileno()), *command.argv],
                check=False,
                cwd=command.cwd,
                env={**os.environ, **command.env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                pass_fds=[its_end.fileno()],
            )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")[-2000:]
            raise CommandFailedError(f"{command.name} ended with {done.returncode}:\n{said}")
        seconds, kibibytes = measured.read().split()
    return Sample(float(seconds), int(kibibytes) * 1024)


def alternate(commands: Sequence[Command], rounds: int) -> list[Series]:
    """Run the commands in turn, once to warm up and then `rounds` times, measured."""
    for command in commands:
        run_once(command)
    taken: list[list[Sample]] = [[] for _ in commands]
    for _ in range(rounds):
        for samples, command in zip(taken, commands, strict=True):
            samples.append(run_once(command))
    return [Series(tuple(samples)) for samples in taken]
