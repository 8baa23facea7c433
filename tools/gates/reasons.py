"""Gate: whoever silences a check or skips a test says why, on the same line."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tools.gates.tree import Finding, SourceFile, Tree

# A reason is at least a few words; what counts is that a reader learns something. The second
# line in a row may point to the first.
_REASON = r"(?:as above$|\S.{9,})"
_SILENCERS = (
    (re.compile(r"#\s*noqa"), re.compile(rf"#\s*noqa: [A-Z0-9, ]+ - {_REASON}")),
    (re.compile(r"#\s*type:\s*ignore"), re.compile(rf"# type: ignore\[[a-z-, ]+\]  # {_REASON}")),
    (re.compile(r"#\s*(pragma:|fmt:|ruff:|mypy:)"), re.compile(rf"#.* - {_REASON}")),
)
_SKIPS = frozenset({"skip", "skipif", "xfail", "importorskip"})


def check(tree: Tree) -> Iterator[Finding]:
    """Find silenced checks and skipped tests without a reason."""
    for file in tree.code:
        yield from _comments(file)
        yield from _skipped_tests(file)


def _comments(file: SourceFile) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        for silences, with_reason in _SILENCERS:
            if silences.search(token.string) and not with_reason.search(token.string):
                message = f"no code or no reason: {token.string}"
                yield file.finding("reasons", token.start[0], message)


def _skipped_tests(file: SourceFile) -> Iterator[Finding]:
    calls = {id(node.func): node for node in ast.walk(file.syntax) if isinstance(node, ast.Call)}
    for node in ast.walk(file.syntax):
        if isinstance(node, ast.Attribute) and node.attr in _SKIPS and _is_pytest(node):
            call = calls.get(id(node))
            if call is None or not _has_reason(call):
                message = f"pytest's {node.attr} without a reason"
                yield file.finding("reasons", node.lineno, message)


def _is_pytest(node: ast.Attribute) -> bool:
    return ast.unparse(node.value) in {"pytest", "pytest.mark"}


def _has_reason(call: ast.Call) -> bool:
    given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "reason")]
    named = {k.arg for k in call.keywords}
    if ast.unparse(call.func).endswith(("skipif", "importorskip")) and "reason" not in named:
        return False
    return any(not isinstance(v, ast.Constant) or bool(v.value) for v in given)
