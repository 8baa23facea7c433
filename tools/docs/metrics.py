"""The reference of metrics: name, unit, meaning."""

import ast
import inspect
import textwrap
from enum import Enum
from itertools import pairwise

from osiris.core.metrics import UNITS, VARYING, MetricName
from tools.docs.markdown import code, page, table

_INTRODUCTION = """
`metrics.jsonl` holds one JSON object a line: `ts`, `session`, `metric` (one of the names below),
`value`, `unit` and `tags`. Metrics marked *varies* are of time and memory: two runs of the same
thing differ in them and in nothing else.
"""


def render() -> str:
    """Write the page."""
    meaning = meanings()
    rows = [
        (code(name), UNITS[name], meaning[name.name], "varies" if name in VARYING else "")
        for name in MetricName
    ]
    return page("Metrics", _INTRODUCTION, [table(("metric", "unit", "meaning", ""), rows)])


def meanings(kind: type[Enum] = MetricName) -> dict[str, str]:
    """Read the string that stands below each member: Python does not keep it."""
    source = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = source.body[0].body if isinstance(source.body[0], ast.ClassDef) else []
    found = {}
    for member, text in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr):
            name, value = ast.unparse(member.targets[0]), ast.literal_eval(text.value)
            found[name] = " ".join(str(value).split())
    return found
