"""Runs in sandboxes leave the same evidence as runs here, well or ill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.run_options import StepOutputs
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.parity.scenarios import SCENARIOS, Scenario
from tests.support.pipelines import run_with
from tests.support.sandboxes import FarProvider

# "far" is a process sandbox, too.
PLACES: dict[str, Callable[[], ExecutionAdapter]] = {
    "bubblewrap": sandbox_adapter,
    "far": lambda: E2BTransparentProxy(FarProvider()),
}
# A run that is cancelled before it begins gets no sandbox, so no engine tells of its steps.
COMPARED = {name: scenario for name, scenario in SCENARIOS.items() if not scenario.cancelled}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of the test's own, where the sample components count their tries."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options_of(scenario: Scenario) -> dict[str, Any]:
    """The scenario's options, of the types that the command line gives them."""
    kept = StepOutputs(scenario.options.get("step_outputs", "auto"))
    return {**scenario.options, "step_outputs": kept}


def run_there(scenario: Scenario, adapter: ExecutionAdapter, project: Path) -> Path:
    project.mkdir()
    Path("tries").unlink(missing_ok=True)
    options = options_of(scenario)
    return run_with(adapter, project, scenario.build(), env=scenario.env, **options).root


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", COMPARED)
def test_a_sandbox_makes_no_difference(name: str, place: str, workplace: Path) -> None:
    scenario = COMPARED[name]
    here = scenario.run(workplace / "here", **options_of(scenario))
    there = run_there(scenario, PLACES[place](), workplace / "there")
    comparison = compare_directories(here, there)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]
