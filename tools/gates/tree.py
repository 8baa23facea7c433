"""The files that the gates look at, and what a gate says about one of them."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CODE = ("osiris/", "tests/", "tools/", "bench/")


@dataclass(frozen=True, order=True)
class Finding:
    """Something wrong on one line; `gate` is the name a waiver must use."""

    path: str
    line: int
    gate: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.gate}: {self.message}"


@dataclass(frozen=True)
class SourceFile:
    """One text file; `path` is relative to the tree and uses forward slashes."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def syntax(self) -> ast.Module:
        """The parsed module of a Python file."""
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """The dotted name of a Python file: `osiris/core/engine.py` is `osiris.core.engine`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def finding(self, gate: str, line: int, message: str) -> Finding:
        """Say what is wrong on a line of this file."""
        return Finding(self.path, line, gate, message)


@dataclass(frozen=True)
class Tree:
    """The text files of a checkout, tracked or new, without what git ignores."""

    files: tuple[SourceFile, ...]

    @property
    def code(self) -> Iterator[SourceFile]:
        """The Python files of the package, its tests and its tools."""
        return (f for f in self.files if f.path.endswith(".py") and f.path.startswith(CODE))

    @classmethod
    def of_checkout(cls, root: Path) -> "Tree":
        """Read the files that git knows or would add."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True)
        names = sorted(set(listed.stdout.decode().split("\0")) - {""})
        return cls.of_paths(root, [root / name for name in names])

    @classmethod
    def of_paths(cls, root: Path, paths: list[Path]) -> "Tree":
        """Read the given files below a root; those that are gone or are not text are left out."""
        files = []
        for path in paths:
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                if b"\0" not in data:
                    name = path.relative_to(root).as_posix()
                    files.append(SourceFile(name, data.decode("utf-8", "replace")))
        return cls(tuple(files))


Gate = Callable[[Tree], Iterator[Finding]]
