"""The manifest: a compiled pipeline as data, the same bytes for the same source."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from osiris.components.component import Mode

FORMAT: Literal[1] = 1
"""Version of the manifest's own format."""


class Retry(BaseModel):
    """How often a step is tried when it fails for a transient reason.

    The wait before try n+1 is `delay * backoff ** (n - 1)` seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(ge=1, le=20)
    delay: float = Field(default=1.0, ge=0, le=3600)
    backoff: float = Field(default=2.0, ge=1, le=10)


class Step(BaseModel):
    """One step of a manifest; its configuration lies beside the manifest at `cfg_path`.

    `inputs` maps the name the driver sees to the step that makes the table. `after` are steps that
    must have completed before this one starts, without handing it a table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")
    component: str
    mode: Mode
    inputs: dict[str, str] = Field(default_factory=dict)
    after: tuple[str, ...] = ()
    retry: Retry | None = None
    timeout: float | None = Field(default=None, gt=0)
    cfg_sha256: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps this one depends on, each once, inputs first."""
        return tuple(dict.fromkeys((*self.inputs.values(), *self.after)))

    @property
    def cfg_path(self) -> str:
        """Path of the step's config file relative to the manifest."""
        return f"cfg/{self.id}.json"

    @property
    def attempts(self) -> int:
        """How often the step may be tried in all."""
        return self.retry.attempts if self.retry else 1


class Manifest(BaseModel):
    """A compiled pipeline: its steps in an order in which they can run.

    `fingerprint` is the SHA-256 over the canonical JSON (RFC 8785) of all that decides the output;
    `fingerprints` are its parts. `variables` maps each environment variable that the configs use
    to whether it must be set (True) or has a default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    osiris_manifest: Literal[1] = FORMAT
    name: str
    description: str | None = None
    oml_version: str
    fingerprint: str
    fingerprints: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, bool] = Field(default_factory=dict)
    steps: tuple[Step, ...] = Field(min_length=1)

    @cached_property
    def by_id(self) -> dict[str, Step]:
        """The steps by their ids."""
        return {step.id: step for step in self.steps}

    def consumers(self, step_id: str) -> Iterator[Step]:
        """Iterate over the steps that take a table from the given one."""
        return (step for step in self.steps if step_id in step.inputs.values())
