"""The reference of errors: code, kind, exit code, meaning."""

from osiris.cli.explain import explanations
from osiris.core.errors import OsirisError, error_classes
from tools.docs.markdown import code, page, prose, table
from tools.docs.package import in_source_order

_INTRODUCTION = """
An error has a stable `code`, a `kind` that says whose fault it is, a `message` that says what and
where, and a `hint` that says what to do. It stands like that in `status.json`, in `step_failed`
events and in the output of `--json`; the exit code is what the command ends with. `osiris explain
CODE` prints the section of a code below.

| kind | meaning |
| --- | --- |
| `config` | what was asked for cannot be done; trying again does not help |
| `transient` | it may work later; `retry` on a step tries again for this kind only |
| `data` | the data cannot be read, converted or written without losing something |
| `system` | the machine or the program failed |
"""


def render() -> str:
    """Write the page."""
    known = [cls for cls in error_classes().values() if cls.__module__.startswith("osiris.")]
    rows = [
        (code(cls.code), code(cls.kind), str(cls.exit_code), prose(cls))
        for cls in in_source_order(known)
        if cls is not OsirisError
    ]
    sections = [_section(code_, text) for code_, text in explanations().items()]
    headers = ("code", "kind", "exit", "meaning")
    return page("Errors", _INTRODUCTION, [table(headers, rows), *sections])


def _section(code_: str, text: str) -> str:
    title, _, explanation = text.partition("\n\n")
    about = title.removeprefix(f"{code_} ").strip("()")
    return f"## {code_}\n\n*{about}*\n\n{explanation.rstrip()}"
