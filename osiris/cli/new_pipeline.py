"""A pipeline that did not exist before: its text, and its file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osiris.cli.screen import harmless
from osiris.cli.yaml_text import yaml_lines
from osiris.core.errors import UnwritableOutputError, UsageError
from osiris.discovery.result import Discovery


def pipeline_text(pipeline: dict[str, Any], found: Sequence[Discovery]) -> str:
    """Return the YAML of a pipeline, with a remark for each table that it leaves out."""
    steps = pipeline["steps"]
    lines = yaml_lines({key: value for key, value in pipeline.items() if key != "steps"})
    for discovery in found:
        for table in discovery.tables:
            if table.read is None:
                reason = " ".join(table.problems) or "it has no columns that can be read"
                lines.append(f"# left out: {_remark(table.full_name)}: {_remark(reason)}")
    lines += ["", "steps:"]
    for step in steps:
        lines += [*yaml_lines([step], "  "), ""]
    return "\n".join(lines).rstrip() + "\n"


def write_pipeline(path: Path, text: str) -> None:
    """Write a new file; raise `UsageError` when it exists, else `UnwritableOutputError`."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} exists already", hint="nothing is overwritten: name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UnwritableOutputError(
            f"cannot write {path}: {error.strerror}", hint="check the directory and its rights"
        ) from error


def _remark(text: str) -> str:
    """Return text as it can stand in one line of YAML behind a #."""
    return " ".join(harmless(text).split())
