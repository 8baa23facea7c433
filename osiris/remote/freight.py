"""All that one run needs inside its sandbox, worked out on the host before there is one."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from osiris.components.entry_points import offered
from osiris.components.registry import GROUP
from osiris.core.driver_registry import DriverRegistry
from osiris.core.execution_adapter import PreparedRun
from osiris.core.step_config import StepConfig, secret_variables
from osiris.remote.bundle import (
    Bundle,
    BundleWriter,
    ShippedFile,
    code_members,
    input_members,
    metadata_members,
    session_members,
)
from osiris.remote.choices import SandboxChoices
from osiris.remote.component_code import CodePackage, code_of
from osiris.remote.input_files import InputFile, hosts_of, input_files
from osiris.remote.required_packages import required_packages
from osiris.remote.rpc_protocol import (
    PROTOCOL,
    CleanupCommand,
    Command,
    ExecStepCommand,
    PingCommand,
    PrepareCommand,
    Supervision,
)
from osiris.remote.session_paths import SessionPaths
from osiris.remote.target_files import TargetFile, on_copies, target_files

_RUNNER = ("osiris.remote.proxy_worker_runner", "osiris.remote.proxy_worker")
_SITES = {"site-packages", "dist-packages"}
_TO_END = 5.0
"""Seconds beyond the drivers' own grace in which the worker must end."""


@dataclass(frozen=True)
class Freight:
    """What the manifest's steps need: code, packages, files, hosts, variables."""

    prepared: PreparedRun
    choices: SandboxChoices

    @cached_property
    def env(self) -> dict[str, str]:
        """The worker's variables: exactly those that the manifest uses, and those asked for."""
        return {**self.choices.env, **self.prepared.variables}

    @cached_property
    def code(self) -> list[CodePackage]:
        """The packages that bring Osiris and the components."""
        return code_of(step.component for step in self.prepared.manifest.steps)

    @cached_property
    def requires(self) -> dict[str, str]:
        """Name and version of each third-party distribution that must be there."""
        registry = DriverRegistry()
        names = {step.component for step in self.prepared.manifest.steps}
        return required_packages([registry.component(name) for name in sorted(names)], self.code)

    @cached_property
    def inputs(self) -> list[InputFile]:
        """The files that the steps read."""
        request = self.prepared.request
        changed = {target.path for target in self.targets}
        return input_files(self.prepared.configs, self.env, request.project, but=changed)

    @cached_property
    def targets(self) -> list[TargetFile]:
        """The files that the steps change."""
        return target_files(self.prepared.configs, self.env, self.prepared.request.project)

    def configs(self, paths: SessionPaths) -> dict[str, StepConfig]:
        """Return the steps' configs for a sandbox, where they change copies."""
        copies = {target.path: target.inside(paths) for target in self.targets}
        project = self.prepared.request.project
        return {
            step_id: on_copies(config, self.env, project, copies)
            for step_id, config in self.prepared.configs.items()
        }

    @cached_property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """The (host, port) pairs that the steps' connections reach."""
        return hosts_of(self.prepared.configs, self.env)

    @property
    def secrets(self) -> list[str]:
        """Names of the variables whose values must not be written anywhere."""
        registry = DriverRegistry()
        found = set(self.choices.secret_env)
        for config in self.prepared.configs.values():
            found |= secret_variables(config, registry.component(config.component))
        return sorted(found)

    @cached_property
    def shown(self) -> "Shown":
        """What a sandbox on this machine must show, so that nothing has to be brought in."""
        parents = dict.fromkeys(root.parent for package in self.code for root in package.roots)
        sites = [Path(place) for place in sys.path if Path(place).name in _SITES]
        roots = [root for package in self.code for root in package.roots]
        files = dict.fromkeys(file.path for file in self.inputs)
        return Shown((*roots, *sites, *files), (*parents, *sites))

    def packed_code(self) -> BundleWriter:
        """Return the beginning of a bundle for elsewhere: the code, which can be packed early."""
        writer = BundleWriter(compress=True)
        pure = [package for package in self.code if package.is_pure]
        writer.add(code_members(pure, [*_RUNNER, *self._component_modules()]))
        return writer

    def _component_modules(self) -> Iterator[str]:
        """Yield the modules that describe and that run the manifest's components."""
        registry = DriverRegistry()
        for name in {step.component for step in self.prepared.manifest.steps}:
            yield from (entry.module for entry in offered(GROUP).select(name=name))
            yield registry.component(name).driver.partition(":")[0]

    @property
    def grace(self) -> float:
        """Seconds the worker has to end when it is told to."""
        return self.prepared.request.options.grace_seconds + _TO_END


