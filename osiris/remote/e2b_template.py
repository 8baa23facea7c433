"""What a template of ours holds: Python and every package that a component here may need.

A template is named by the digest of all that is in it, so that a run finds the one that fits this
installation, or none; a run in it installs nothing.
"""

import dataclasses
import hashlib
import math
import sys
from dataclasses import dataclass
from typing import Any

from osiris.components.registry import ComponentRegistry
from osiris.remote.component_code import code_of
from osiris.remote.required_packages import required_packages
from osiris.remote.sandbox import SandboxSpec

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Resources:
    """What a template's sandboxes have: cores and mebibytes of memory; None is E2B's own choice."""

    cpus: int | None = None
    memory_mb: int | None = None

    @classmethod
    def of(cls, spec: SandboxSpec) -> "Resources":
        """Return the resources that a run asks for, rounded up."""
        memory, cpus = spec.memory_bytes, spec.cpus
        return cls(
            cpus=None if cpus is None else math.ceil(cpus),
            memory_mb=None if memory is None else math.ceil(memory / _MEBIBYTE),
        )

    def __bool__(self) -> bool:
        """Whether anything was asked for."""
        return self != Resources()

    def __str__(self) -> str:
        """Say the resources in words."""
        said = [f"{self.cpus} processors"] if self.cpus is not None else []
        said += [f"{self.memory_mb} MiB"] if self.memory_mb is not None else []
        return " and ".join(said)

    @property
    def as_options(self) -> str:
        """The same as options of `osiris e2b build-template`."""
        said = [f"--cpu {self.cpus}"] if self.cpus is not None else []
        said += [f"--memory {self.memory_mb}"] if self.memory_mb is not None else []
        return " ".join(said)


@dataclass(frozen=True)
class TemplatePlan:
    """A template to build.

    Attributes:
        requirements: `name==version`, sorted.
        python: `major.minor` of Python.
        resources: what its sandboxes have.

    """

    requirements: tuple[str, ...]
    python: str
    resources: Resources = Resources()

    @classmethod
    def of_installation(cls) -> "TemplatePlan":
        """Return the plan for all components that are installed here, at the versions here."""
        registry = ComponentRegistry()
        required = required_packages(registry, code_of(registry.names()))
        pinned = tuple(f"{name}=={version}" for name, version in sorted(required.items()))
        return cls(pinned, f"{sys.version_info.major}.{sys.version_info.minor}")

    def with_resources(self, resources: Resources) -> "TemplatePlan":
        """Return the plan for sandboxes with these resources."""
        return dataclasses.replace(self, resources=resources)

    def to_dict(self) -> dict[str, Any]:
        """Return what is in it, as a command shows it."""
        return {
            "python": self.python,
            "requirements": list(self.requirements),
            "cpus": self.resources.cpus,
            "memory_mb": self.resources.memory_mb,
        }

    @property
    def name(self) -> str:
        """The template's name in the account; it changes with anything that is in the template."""
        parts = ["osiris", self.digest[:16]]
        if self.resources.cpus is not None:
            parts.append(f"{self.resources.cpus}cpu")
        if self.resources.memory_mb is not None:
            parts.append(f"{self.resources.memory_mb}mb")
        return "-".join(parts)

    @property
    def digest(self) -> str:
        """SHA-256 over Python's version and the requirements, in hex."""
        lines = [f"python {self.python}", *self.requirements]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def install_command(self) -> str:
        """The command that installs the requirements in the image; nothing is built from source."""
        wanted = " ".join(self.requirements)
        return f"pip install --no-cache-dir --no-deps --only-binary=:all: {wanted}"
