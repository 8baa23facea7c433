"""A project: the directory that relative paths refer to, and the environment that runs see."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osiris.core.errors import InputError

MARKER = "osiris.yaml"
"""Name of the file that marks a directory as a project."""

DOTENV = ".env"
"""Name of the file with variables that the environment does not set."""


@dataclass(frozen=True)
class Project:
    """The project directory, absolute."""

    root: Path

    @classmethod
    def at(cls, directory: Path) -> "Project":
        """Return the project in this very directory.

        Raises `InputError` when there is no such directory.
        """
        if not directory.is_dir():
            raise InputError(
                f"{directory} is not a directory", hint="name a directory that holds a project"
            )
        return cls(directory.absolute())

    @classmethod
    def of(cls, target: Path | None = None) -> "Project":
        """Return the project that a pipeline (or manifest) belongs to, or that we are in.

        It is the nearest directory above the target that holds an osiris.yaml, else the nearest
        above the current directory, else the current directory.
        """
        here = Path.cwd()
        starts = [here] if target is None else [target.absolute().parent, here]
        for start in starts:
            for directory in (start, *start.parents):
                if (directory / MARKER).is_file():
                    return cls(directory)
        return cls(here)

    def environment(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what `.env` says, overridden by the given environment (the process's by default).

        Raises `InputError` for a `.env` that cannot be read; `os.environ` is never changed.
        """
        environ = os.environ if environ is None else environ
        return {**self._dotenv(), **environ}

    def _dotenv(self) -> dict[str, str]:
        """Return the variables of `.env`; the values stand for themselves, nothing is expanded."""
        path = self.root / DOTENV
        try:
            text = path.read_text("utf-8-sig")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise InputError(
                f"cannot read {path}: {reason}",
                hint="it holds lines like NAME=value, in UTF-8",
            ) from None
        from dotenv.parser import (  # noqa: PLC0415 - start-up: most commands read no .env
            parse_stream,
        )

        values: dict[str, str] = {}
        for binding in parse_stream(io.StringIO(text)):
            if binding.error or (binding.key is not None and binding.value is None):
                raise InputError(
                    f"{path}:{binding.original.line}: this line is not NAME=value",
                    hint="quote a value that holds quotes or line ends; begin a remark with #",
                )
            if binding.key is not None and binding.value is not None:
                values[binding.key] = binding.value
        return values
