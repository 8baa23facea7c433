"""docs/llms.txt: what a program that writes pipelines should read, in the llms.txt format.

Source: https://llmstxt.org.
"""

from itertools import groupby
from pathlib import Path

from tools.docs.contents import contents

_DOCS = Path(__file__).parents[2] / "docs"
_HEAD = """\
# Osiris

> A deterministic compiler and runner for data pipelines. A pipeline is YAML (OML);
> `osiris compile` turns it into a manifest, the same bytes for the same source; `osiris run`
> executes it here, or in a sandbox with `--sandbox` or `--e2b`, and leaves the same records.

To write a pipeline: `osiris schema` prints its JSON Schema, `osiris components list --json` and
`osiris components show NAME` say what a step can be, `osiris discover @family.alias --json` says
what a database holds, `osiris validate --json` reports every mistake with file, line, column and
what to do. Most commands take `--json`. Secrets are never written into a file: they are `${VAR}`.
"""


def render() -> str:
    """Return the text."""
    parts = [_HEAD]
    for section, pages in groupby(contents(_DOCS), key=lambda page: page.section):
        lines = [f"- [{page.title}]({page.path})" for page in pages]
        parts.append("\n".join([f"## {section}", "", *lines, ""]))
    return "\n".join(parts)
