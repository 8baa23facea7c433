"""The links of the hand-written pages: each leads to a file that is there."""

import re
from collections.abc import Iterator
from pathlib import Path

_LINK = re.compile(r"\[[^\]]+\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def broken(root: Path) -> Iterator[str]:
    """Give `file:line: target` for each relative link that leads nowhere."""
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]
    for page in sorted(pages):
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for target in _LINK.findall(line):
                if not (page.parent / target).exists():
                    yield f"{page.relative_to(root)}:{number}: {target} is not there"
