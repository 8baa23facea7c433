"""Comparing metrics: the values of what was counted, the presence of what was measured."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from osiris.core.metrics import VARYING, MetricName
from osiris.core.record_lines import seconds
from osiris.core.status import StepState
from osiris.parity.aspects import Aspect
from osiris.parity.comparison import Findings
from osiris.parity.evidence import Evidence
from osiris.parity.leaves import dotted, leaves

Values = Mapping[str, list[str]]
"""What was recorded under a metric's name and tags, sorted."""

_BY_CHANCE = MetricName.BYTES_SPILLED
"""Only there where an edge spilled."""


def compare_metrics(a: Evidence, b: Evidence, findings: Findings) -> None:
    """Compare the metrics of two runs."""
    name = a.layout.metrics.name
    findings.unsound(Aspect.DATA_METRICS, name, a.metrics.problem, b.metrics.problem)
    skipped = a.steps_in([StepState.SKIPPED]) & b.steps_in([StepState.SKIPPED])
    for aspect, measured in ((Aspect.DATA_METRICS, False), (Aspect.STEP_METRICS, True)):
        one, other = (_values(run, skipped, measured=measured) for run in (a, b))
        findings.shows(aspect, _amount(one), _amount(other))
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                findings.differs(aspect, name, _text(one.get(name)), _text(other.get(name)))


def _values(run: Evidence, skipped: set[str], *, measured: bool) -> Values:
    """Return the metrics that were counted, or those `measured`, without the measures.

    How long a skipped step ran is not even compared as to whether it is there: it may have begun
    in one run and not in the other.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for record in run.metrics.items:
        name, tags = _string(record.get("metric")), record.get("tags")
        if (name in VARYING) is not measured:
            continue
        step = _string(tags.get("step")) if isinstance(tags, dict) else ""
        if measured and (name == _BY_CHANCE or step in skipped):
            continue
        found[f"{name} {_tags(tags, run)}".strip()].append(_value(record, run, measured=measured))
    return {name: sorted(values) for name, values in found.items()}


def _string(value: object) -> str:
    return value if isinstance(value, str) else "?"


def _tags(tags: object, run: Evidence) -> str:
    if tags == {}:
        return ""
    flat = {dotted(path): leaf.text for path, leaf in leaves(tags, run.own).items()}
    return " ".join(f"{key}={value}".lstrip("=") for key, value in sorted(flat.items()))


def _value(record: dict[str, Any], run: Evidence, *, measured: bool) -> str:
    rest = {key: value for key, value in record.items() if key not in {"metric", "tags"}}
    if seconds(rest.get("ts")) is not None:
        del rest["ts"]
    if rest.get("session") == run.side.session:
        del rest["session"]
    if measured and _is_number(rest.get("value")):
        rest["value"] = "measured"
    flat = {dotted(path): leaf.plain for path, leaf in leaves(rest, run.own).items()}
    told = [flat.pop(key) for key in ("value", "unit") if key in flat]
    return " ".join((*told, *(f"{key}={value}" for key, value in sorted(flat.items()))))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _amount(values: Values) -> str:
    return f"{sum(map(len, values.values()))} values"


def _text(values: list[str] | None) -> str | None:
    return None if values is None else ", ".join(values)
