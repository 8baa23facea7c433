"""`osiris.yaml`: the file that makes a directory a project, and what it says of its runs.

`name: …` and `run: {setting: value, …}`, both optional; a file of nothing but remarks is a mere
marker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from osiris.compiler.document import Place
from osiris.compiler.problem import Report
from osiris.compiler.shape import check_keys, kind, mapping, text
from osiris.compiler.store import read_pipeline
from osiris.compiler.yaml_reader import read_yaml

RUN_SETTINGS = (
    "jobs",
    "fail_fast",
    "step_outputs",
    "sandbox",
    "sandbox_memory",
    "sandbox_cpu",
    "e2b",
    "e2b_template",
    "e2b_timeout",
    "e2b_cpu",
    "e2b_memory",
    "e2b_install_deps",
    "progress",
)
"""What `run:` may hold: the options of `osiris run` that are the same from run to run."""


@dataclass(frozen=True)
class ProjectFile:
    """What an osiris.yaml says; `run` holds the places of the settings' plain values."""

    name: str | None = None
    run: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))


def read_project_file(path: Path, report: Report) -> ProjectFile:
    """Return what the file says, nothing when there is none; mistakes go to `report`.

    Raises `PipelineError` when it cannot be read.
    """
    data = read_pipeline(path) if path.is_file() else b""
    if all(line.lstrip().startswith(b"#") for line in data.splitlines() if line.strip()):
        return ProjectFile()
    root = read_yaml(data, str(path), report)
    if root is None or not check_keys(root, allowed=("name", "run"), what=path.name):
        return ProjectFile()
    return ProjectFile(text(root.get("name"), "name"), _settings(root.get("run")))


def _settings(block: Place | None) -> dict[str, Place]:
    settings = mapping(block, "run")
    if settings is None or not check_keys(settings, allowed=RUN_SETTINGS, what="run"):
        return {}
    found = dict(settings.members())
    for name, place in found.items():
        if place.value is None or isinstance(place.value, dict | list):
            place.error(f"{name} must be one value, not {kind(place.value)}")
    return found