@dataclass(frozen=True)
class Shown:
    """Paths of this machine that a sandbox on it shows, and where Python finds code among them."""

    paths: tuple[Path, ...]
    code_path: tuple[Path, ...]


@dataclass(frozen=True)
class Packed:
    """The freight, ready for one sandbox.

    Attributes:
        commands: the bytes of commands.jsonl.
        bundle: the archive.
        shipped: input files that are brought in.
        code_path: where Python finds the code inside.

    """

    commands: bytes
    bundle: Bundle
    shipped: list[ShippedFile]
    code_path: list[str]


def pack(
    freight: Freight,
    paths: SessionPaths,
    shipped: list[ShippedFile],
    lock: list[str],
    code: BundleWriter | None,
) -> Packed:
    """Pack for a sandbox: `code` comes first, or is None where this machine's files are shared."""
    shared = code is None
    if code is None:
        metadata = paths.proxy / "metadata"
        code_path = [str(metadata), *map(str, freight.shown.code_path)]
        inside = metadata.relative_to(paths.root).as_posix()
        writer = BundleWriter(compress=False)
        writer.add(metadata_members(freight.code, inside))
    else:
        code_path = [str(paths.bundle)]
        writer = code
    request = freight.prepared.request
    base_dir = request.project if shared else paths.files / request.project.relative_to("/")
    commands = b"".join(
        command.line()
        for command in _commands(freight, paths, str(base_dir), code_path, lock, shared=shared)
    )
    layout = paths.layout
    files = {
        layout.relative(layout.commands): commands,
        layout.relative(layout.manifest): request.compiled.manifest_bytes,
    }
    for step in freight.prepared.manifest.steps:
        files[step.cfg_path] = request.compiled.cfgs[step.id]
    for target in freight.targets:
        if target.path.parent.is_dir():
            files[target.inside(paths).parent.relative_to(paths.root).as_posix() + "/"] = b""
    members = session_members(files) | input_members(shipped)
    writer.add(members)
    return Packed(commands, writer.bundle(), shipped, code_path)


def _commands(
    freight: Freight,
    paths: SessionPaths,
    base_dir: str,
    code_path: list[str],
    lock: list[str],
    *,
    shared: bool,
) -> list[Command]:
    prepared, choices = freight.prepared, freight.choices
    supervision = Supervision(
        heartbeat=choices.heartbeat,
        lease=choices.lease,
        deadline=choices.deadline,
        grace=freight.grace,
    )
    prepare = PrepareCommand(
        session=prepared.request.session.layout.session,
        manifest=prepared.manifest.model_dump(mode="json"),
        options=_plain(asdict(prepared.request.options)),
        base_dir=base_dir,
        requires={} if shared else freight.requires,
        install_deps=choices.install_deps,
        lock=lock,
        code_path=code_path,
        secrets=freight.secrets,
        supervision=asdict(supervision),
    )
    configs = freight.configs(paths)
    steps = [
        ExecStepCommand(step_id=step.id, config=configs[step.id].model_dump(mode="json"))
        for step in prepared.manifest.steps
    ]
    return [PingCommand(protocol=PROTOCOL), prepare, *steps, CleanupCommand()]


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return data as JSON has it: enumerations become texts."""
    plain: dict[str, Any] = json.loads(json.dumps(data))
    return plain
