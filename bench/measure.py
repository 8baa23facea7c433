"""Whole processes measured: wall time, and peak memory as the kernel counted it."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


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

    The kernel's figure starts from the memory this process has when it starts the other, so this
    one must stay small.

    Raises:
        CommandFailedError: the exit code is not 0; the message ends with the standard error.
    """
    command.before()
    target = os.devnull if command.stdout is None else os.fspath(command.stdout)
    with Path(target).open("wb") as out, Path(os.devnull).open("rb") as nothing:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(command.argv),
            cwd=command.cwd,
            env={**os.environ, **command.env},
            stdin=nothing,
            stdout=out,
            stderr=subprocess.PIPE,
        )
        if process.stderr is None:
            raise CommandFailedError(command.name)
        with process.stderr as stderr:
            said = stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"{command.name} ended with {process.returncode}:\n{said.decode()[-2000:]}"
        raise CommandFailedError(message)
    return Sample(seconds, usage.ru_maxrss * 1024)


def alternate(commands: Sequence[Command], rounds: int) -> list[Series]:
    """Run the commands in turn, once to warm up and then `rounds` times, measured."""
    for command in commands:
        run_once(command)
    taken: list[list[Sample]] = [[] for _ in commands]
    for _ in range(rounds):
        for samples, command in zip(taken, commands, strict=True):
            samples.append(run_once(command))
    return [Series(tuple(samples)) for samples in taken]
