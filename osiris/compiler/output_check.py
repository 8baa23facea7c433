"""Refusing two steps that publish their files at one path: the second would replace the first."""

import posixpath
from collections.abc import Iterable

from osiris.compiler.references import unknown_until_run
from osiris.compiler.step_check import CheckedStep
from osiris.components.component import OutputPath
from osiris.components.marked_fields import marked


def check_outputs(steps: Iterable[CheckedStep]) -> None:
    """Report each step whose output path is the path of a step before it."""
    taken: dict[tuple[str, str], str] = {}
    for step in steps:
        if step.component is None or step.source.id is None:
            continue
        for name, _ in marked(step.component.config, OutputPath):
            path, place = step.config.get(name), step.source.config.get(name)
            if not isinstance(path, str) or place is None or unknown_until_run(path):
                continue
            where = step.connection.ref if step.connection else ""
            first = taken.setdefault((where, posixpath.normpath(path)), step.source.id)
            if first != step.source.id:
                place.error(f"step {first!r} writes {path!r} already", "write to another file")
