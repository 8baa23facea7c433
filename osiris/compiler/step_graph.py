"""Which step takes whose table and waits for whom, and an order in which they can run.

- Read steps take no table; all they name in `needs` is an order in time.
- Transform and write steps take the tables of the steps they name: one is called `df`, several
  are called after their steps. A write step that is named makes no table, so it is waited for.
- A transform or write step that names nothing takes the table of the step before it.
- A write step takes exactly one table, a transform step at least one.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osiris.compiler.document import Place
from osiris.compiler.problem import did_you_mean, one_of
from osiris.compiler.step_source import Need, StepSource
from osiris.components.component import Mode

ONLY_INPUT = "df"
"""What a step's input is called when there is one."""

_CYCLES = 20
_SHOWN = 20


@dataclass(frozen=True)
class Links:
    """A step's ties to others: input name to step id, and step ids to wait for; both sorted."""

    inputs: dict[str, str]
    after: tuple[str, ...]


def link_steps(steps: list[StepSource]) -> dict[str, Links]:
    """Return each step's links by id; report what cannot be linked, and cycles."""
    by_id: dict[str, StepSource] = {}
    for step in steps:
        by_id.setdefault(step.id or "", step)
    links: dict[str, Links] = {}
    needs: dict[str, list[Need]] = {}
    for step, previous in zip(steps, [None, *steps], strict=False):
        named = _named(step, by_id)
        made = _links(step, named, previous, by_id)
        if step.id and step is by_id[step.id]:
            links[step.id] = Links(dict(sorted(made.inputs.items())), tuple(sorted(made.after)))
            needs[step.id] = [need for _, need in named]
    _report_cycles(links, needs, by_id)
    return links


def topological_order(links: Mapping[str, Links]) -> list[str]:
    """Return the ids in an order in which they can run; ties as declared; no cycles allowed."""
    position = {step: index for index, step in enumerate(links)}
    missing = {step: len(set(_targets(links[step]))) for step in links}
    users: dict[str, list[str]] = {step: [] for step in links}
    for step in links:
        for target in set(_targets(links[step])):
            users[target].append(step)
    ready = [position[step] for step in links if not missing[step]]
    heapq.heapify(ready)
    ids = list(links)
    order: list[str] = []
    while ready:
        step = ids[heapq.heappop(ready)]
        order.append(step)
        for user in users[step]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, position[user])
    return order


def _targets(links: Links) -> Iterator[str]:
    yield from links.inputs.values()
    yield from links.after


def _named(step: StepSource, by_id: Mapping[str, StepSource]) -> list[tuple[str, Need]]:
    """Return (input name or "", need) for all that a step names rightly; report the rest."""
    listed = [("", need) for need in step.needs or ()] + list((step.inputs or {}).items())
    known: list[tuple[str, Need]] = []
    for name, need in listed:
        if need.step == step.id:
            need.place.error(f"step {need.step!r} needs itself", "name another step")
        elif need.step in by_id:
            known.append((name, need))
        else:
            others = [other for other in by_id if other and other != step.id]
            hint = did_you_mean(need.step, others) or f"there are steps {one_of(others)}"
            need.place.error(f"there is no step {need.step!r}", hint)
    return known


def _links(
    step: StepSource,
    named: list[tuple[str, Need]],
    previous: StepSource | None,
    by_id: Mapping[str, StepSource],
) -> Links:
    if step.mode is Mode.READ:
        if step.inputs:
            hint = "remove inputs, or use needs to wait for other steps"
            step.place.key_error("inputs", "a read step takes no tables", hint)
        return Links({}, tuple(need.step for _, need in named))
    if step.wants_previous:
        return _after_previous(step, previous)
    if (step.needs is None) is (step.inputs is None):
        return Links({}, ())  # both or neither as it should be: reported already
    if step.inputs is not None:
        return _by_name(step, named, by_id)
    tables = [need.step for _, need in named if by_id[need.step].mode is not Mode.WRITE]
    after = tuple(need.step for _, need in named if by_id[need.step].mode is Mode.WRITE)
    _check_count(step, len(tables), step.place.get("needs"), named)
    names = [ONLY_INPUT] if len(tables) == 1 else tables
    return Links(dict(zip(names, tables, strict=True)), after)


