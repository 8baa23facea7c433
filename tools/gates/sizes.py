"""Gate: a file has at most 400 lines and a function at most 40, its docstring not counted."""

import ast
from collections.abc import Iterator

from tools.gates.tree import Finding, Tree

FILE_LINES = 400
FUNCTION_LINES = 40


def check(tree: Tree) -> Iterator[Finding]:
    """Find the files and functions that are too long."""
    for file in tree.code:
        if len(file.lines) > FILE_LINES:
            message = f"{len(file.lines)} lines, more than {FILE_LINES}: split it by purpose"
            yield file.finding("sizes", 1, message)
        for node in ast.walk(file.syntax):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = function_lines(node)
                if length > FUNCTION_LINES:
                    message = f"{node.name} has {length} lines, more than {FUNCTION_LINES}"
                    yield file.finding("sizes", node.lineno, message)


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from `def` to the end, without decorators and docstring."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return length
