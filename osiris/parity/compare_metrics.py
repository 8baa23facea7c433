"""Comparing metrics: the values of what was counted, the presence of what was measured."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from osiris.core.metrics import VARYING, MetricName
from osiris.core.status import StepState
from osiris.parity.aspects import Aspect
from osiris.parity.comparison import Findings
from osiris.parity.evidence import Evidence
from osiris.parity.leaves import Path, dotted, leaves
from osiris.parity.may_differ import any_of_kind, without_stamp

Flat = tuple[tuple[Path, str], ...]
"""JSON data as its leaves, in order of their paths."""

Values = Mapping[tuple[str, Flat], list[Flat]]
"""What was recorded under a metric's name and tags, sorted."""

_BY_CHANCE = MetricName.BYTES_SPILLED
"""Only there where an edge spilled."""


def compare_metrics(a: Evidence, b: Evidence, findings: Findings) -> None:
    """Compare the metrics of two runs."""
    file = a.layout.metrics.name
    findings.unsound(Aspect.DATA_METRICS, file, a.metrics.problem, b.metrics.problem)
    skipped = a.steps_in([StepState.SKIPPED]) & b.steps_in([StepState.SKIPPED])
    for aspect, measured in ((Aspect.DATA_METRICS, False), (Aspect.STEP_METRICS, True)):
        one, other = (_values(run, skipped, measured=measured) for run in (a, b))
        findings.shows(aspect, _amount(one), _amount(other))
        for name, tags in dict.fromkeys((*one, *other)):
            left, right = one.get((name, tags)), other.get((name, tags))
            if left != right:
                where = " ".join((name, *(_member(path, text) for path, text in tags if path)))
                findings.differs(aspect, where, _text(left), _text(right))


def _values(run: Evidence, skipped: set[str], *, measured: bool) -> Values:
    """Return the metrics that were counted, or those `measured`, without the measures.

    How long a skipped step ran is not even compared as to whether it is there: it may have begun
    in one run and not in the other.
    """
    found: defaultdict[tuple[str, Flat], list[Flat]] = defaultdict(list)
    for record in run.metrics.items:
        name, tags = _string(record.get("metric")), record.get("tags")
        if (name in VARYING) is not measured:
            continue
        step = _string(tags.get("step")) if isinstance(tags, dict) else ""
        if measured and (name == _BY_CHANCE or step in skipped):
            continue
        found[name, _flat(tags, run)].append(_value(record, run, measured=measured))
    return {name: sorted(values) for name, values in found.items()}


def _string(value: object) -> str:
    return value if isinstance(value, str) else "?"


def _value(record: dict[str, Any], run: Evidence, *, measured: bool) -> Flat:
    rest = without_stamp(record, run.side.session)
    rest = {key: value for key, value in rest.items() if key != "tags"}
    if measured:
        rest["value"] = any_of_kind(rest.get("value"))
    return _flat(rest, run)


def _flat(data: Any, run: Evidence) -> Flat:
    return tuple(sorted((path, leaf.plain) for path, leaf in leaves(data, run.own).items()))


def _amount(values: Values) -> str:
    return f"{sum(map(len, values.values()))} values"


def _text(values: list[Flat] | None) -> str | None:
    return None if values is None else ", ".join(map(_value_text, values))


def _value_text(value: Flat) -> str:
    """Return `10 rows`, and whatever else a record holds that no metric has."""
    data = dict(value)
    data.pop(("metric",), None)
    told = [data.pop(path) for path in (("value",), ("unit",)) if path in data]
    return " ".join((*told, *(_member(path, text) for path, text in data.items())))


def _member(path: Path, text: str) -> str:
    return f"{dotted(path)}={text}"