def _after_previous(step: StepSource, previous: StepSource | None) -> Links:
    hint = "name the step whose table it takes: needs: [step_id]"
    if step.mode is None:
        return Links({}, ())
    if previous is None:
        step.place.error(f"a {step.mode} step takes a table, and no step stands before it", hint)
    elif previous.mode is Mode.WRITE:
        message = f"the step before it, {previous.id!r}, is a write step and makes no table"
        step.place.error(message, hint)
    elif previous.id is not None:
        return Links({ONLY_INPUT: previous.id}, ())
    return Links({}, ())


def _by_name(
    step: StepSource, named: list[tuple[str, Need]], by_id: Mapping[str, StepSource]
) -> Links:
    inputs: dict[str, str] = {}
    for name, need in named:
        if by_id[need.step].mode is Mode.WRITE:
            message = f"step {need.step!r} is a write step and makes no table"
            need.place.error(message, "name the step whose table it writes")
        elif need.step in inputs.values():
            hint = "give it one name and use that name twice"
            need.place.error(f"the table of {need.step!r} is an input already", hint)
        inputs[name] = need.step
    given = step.place.get("inputs")
    _check_count(step, len(inputs), given, named)
    if step.mode is Mode.WRITE and len(inputs) == 1 and ONLY_INPUT not in inputs and given:
        name = next(iter(inputs))
        given.key_error(name, f"the input of a write step is called {ONLY_INPUT!r}", "rename it")
    return Links(inputs, ())


def _check_count(
    step: StepSource, tables: int, place: Place | None, named: list[tuple[str, Need]]
) -> None:
    """Report too few or too many tables, but too few only when none was left out as unknown."""
    where = place or step.place
    complete = place is None or len(named) == len(place.node.items or place.node.mapping or ())
    if step.mode is Mode.WRITE and tables > 1:
        hint = "write each with a step of its own, or put them together in a transform step"
        where.error(f"a write step takes one table, not {tables}", hint)
    elif step.mode is not None and tables == 0 and complete:
        hint = "name a step that makes a table"
        where.error(f"a {step.mode} step takes a table, and none is named", hint)


def _report_cycles(
    links: Mapping[str, Links],
    needs: Mapping[str, list[Need]],
    by_id: Mapping[str, StepSource],
) -> None:
    """Report the cycles that a walk along the links runs into, each where it closes.

    There may be more cycles than steps: after so many the rest waits for the next compilation.
    """
    done: set[str] = set()
    found = 0
    for start in links:
        trail: dict[str, None] = {}
        paths = [iter([start])]
        while paths:
            step = next(paths[-1], None)
            if step is None:
                paths.pop()
                done.update([trail.popitem()[0]] if trail else ())
            elif step in trail:
                found += 1
                if found <= _CYCLES:
                    _report_cycle([*trail, step], needs, by_id)
            elif step not in done and step in links:
                trail[step] = None
                paths.append(_targets(links[step]))


def _report_cycle(
    walked: list[str], needs: Mapping[str, list[Need]], by_id: Mapping[str, StepSource]
) -> None:
    """Report a walk that ends at a step it came by before."""
    last, first = walked[-2:]
    cycle = walked[walked.index(first) :]
    if len(cycle) > _SHOWN:
        cycle = [*cycle[: _SHOWN // 2], "…", *cycle[-_SHOWN // 2 :]]
    named = [need.place for need in needs[last] if need.step == first]
    place = named[0] if named else by_id[last].place
    place.error(f"steps wait for each other: {' -> '.join(cycle)}", "remove one of these needs")
