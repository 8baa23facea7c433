"""The table of contents, docs/README.md: the one place that says which pages there are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(r"^\*\*(.+?)\*\*")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+\.md)\)")


@dataclass(frozen=True)
class Page:
    """One page: the section it stands in, its title there, its path below docs/."""

    section: str
    title: str
    path: str


def contents(docs: Path) -> list[Page]:
    """Return the pages in their order."""
    section, pages = "", []
    for line in (docs / "README.md").read_text(encoding="utf-8").splitlines():
        if found := _SECTION.match(line):
            section = found[1]
        pages += [Page(section, title, path) for title, path in _LINK.findall(line)]
    return pages


def unlisted(docs: Path) -> Iterator[str]:
    """Give each page that nobody finds: in neither the contents nor the list of decisions."""
    decisions = (docs / "adr" / "README.md").read_text(encoding="utf-8")
    listed = {page.path for page in contents(docs)}
    listed |= {f"adr/{path}" for _, path in _LINK.findall(decisions)} | {"README.md"}
    for page in sorted(docs.rglob("*.md")):
        path = page.relative_to(docs).as_posix()
        if path not in listed:
            yield f"docs/{path} is in no table of contents: add it to docs/README.md"
