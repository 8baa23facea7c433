"""Gate: a module is named for what it holds, and nothing carries a version in its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.gates.tree import Finding, SourceFile, Tree

SAYS_NOTHING = frozenset(
    {"base", "common", "helper", "helpers", "manager", "misc", "shared", "stuff", "util", "utils"}
)
_VERSION = re.compile(r"(^|_|[a-z])[vV]\d+$|_(new|old|legacy|final)$")


def check(tree: Tree) -> Iterator[Finding]:
    """Find module names that say nothing, and names of anything that carry a version."""
    for file in tree.code:
        for part in PurePosixPath(file.path).with_suffix("").parts:
            empty = sorted(SAYS_NOTHING & set(part.split("_")))
            if empty:
                message = f"the name {part!r} says nothing ({empty[0]}): name what is inside"
                yield file.finding("names", 1, message)
            if _VERSION.search(part):
                yield file.finding("names", 1, f"the name {part!r} carries a version")
        yield from _versions(file)


def _versions(file: SourceFile) -> Iterator[Finding]:
    for node in ast.walk(file.syntax):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if _VERSION.search(node.name):
            yield file.finding("names", node.lineno, f"the name {node.name!r} carries a version")
