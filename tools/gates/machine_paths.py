"""Gate: nothing in the repository names a place on somebody's machine."""

import re
from collections.abc import Iterator

from tools.gates.tree import Finding, Tree

# Written so that this file does not hold what it looks for. `/home/user` is the home directory
# of an E2B sandbox, a fact about the product.
_PLACES = re.compile(
    r"(?<![\w.$}~/-])/(?:wor[k]/|roo[t]/|home/(?!user\b)\w|User[s]/\w|tm[p]/(?:brief|bash_jobs))"
)


def check(tree: Tree) -> Iterator[Finding]:
    """Find absolute paths into a home or work directory, in files of every kind."""
    for file in tree.files:
        for number, line in enumerate(file.lines, 1):
            place = _PLACES.search(line)
            if place:
                message = f"names a place on one machine: {line[place.start() :][:40].strip()}"
                yield file.finding("machine_paths", number, message)
