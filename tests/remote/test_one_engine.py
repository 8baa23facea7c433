"""Nothing that runs a step, names an event or decides a policy exists twice."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import osiris.remote
from osiris.core import events
from osiris.core.events import Event

ROOT = Path(osiris.__file__).parent
RUNS_A_STEP = {"engine", "step_runner", "step_task", "schedule", "exchange", "outlet", "keeper"}
TRANSPORT = "sandbox_"


def modules(package: str) -> dict[str, ast.Module]:
    """The modules of a package, parsed, by name."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {file.stem: ast.parse(file.read_text("utf-8")) for file in files}


def imports(module: ast.Module) -> set[str]:
    """Every module that one imports, wherever in it, and every name as `module.name`."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def events_of(package: str) -> Iterator[type[Event]]:
    """Every event that is defined in a package."""
    waiting = list(Event.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith(package):
            yield kind


def test_remote_defines_no_event_of_its_own_but_those_of_the_transport() -> None:
    for module in pkgutil.iter_modules(osiris.remote.__path__, "osiris.remote."):
        importlib.import_module(module.name)
    ours = list(events_of("osiris.remote"))
    assert len(ours) > 5
    assert {kind.__module__ for kind in ours} == {"osiris.remote.sandbox_events"}
    assert [kind.name for kind in ours if not kind.name.startswith(TRANSPORT)] == []
    assert [k.name for k in events_of("osiris.core") if k.name.startswith(TRANSPORT)] == []


def test_the_worker_is_the_one_place_in_remote_that_has_an_engine() -> None:
    """And it imports the one that runs steps here."""
    remote = modules("remote")
    engine = "osiris.core.engine.Engine"
    assert {name for name, module in remote.items() if engine in imports(module)} == {
        "proxy_worker"
    }
    assert engine in imports(modules("core")["local_adapter"])


def test_remote_uses_nothing_of_what_an_engine_is_made_of() -> None:
    inner = {f"osiris.core.{name}" for name in RUNS_A_STEP - {"engine"}}
    assert all((ROOT / "core" / f"{name}.py").exists() for name in RUNS_A_STEP)
    users = {name: imports(module) & inner for name, module in modules("remote").items()}
    assert {name: used for name, used in users.items() if used} == {}


def test_remote_tells_of_a_step_only_that_its_worker_cannot_tell_any_more() -> None:
    """The one thing a host knows better: how a step ended whose worker is gone."""
    known = {name for name, kind in vars(events).items() if isinstance(kind, type)}
    made: set[tuple[str, str]] = set()
    for name, module in modules("remote").items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                called = node.func
                made |= {
                    (name, part)
                    for part in (getattr(called, "attr", None), getattr(called, "id", None))
                    if part in known and part.startswith(("Step", "Run", "Cfg", "Inputs"))
                }
    assert made == {("outcome", "StepFailed"), ("outcome", "StepSkipped")}


def test_remote_makes_no_driver() -> None:
    callers = {
        name
        for name, module in modules("remote").items()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "driver"
    }
    assert callers == set()
