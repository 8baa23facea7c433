"""Reading YAML from a stranger: safe, limited, and with every position kept.

The syntax is YAML 1.1 as libyaml reads it, the types are those of the YAML 1.2 core schema
(https://yaml.org/spec/1.2.2/#103-core-schema): `yes`, `no`, `on`, `off`, dates, `12:30` and
numbers with a leading zero are text, so they reach a text field as they were written, and a field
of another type converts or refuses them. Merge keys (`<<: *defaults`) are understood.
"""

import codecs
import re
from dataclasses import dataclass

import yaml

from osiris.compiler.document import START, Document, Mark, Place
from osiris.compiler.problem import Problem, Report
from osiris.compiler.yaml_tree import TreeBuilder, Unreadable

LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's binding to libyaml where it was built with one; ten times as fast."""

# What YAML 1.2.2 (5.1) calls not printable. Listing the few is ten times faster than the many.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_RESERVED = re.compile(r"[@`%][^\s,\]}#]*")
_TAB_INDENT = re.compile(r" *\t[ \t]*[^\s#]")


@dataclass(frozen=True)
class Limits:
    """How much a file may hold: its size in bytes, its values (aliases expanded), its nesting."""

    size: int = 1 << 20
    nodes: int = 50_000
    depth: int = 50


def read_yaml(
    data: bytes,
    filename: str,
    report: Report,
    *,
    limits: Limits = Limits(),
    loader: type = LOADER,
    private: bool = False,
) -> Place | None:
    """Return the one document in `data`; None when it is unreadable.

    Problems of a `private` file show no values.

    What is wrong goes to `report`: what keeps the rest from being read (the first mistake of
    encoding, syntax, size or nesting), and every duplicate key and refused tag or number.
    """
    try:
        text = _decode(data, filename, limits)
        lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
        document = Document(filename, lines, report, private)
        builder = TreeBuilder(document, max_nodes=limits.nodes, max_depth=limits.depth)
        try:
            for event in yaml.parse(text, Loader=loader):
                builder.take(event)
        except yaml.MarkedYAMLError as error:
            raise Unreadable(_syntax_problem(error, document)) from None
        return Place(document, builder.result())
    except Unreadable as unreadable:
        report.error(unreadable.problem)
        return None


def _decode(data: bytes, filename: str, limits: Limits) -> str:
    if len(data) > limits.size:
        message = f"the file has {len(data)} bytes; at most {limits.size} are read"
        raise Unreadable(Problem(filename, 1, 1, "", message, "split it into several files"))
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        mark = _mark_after(data[: error.start].decode())
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise Unreadable(Problem(filename, *mark, "", message, "save the file as UTF-8")) from None
    odd = _UNPRINTABLE.search(text)
    if odd:
        mark = _mark_after(text[: odd.start()])
        message = f"character U+{ord(odd[0]):04X} is not allowed in YAML"
        hint = 'remove it, or write it as an escape in double quotes, for instance "\\x01"'
        raise Unreadable(Problem(filename, *mark, "", message, hint))
    return text


def _mark_after(text: str) -> Mark:
    return Mark(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _syntax_problem(error: yaml.MarkedYAMLError, document: Document) -> Problem:
    at = error.problem_mark or error.context_mark
    mark = Mark(at.line + 1, at.column + 1) if at else START
    message = " ".join(filter(None, (error.problem, error.context))) or "this is not YAML"
    hint = "check the indentation, and quote text that holds : # { } [ ] , & * ? | > ! % @ or `"
    for number in {mark.line, mark.line - 1}:
        line = document.line(number)
        if _TAB_INDENT.match(line):
            mark = Mark(number, line.index("\t") + 1)
            message, hint = "a tab may not indent YAML", "indent with spaces"
    start = _RESERVED.match(document.line(mark.line), mark.column - 1)
    if start:
        message = f"text may not begin with {start[0][0]}"
        hint = f'quote it: "{start[0]}"'
    return document.problem(mark, (), f"YAML syntax: {message}", hint)
