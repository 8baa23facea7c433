"""Figure: records over a way to the sandbox that is cut again and again."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.figure import Bar, Figure
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from tests.e2b_server.relay import Relay, relay_to
from tests.e2b_server.server import E2BServer, running_server
from tests.e2b_server.templates import with_this_python
from tests.remote import probes
from tests.support.pipelines import run_with

_RECORDS = 20_000
_SHORTEST, _LONGEST = 0.2, 0.6  # seconds between two cuts
_TEMPLATE = "ready"
_CODE = f"""
for number in range({_RECORDS}):
    log.info("record %d", number)
"""


def figures(rounds: int) -> Iterator[Figure]:
    """Measure the same run over a whole and over a torn way, by turns."""
    sys.path.append(str(Path(probes.__file__).parent / "probe_package"))
    whole, torn, cuts = [], [], 0
    with running_server() as cloud:
        cloud.add_template(_TEMPLATE, with_this_python())
        for turn in range(rounds + 1):
            with relay_to(cloud.port) as relay:
                whole.append(_run(cloud, relay))
                stop = relay.cut_now_and_then(turn, _SHORTEST, _LONGEST)
                torn.append(_run(cloud, relay))
                stop.set()
                cuts += relay.cuts
    seconds = [median(taken[1:]) for taken in (torn, whole)]
    yield Figure(
        f"{_RECORDS:,} records over a torn link, each once and in order",
        seconds[0] / seconds[1],
        Bar(3, "×"),
        f"{seconds[0]:.2f} s; whole {seconds[1]:.2f} s; {cuts / (rounds + 1):.0f} cuts a run",
    )


def _run(cloud: E2BServer, relay: Relay) -> float:
    """Run once, check that every record is there once and in order, return the seconds."""
    env = {**os.environ, **cloud.environment(sandbox_url=relay.url)}
    options = E2BOptions(template=_TEMPLATE, backoff=(0.01, 0.01))
    provider = E2BSandboxProvider(E2BAccount.from_environment(env), options)
    adapter = E2BTransparentProxy(provider, SandboxChoices(patience=60.0))
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        evidence = run_with(adapter, Path(directory), probes.probing(_CODE), env=env)
        seconds = time.perf_counter() - started
        log = evidence.result.layout.log.read_text().splitlines()
    arrived = [int(line.rpartition(" ")[2]) for line in log if ": record " in line]
    if not evidence.result.ok or arrived != list(range(_RECORDS)):
        raise RuntimeError(f"{len(arrived)} records arrived of {_RECORDS}: {evidence.result}")
    return seconds
