"""Which modules of a package others of it import, as their sources say."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_IMPORT: Final = re.compile(
    r"^(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([\w.]+))",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"\w+")


def imported(sources: Mapping[str, str], roots: Iterable[str]) -> set[str]:
    """Return the roots and all that is imported with them: not what a function imports later.

    Args:
        sources: the text of every module by its name; one that is not in it is left out.
        roots: names of modules.

    """
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name not in sources:
            continue
        found.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        for origin, names, module in _IMPORT.findall(sources[name]):
            waiting.append(origin or module)
            waiting += [f"{origin}.{part}" for part in _NAME.findall(names) if origin]
    return found
