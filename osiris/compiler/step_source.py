"""A pipeline's steps as they are written, each part checked for its own shape."""

import re
from dataclasses import dataclass

from osiris.compiler.document import Node, Place
from osiris.compiler.problem import did_you_mean, one_of
from osiris.compiler.shape import check_keys, duration, kind, mapping, number, text
from osiris.components.component import Mode
from osiris.core.manifest import Retry

STEP_KEYS = ("id", "component", "mode", "config", "needs", "inputs", "retry", "timeout")
STEP_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
INPUT_NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$"
INPUT_VALUE = r"^\$\{([A-Za-z0-9][A-Za-z0-9_-]{0,99})\.df\}$"
MAX_ATTEMPTS = 20
MAX_DELAY = 3600.0
MAX_BACKOFF = 10.0
MAX_TIMEOUT = 30 * 24 * 3600.0
MIN_TIMEOUT = 0.001


@dataclass(frozen=True)
class Need:
    """A step named by another: its id, and where it is named."""

    step: str
    place: Place


@dataclass(frozen=True)
class StepSource:
    """One step as written; what is missing or wrong is None (reported already).

    `needs` and `inputs` are also None when the step does not name them; `config` is then an empty
    mapping.
    """

    place: Place
    id: str | None
    component: str | None
    mode: Mode | None
    config: Place
    needs: list[Need] | None
    inputs: dict[str, Need] | None
    retry: Retry | None
    timeout: float | None

    @property
    def wants_previous(self) -> bool:
        """Whether the step names nothing, so that it takes the step before it."""
        return self.place.get("needs") is None and self.place.get("inputs") is None


def read_steps(root: Place) -> list[StepSource]:
    """Return the steps in the order of the document, mistakes reported."""
    listed = root.get("steps")
    if listed is None:
        return []
    if not listed.node.items:
        found = "an empty list" if listed.node.items is not None else kind(listed.value)
        listed.error(f"steps must be a list of at least one step, not {found}")
        return []
    steps = [read_step(place) for place in listed.items()]
    first: dict[str, int] = {}
    for step in steps:
        if step is not None and step.id is not None:
            line = step.place.node.mark.line
            if first.setdefault(step.id, line) != line:
                id_place = step.place.get("id") or step.place
                message = f"step id {step.id!r} is already used in line {first[step.id]}"
                id_place.error(message, "give each step its own id")
    return [step for step in steps if step is not None]


def read_step(place: Place) -> StepSource | None:
    """Read one step; None when it is no mapping."""
    required = ("id", "component", "mode")
    if not check_keys(place, allowed=STEP_KEYS, required=required, what="a step"):
        return None
    if place.get("needs") and place.get("inputs"):
        hint = "needs orders steps and takes their tables; inputs names the tables one by one"
        place.key_error("inputs", "a step has either needs or inputs, not both", hint)
    empty = Place(place.document, Node({}, place.node.mark), (*place.path, "config"))
    return StepSource(
        place=place,
        id=_id(place.get("id")),
        component=text(place.get("component"), "component"),
        mode=_mode(place.get("mode")),
        config=mapping(place.get("config"), "config") or empty,
        needs=_needs(place.get("needs")),
        inputs=_inputs(place.get("inputs")),
        retry=_retry(place.get("retry")),
        timeout=_timeout(place.get("timeout")),
    )


def _id(place: Place | None) -> str | None:
    found = text(place, "id")
    if place is None or found is None or re.fullmatch(STEP_ID, found):
        return found
    hint = "use up to 100 letters, digits, - and _, a letter or digit first"
    place.error(f"{found[:120]!r} is no id for a step", hint)
    return None


def _mode(place: Place | None) -> Mode | None:
    found = text(place, "mode")
    if place is None or found is None:
        return None
    if found in set(Mode):
        return Mode(found)
    place.error(f"there is no mode {found!r}", did_you_mean(found, Mode) or one_of(Mode))
    return None


def _needs(place: Place | None) -> list[Need] | None:
    if place is None:
        return None
    if place.node.items is None:
        hint = f"write [{place.value}]" if isinstance(place.value, str) else None
        place.error(f"needs must be a list of step ids, not {kind(place.value)}", hint)
        return None
    needs: dict[str, Need] = {}
    for item in place.items():
        step = text(item, "a step id")
        if step in needs:
            item.error(f"{step!r} is listed twice", "remove one of them")
        elif step is not None:
            needs[step] = Need(step, item)
    return list(needs.values())


def _inputs(place: Place | None) -> dict[str, Need] | None:
    members = mapping(place, "inputs")
    if members is None:
        return None
    inputs: dict[str, Need] = {}
    for name, item in members.members():
        if not re.fullmatch(INPUT_NAME, name):
            hint = "use letters, digits, - and _, a letter first"
            members.key_error(name, f"{name!r} is no name for an input", hint)
        match = re.fullmatch(INPUT_VALUE, item.value) if isinstance(item.value, str) else None
        if match is None:
            item.error("an input is the table of a step", "write ${step_id.df}")
        else:
            inputs[name] = Need(match[1], item)
    return inputs


def _retry(place: Place | None) -> Retry | None:
    keys = ("attempts", "delay", "backoff")
    if place is None or not check_keys(place, allowed=keys, required=("attempts",), what="retry"):
        return None
    attempts = _attempts(place.get("attempts"))
    delay, backoff = place.get("delay"), place.get("backoff")
    seconds = duration(delay, "delay", low=0, high=MAX_DELAY) if delay else 1.0
    factor = number(backoff, "backoff", low=1, high=MAX_BACKOFF) if backoff else 2.0
    if attempts is None or seconds is None or factor is None:
        return None
    return Retry(attempts=attempts, delay=seconds, backoff=factor)


def _attempts(place: Place | None) -> int | None:
    if place is None:
        return None
    value = number(place, "attempts", low=1, high=MAX_ATTEMPTS)
    if value is None or value == int(value):
        return None if value is None else int(value)
    place.error(f"attempts must be a whole number, not {value:g}")
    return None


def _timeout(place: Place | None) -> float | None:
    if place is None:
        return None
    return duration(place, "timeout", low=MIN_TIMEOUT, high=MAX_TIMEOUT)
