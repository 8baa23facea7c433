"""Figures: a run in E2B's cloud, as far as a server on this machine can stand for it."""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.figure import Bar, Figure
from bench.measure import alternate
from bench.movies import movies_project
from osiris.remote.e2b_options import E2BAccount
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.file_carrier import PartsCarrier
from osiris.remote.patience import Patience
from osiris.remote.sandbox import SandboxSpec
from osiris.remote.session_paths import SessionPaths
from tests.e2b_server.server import E2BServer, running_server
from tests.e2b_server.templates import with_this_python
from tests.support.mariadb import MariaDBServer

_ARTIFACT_BYTES = 100_000_000
_PATIENCE = 30.0
_TEMPLATE = "ready"


def figures(server: MariaDBServer, work: Path, rounds: int) -> Iterator[Figure]:
    """Measure the movies run there against here, what it asks of E2B, an artifact on its way."""
    with running_server() as cloud:
        cloud.add_template(_TEMPLATE, with_this_python())
        yield from _run(server, cloud, work, rounds)
        yield _artifact(cloud, work, rounds)


def _run(server: MariaDBServer, cloud: E2BServer, work: Path, rounds: int) -> Iterator[Figure]:
    project = movies_project(server, work / "movies-e2b")
    here = project.run_command()
    options = ["--e2b", "--e2b-template", _TEMPLATE]
    env = {**here.env, **cloud.environment()}
    there = replace(here, name="osiris run --e2b", argv=[*here.argv, *options], env=env)
    local, remote = alternate([here, there], rounds)
    yield Figure(
        "movies over loopback E2B, minus local",
        remote.seconds - local.seconds,
        Bar(1.0, "s"),
        f"local {local.seconds:.3f} s, python {sys.version_info.major}.{sys.version_info.minor}",
    )
    runs = rounds + 1
    asked = len(cloud.log.control_plane()) / runs
    yield Figure("its control-plane requests", asked, Bar(6, "requests"), "create, kill, renewals")
    uploads = len(cloud.log.find("POST", "/files")) / runs
    yield Figure("its uploads", uploads, Bar(8, "uploads"), "one bundle")


def _artifact(cloud: E2BServer, work: Path, rounds: int) -> Figure:
    """Bring one file back as a run does: in parts, checked by SHA-256, renamed into place."""
    account = E2BAccount.from_environment(cloud.environment())
    sandbox = E2BSandboxProvider(account).create(SandboxSpec("run_bench"))
    paths = SessionPaths.below(sandbox.home, "run_bench")
    data = os.urandom(_ARTIFACT_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    sandbox.write(str(paths.root / "artifact"), data)
    carrier = PartsCarrier(sandbox, paths, Patience(sandbox, _PATIENCE))
    seconds = []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory(dir=work) as directory:
            started = time.perf_counter()
            carrier.carry("artifact", Path(directory, "artifact"), len(data), digest)
            seconds.append(time.perf_counter() - started)
    sandbox.kill()
    taken = median(seconds[1:])
    rate = f"{_ARTIFACT_BYTES / 1e6 / taken:.0f} MB/s, server and client in one process"
    return Figure("100 MB artifact back over loopback E2B", taken, Bar(100 / 150, "s"), rate)
