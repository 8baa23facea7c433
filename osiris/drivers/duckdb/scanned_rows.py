"""How many rows a query took from a source it read itself, when that is all there are."""

import json
from collections.abc import Iterator
from typing import Any

from osiris.core.stream import Scan
from osiris.drivers.duckdb.inputs import operator_names

_STOPS_EARLY = ("LIMIT", "EMPTY", "CTE", "SAMPLE", "POSITIONAL", "ASOF")


def scanned_rows(profile: str, scan: Scan) -> int:
    """Return the rows of a scan, from the profile of a query that read it to the end if possible.

    DuckDB counts the rows every operator hands on. The count is the source's only when nothing in
    the plan can stop a scan before its end: no LIMIT, no join with an empty side. Otherwise the
    source is counted, and all values of the columns that the query uses are read: how far it got
    before it stopped is chance.
    """
    try:
        tree = json.loads(profile)["operator"]
    except (ValueError, KeyError, TypeError):
        return scan.count()
    names = list(operator_names(tree))
    reads = [node for node in _nodes(tree) if _reads(node, scan)]
    used = {name for node in reads for name in _projections(node)}
    if any(mark in name for name in names for mark in _STOPS_EARLY) or _empty_join(tree):
        return scan.count(used)
    counts = {int(node.get("rows_scanned", -1)) for node in reads}
    if len(counts) != 1 or -1 in counts:
        return scan.count(used)
    return counts.pop()


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    for node in tree if isinstance(tree, list) else [tree]:
        yield node
        yield from _nodes(node.get("children", []))


def _reads(node: dict[str, Any], scan: Scan) -> bool:
    """Tell whether an operator reads exactly the scan's files."""
    info = node.get("extra_info", {})
    files = str(info.get("Filename(s)", "")).split(", ")
    return info.get("Function") == "READ_CSV" and sorted(files) == sorted(scan.paths)


def _projections(node: dict[str, Any]) -> list[str]:
    """Return the names of the columns that an operator takes from its files."""
    names = node.get("extra_info", {}).get("Projections", [])
    return [names] if isinstance(names, str) else list(names)


def _empty_join(tree: Any) -> bool:
    return any(
        not child.get("intermediate_rows")
        for node in _nodes(tree)
        if "JOIN" in node.get("type", "") or "PRODUCT" in node.get("type", "")
        for child in node.get("children", [])
    )
