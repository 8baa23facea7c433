"""Random pipelines: valid ones compile the same in every spelling, broken ones give problems."""

import random
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.compile_source import compile_source
from osiris.components.registry import ComponentRegistry
from tests.compiler.pipelines import CONNECTIONS, SampleRegistry, compile_text
from tests.compiler.test_compiled_output import GOLDEN_SOURCE

EXAMPLES = Path(__file__).parents[2] / "examples"


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """Give a valid pipeline as data, its steps declared in any order."""
    steps: list[dict[str, Any]] = []
    makers: list[str] = []
    for number in range(draw(st.integers(1, 12))):
        step: dict[str, Any] = {"id": f"s{number}"}
        mode = draw(st.sampled_from(["read", "transform", "write"] if makers else ["read"]))
        earlier = st.lists(
            st.sampled_from([one["id"] for one in steps] or [""]), unique=True, max_size=4
        )
        if mode == "read":
            step |= {"component": "rows.maker", "mode": mode, "config": {"rows": number}}
            step["needs"] = draw(earlier) if steps else []
        elif mode == "transform":
            sources = draw(st.lists(st.sampled_from(makers), unique=True, min_size=1, max_size=3))
            step |= {"component": "rows.sql", "mode": mode, "config": {"query": "SELECT 1"}}
            if draw(st.booleans()):
                step["inputs"] = {f"in_{i}": f"${{{s}.df}}" for i, s in enumerate(sources)}
            else:
                step["needs"] = sources
        else:
            step |= {"component": "file.writer", "mode": mode, "config": {"path": f"{number}.csv"}}
            step["needs"] = [draw(st.sampled_from(makers))]
        if draw(st.booleans()):
            step["retry"] = {"attempts": draw(st.integers(1, 20)), "delay": draw(st.floats(0, 9))}
        steps.append(step)
        if mode != "write":
            makers.append(step["id"])
    return {"oml_version": "0.1.0", "name": "random", "steps": draw(st.permutations(steps))}


def shuffled(data: Any, seed: int) -> Any:
    """Give the same data with the keys of every mapping in another order."""
    if isinstance(data, dict):
        items = [(key, shuffled(value, seed)) for key, value in data.items()]
        random.Random(seed).shuffle(items)
        return dict(items)
    return [shuffled(item, seed) for item in data] if isinstance(data, list) else data


@given(pipeline=pipelines(), seed=st.integers(0, 1000), flow=st.booleans())
def test_valid_pipelines(pipeline: dict[str, Any], seed: int, *, flow: bool) -> None:
    compiled = compile_text(yaml.safe_dump(pipeline)).require()
    seen: set[str] = set()
    for step in compiled.manifest.steps:
        assert set(step.needs) <= seen
        seen.add(step.id)
    assert seen == {step["id"] for step in pipeline["steps"]}
    text = yaml.safe_dump(shuffled(pipeline, seed), default_flow_style=flow, sort_keys=False)
    again = compile_text(text).require()
    assert again.manifest_bytes == compiled.manifest_bytes
    assert again.cfgs == compiled.cfgs


@given(pipeline=pipelines())
def test_ties_are_as_declared(pipeline: dict[str, Any]) -> None:
    steps = compile_text(yaml.safe_dump(pipeline)).require().manifest.steps
    declared = {step["id"]: i for i, step in enumerate(pipeline["steps"])}
    done: set[str] = set()
    for step in steps:
        ready = [s.id for s in steps if s.id not in done and set(s.needs) <= done]
        assert step.id == min(ready, key=declared.__getitem__)
        done.add(step.id)


@st.composite
def mutated(draw: st.DrawFn, source: str) -> bytes:
    """Give the bytes of a source with some pieces cut, copied, swapped or replaced."""
    pieces = source.splitlines(keepends=True)
    odd = ["~", "[]", "{}", "'", "\t", "- ", ": ", "&a ", "*a", "${params.x}", "@", "true", "1e9"]
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(pieces) - 1))
        line = pieces[at]
        cut = draw(st.integers(0, max(len(line) - 1, 0)))
        change = draw(st.sampled_from(["drop", "copy", "swap", "insert", "cut", "indent"]))
        if change == "drop":
            pieces[at] = ""
        elif change == "copy":
            pieces.insert(draw(st.integers(0, len(pieces))), line)
        elif change == "swap":
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif change == "insert":
            pieces[at] = line[:cut] + draw(st.sampled_from(odd)) + line[cut:]
        elif change == "cut":
            pieces[at] = line[:cut] + line[cut + draw(st.integers(1, 9)) :]
        else:
            pieces[at] = draw(st.sampled_from(["  ", "    "])) + line
    return "".join(pieces).encode()


def compiles_or_says_why(data: bytes, connections: bytes, registry: Any) -> None:
    result = compile_source(
        data,
        filename="p.yaml",
        connections=(connections, "c.yaml"),
        params={"day": "2024-01-31"},
        registry=registry,
    )
    assert (result.compiled is None) == bool(result.problems)
    for problem in result.problems + result.warnings:
        assert problem.message
        assert str(problem)
        assert problem.line is None or problem.line >= 1


@given(data=mutated(GOLDEN_SOURCE), connections=mutated(CONNECTIONS))
def test_mutations_of_a_pipeline_never_crash(data: bytes, connections: bytes) -> None:
    compiles_or_says_why(data, CONNECTIONS.encode(), SampleRegistry())
    compiles_or_says_why(GOLDEN_SOURCE.encode(), connections, SampleRegistry())


@given(data=mutated((EXAMPLES / "demo" / "pipeline.yaml").read_text(encoding="utf-8")))
def test_mutations_of_the_demo_never_crash(data: bytes) -> None:
    compiles_or_says_why(data, b"connections: {}", ComponentRegistry())


@given(data=mutated((EXAMPLES / "movies" / "pipeline.yaml").read_text(encoding="utf-8")))
def test_mutations_of_the_movies_never_crash(data: bytes) -> None:
    connections = (EXAMPLES / "movies" / "osiris_connections.yaml").read_bytes()
    compiles_or_says_why(data, connections, ComponentRegistry())


@given(data=st.binary(max_size=300))
def test_random_bytes_never_crash(data: bytes) -> None:
    compiles_or_says_why(data, CONNECTIONS.encode(), SampleRegistry())
    compiles_or_says_why(GOLDEN_SOURCE.encode(), data, SampleRegistry())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


TOP = ["name", "description", "params", "steps"]
IN_STEP = ["id", "component", "mode", "config", "needs", "inputs", "retry", "timeout"]
IN_CONFIG = ["connection", "query", "columns", "limit"]


@given(where=st.sampled_from(TOP + IN_STEP + IN_CONFIG), value=json_values)
def test_any_value_anywhere_never_crashes(where: str, value: Any) -> None:
    config: dict[str, Any] = {"connection": "@shop", "query": "SELECT 1"}
    step: dict[str, Any] = {"id": "a", "component": "shop.extractor", "mode": "read"}
    root: dict[str, Any] = {"oml_version": "0.1.0", "name": "x"}
    if where in IN_CONFIG:
        config[where] = value
    step["config"] = config
    if where in IN_STEP:
        step[where] = value
    root["steps"] = [step]
    if where in TOP:
        root[where] = value
    data = yaml.safe_dump(root, allow_unicode=True).encode("utf-8", "surrogatepass")
    compiles_or_says_why(data, CONNECTIONS.encode(), SampleRegistry())
