"""Bringing a run's freight into its sandbox, whole, and the commands that then run there."""

import json
import logging
from pathlib import PurePath
from typing import Any

from osiris.core.atomic_file import replace_bytes
from osiris.core.errors import MissingDependencyError, RunEnvironmentError
from osiris.remote.bundle import BundleWriter, ShippedFile
from osiris.remote.dependency_lock import Target, hash_lock
from osiris.remote.errors import HostileSandboxError, SandboxUnreachableError
from osiris.remote.freight import Freight, Packed, pack
from osiris.remote.input_files import InputFile
from osiris.remote.patience import Patience
from osiris.remote.record_intake import cannot_take, check_protocol, missing_packages
from osiris.remote.rpc_protocol import OLDEST_PYTHON
from osiris.remote.runner_command import arriving, launched
from osiris.remote.sandbox import Sandbox
from osiris.remote.sandbox_events import SandboxBundleSent
from osiris.remote.session_paths import SessionPaths
from osiris.remote.shipping import places_of, shipped_files

_LOG = logging.getLogger("osiris.sandbox")
_TRIES = 3
_UNPACKING = 300.0
_PROBING = 60.0
_PUMP_LIFE = 540.0
"""Seconds after which a pump ends by itself: whatever lies between does not like old streams."""


class Delivery:
    """One freight on its way into one sandbox.

    Args:
        freight: what the run needs.
        sandbox: where it goes.
        paths: the session's files there.
        patience: how long the way may be cut.
        code: the bundle's beginning; None for a sandbox that shares this machine's files.

    """

    def __init__(
        self,
        freight: Freight,
        sandbox: Sandbox,
        paths: SessionPaths,
        patience: Patience,
        code: BundleWriter | None,
    ) -> None:
        self._freight = freight
        self._sandbox = sandbox
        self._paths = paths
        self._patience = patience
        self._shared = code is None
        read = {} if self._shared else places_of(freight.inputs, paths)
        changed = _copied(freight, paths)
        self._inputs = len(freight.inputs) + len(changed)
        self._shipped = shipped_files(read | changed)
        lock: list[str] = []
        if freight.choices.install_deps and not self._shared:
            lock = self._lock()
        self._packed: Packed = pack(freight, paths, self._shipped, lock, code)

    def bring(self) -> None:
        """Bring everything in and record it; nothing of it is believed there yet."""
        session = self._freight.prepared.request.session
        replace_bytes(session.layout.commands, self._packed.commands)
        for file in self._shipped:
            if file.upload is not None:
                self._upload(file)
        self._bring_bundle()
        session.log_event(
            SandboxBundleSent(
                bytes=len(self._packed.bundle.data),
                sha256=self._packed.bundle.sha256,
                inputs=self._inputs,
                input_bytes=sum(file.size for file in self._shipped),
            )
        )

    def start(self) -> None:
        """Start the worker, once.

        Elsewhere what was brought is checked first. Where files are shared nothing can be damaged
        on the way and every package is the host's.

        Raises `MissingDependencyError` for packages that are not there and may not be installed,
        `ProtocolVersionError`, or another `SandboxError`.
        """
        if not self._shared:
            self._check(self._begun())
            return
        command = self._command("start", str(self._paths.root))
        self._patience.tries(lambda: self._sandbox.start(command, self._freight.env))

    def pump_command(self, seq: int) -> list[str]:
        """Return the command that sends the journal from a seq on."""
        return self._command("pump", str(self._paths.root), str(seq), str(_PUMP_LIFE))

    def _command(self, *args: str) -> list[str]:
        return launched(self._sandbox.python, self._packed.code_path, *args)

    def _upload(self, file: ShippedFile) -> None:
        """Bring one large file in; that it arrived whole is checked when it is unpacked."""

        def write() -> None:
            with file.source.open("rb") as data:
                self._sandbox.write(str(self._paths.uploads / str(file.upload)), data)

        _LOG.info("bringing %s into the sandbox (%d bytes)", file.source, file.size)
        self._patience.tries(write)

    def _bring_bundle(self) -> None:
        data, whole = self._packed.bundle.data, self._paths.bundle
        path = str(whole if self._shared else _part_of(whole))
        self._patience.tries(lambda: self._sandbox.write(path, data))

    def _begun(self) -> dict[str, Any]:
        """Unpack the bundle and start the worker; return what the runner says.

        A bundle that arrived damaged is brought again.
        """
        whole = self._paths.bundle
        command = arriving(
            self._sandbox.python,
            self._packed.code_path,
            (str(_part_of(whole)), str(whole), self._packed.bundle.sha256),
            OLDEST_PYTHON,
            "begin",
            str(self._paths.root),
        )
        env = self._freight.env
        for tries_left in reversed(range(_TRIES)):
            said = self._patience.tries(
                lambda: self._sandbox.run(command, timeout=_UNPACKING, env=env)
            )
            facts = _facts(said)
            if "damaged" not in facts:
                return facts
            if tries_left:
                _LOG.warning("the bundle arrived damaged; it is sent again")
                self._bring_bundle()
        raise SandboxUnreachableError(
            f"the bundle arrived damaged {_TRIES} times", hint="look at the network in between"
        )

    def _check(self, facts: dict[str, Any]) -> None:
        if "problem" in facts:
            raise cannot_take(facts["problem"])
        if "protocol" not in facts:
            oldest = ".".join(map(str, OLDEST_PYTHON))
            raise MissingDependencyError(
                f"the sandbox has Python {facts.get('python')!r:.100}; {oldest} or later is needed",
                hint="use a template with a newer Python, or `osiris e2b build-template`",
            )
        check_protocol(facts["protocol"])
        wrong = facts.get("wrong")
        if not isinstance(wrong, dict):
            raise HostileSandboxError("the runner does not say which packages are there")
        if wrong and not self._freight.choices.install_deps:
            raise missing_packages(wrong)

    def _lock(self) -> list[str]:
        """Ask which Python there is and what it lacks, and lock that for it."""
        requires = self._freight.requires
        command = [*self._sandbox.python, "-I", "-c", _PROBE, *requires]
        output = self._patience.tries(lambda: self._sandbox.run(command, timeout=_PROBING))
        try:
            (major, minor), platform, (libc, version), found = json.loads(output)
            target = Target.of(int(major), int(minor), str(platform), str(libc), str(version))
            lacking = {name: v for name, v in requires.items() if found.get(name) != v}
        except (ValueError, TypeError, AttributeError) as error:
            raise RunEnvironmentError(
                f"the sandbox has no Python that can be asked: {output[:200]!r}",
                hint="use a template with Python 3.11 or later",
            ) from error
        return hash_lock(lacking, target)


def _copied(freight: Freight, paths: SessionPaths) -> dict[str, InputFile]:
    """Return the files that are there and that steps change, by the paths of their copies."""
    return {
        str(target.inside(paths)): InputFile(target.steps[0], target.path, named_absolutely=True)
        for target in freight.targets
        if target.path.exists()
    }


_PROBE = """\
import json, platform, sys, sysconfig
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps([sys.version_info[:2], sysconfig.get_platform(), platform.libc_ver(), found]))
"""


def _part_of(path: PurePath) -> PurePath:
    return path.with_name("bundle.part")


def _facts(output: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(output)
    except ValueError as error:
        raise HostileSandboxError(f"the runner said {output[:200]!r}") from error
    if not isinstance(facts, dict):
        raise HostileSandboxError(f"the runner said {output[:200]!r}")
    return facts
