"""The code a run needs in its sandbox: Osiris itself, and third parties' component packages."""

import importlib.machinery
import importlib.util
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from osiris.components.entry_points import offered
from osiris.components.registry import GROUP
from osiris.core.errors import ComponentError
from osiris.version import DISTRIBUTION

OURS: Final = DISTRIBUTION
_PACKAGE: Final = "osiris"
_IGNORED: Final = {"__pycache__"}
_PROGRAM: Final = {"cli", "report", "telemetry"}
"""Parts of Osiris that no driver uses, and that need packages which no sandbox has."""


@dataclass(frozen=True)
class CodePackage:
    """The installed distribution that brings some components.

    Attributes:
        distribution: as importlib.metadata has it.
        roots: its packages' directories, or its modules' files.

    """

    distribution: Distribution
    roots: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The distribution's name."""
        return self.distribution.name

    @cached_property
    def files(self) -> dict[str, Path]:
        """What travels, by its path relative to the directory on Python's path."""
        found: dict[str, Path] = {}
        for root in self.roots:
            if root.is_file():
                found[root.name] = root
                continue
            for directory, inner, names in os.walk(root, followlinks=True):
                inner[:] = sorted({*inner} - self._stays(directory, root))
                place = Path(directory).relative_to(root.parent).as_posix()
                files = {f"{place}/{name}": Path(directory, name) for name in sorted(names)}
                found |= {name: path for name, path in files.items() if path.is_file()}
        return found

    def _stays(self, directory: str, root: Path) -> set[str]:
        outermost = self.name == OURS and directory == str(root)
        return _IGNORED | _PROGRAM if outermost else _IGNORED

    @property
    def is_pure(self) -> bool:
        """Whether it can be imported from an archive, wherever that is brought."""
        suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
        return not any(name.endswith(suffixes) for name in self.files)

    def metadata(self) -> dict[str, str]:
        """Return the files that let its entry points be found, by their path in the archive."""
        directory = f"{self.name.replace('-', '_')}-{self.distribution.version}.dist-info"
        about = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.distribution.version}\n"
        points = self.distribution.read_text("entry_points.txt") or ""
        return {f"{directory}/METADATA": about, f"{directory}/entry_points.txt": points}


def code_of(components: Iterable[str]) -> list[CodePackage]:
    """Return what brings Osiris and the components named, each once, Osiris first.

    Raises `ComponentError` when a package cannot be found as files.
    """
    modules: dict[str, set[str]] = {}
    found: dict[str, Distribution] = {}
    ours = Distribution.from_name(OURS)
    for name, distribution, top in [(OURS, ours, _PACKAGE), *_brought_by(components)]:
        found.setdefault(distribution.name, distribution)
        modules.setdefault(distribution.name, set()).add(top)
        del name
    return [
        CodePackage(found[name], tuple(root for top in sorted(tops) for root in _roots(top)))
        for name, tops in modules.items()
    ]


def _brought_by(components: Iterable[str]) -> Iterator[tuple[str, Distribution, str]]:
    """Yield (component, distribution, top-level module) for each component."""
    for name in sorted(set(components)):
        for entry in offered(GROUP).select(name=name):
            if entry.dist is not None:
                yield name, entry.dist, entry.module.partition(".")[0]


def _roots(module: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    places = [*(spec.submodule_search_locations or ())] if spec else []
    if spec and not places and spec.origin:
        places = [spec.origin]
    if not places or not all(Path(place).exists() for place in places):
        raise ComponentError(
            f"the package {module!r} is not a directory of files, so no sandbox can have it",
            hint="install it as a wheel or in editable mode",
        )
    return [Path(place) for place in places]
