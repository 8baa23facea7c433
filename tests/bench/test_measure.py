"""What the benchmark says it measured is what it measured."""

import sys
from pathlib import Path

import pytest

from bench.figure import Bar, Figure
from bench.measure import Command, CommandFailedError, Sample, Series, alternate, run_once


def _python(cwd: Path, program: str, *, out: Path | None = None) -> Command:
    return Command("python", [sys.executable, "-c", program], cwd, {"WORD": "ready"}, out)


def test_wall_time_and_peak_memory_are_those_of_the_process(tmp_path: Path) -> None:
    slow = run_once(_python(tmp_path, "import time; time.sleep(0.3)"))
    assert 0.3 <= slow.seconds < 60
    fat = run_once(_python(tmp_path, "b = b'x' * 600_000_000"))
    assert 600e6 < fat.peak_rss < 800e6
    assert slow.peak_rss < 600e6


def test_output_and_environment_arrive(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = "import os; print(os.environ['WORD'], os.getcwd())"
    run_once(_python(tmp_path, program, out=out))
    assert out.read_text().split() == ["ready", str(tmp_path)]


def test_a_failed_command_is_not_a_figure(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match=r"ended with 3:\nno room"):
        run_once(_python(tmp_path, "import sys; print('no room', file=sys.stderr); sys.exit(3)"))


def test_commands_take_turns_after_a_warm_up(tmp_path: Path) -> None:
    order: list[str] = []
    commands = [
        Command(name, ["true"], tmp_path, before=lambda name=name: order.append(name))  # type: ignore[misc]  # a default argument binds the name
        for name in ("a", "b")
    ]
    series = alternate(commands, rounds=2)
    assert order == ["a", "b"] * 3
    assert [len(s.samples) for s in series] == [2, 2]


def test_a_series_gives_medians_and_spread() -> None:
    series = Series(tuple(Sample(s, int(s * 1e6)) for s in (3.0, 1.0, 2.0)))
    assert (series.seconds, series.spread, series.megabytes) == (2.0, (1.0, 3.0), 2.0)


@pytest.mark.parametrize("measured,verdict", [(1.25, "held"), (1.26, "MISSED")])
def test_a_figure_says_whether_it_kept_to_its_bar(measured: float, verdict: str) -> None:
    line = str(Figure("speed", measured, Bar(1.25, "×"), "beside"))
    assert line == f"| speed | {measured} × | ≤ 1.25 × | {verdict} | beside |"


def test_what_the_benchmark_itself_holds_is_not_counted(tmp_path: Path) -> None:
    held = b"x" * 400_000_000
    small = run_once(_python(tmp_path, "pass"))
    assert small.peak_rss < len(held) / 4
