"""Exceptions to a gate: a comment `waive GATE - reason` on the line that the gate names.

A waiver without a reason, or one that nothing needs any more, is a finding itself.
"""

import re
from collections.abc import Iterable, Iterator

from tools.gates.tree import Finding, Tree

_WAIVER = re.compile(r"# waiv[e] (?P<gate>\w+)(?: - (?P<reason>\S.{9,}))?")


def apply_waivers(tree: Tree, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Take away the findings that are waived, and add the waivers that are wrong."""
    unused: dict[tuple[str, int, str], Finding] = {}
    used: set[tuple[str, int, str]] = set()
    for file in tree.code:
        for number, line in enumerate(file.lines, 1):
            waiver = _WAIVER.search(line)
            if waiver and not waiver["reason"]:
                yield file.finding("waivers", number, "a waiver without a reason")
            elif waiver:
                message = f"nothing to waive: {waiver['gate']}"
                place = (file.path, number, waiver["gate"])
                unused[place] = file.finding("waivers", number, message)
    for finding in findings:
        place = (finding.path, finding.line, finding.gate)
        if place in unused:
            used.add(place)
        else:
            yield finding
    yield from (finding for place, finding in unused.items() if place not in used)
