"""The `path` of a component that publishes one file."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator

from osiris.components.component import OutputPath


def _names_a_file(path: str) -> str:
    if path.endswith("/") or PurePosixPath(path).name in {"", ".", ".."}:
        raise ValueError("the path must end with a file name")
    return path


PublishedPath = Annotated[str, OutputPath(), AfterValidator(_names_a_file)]
