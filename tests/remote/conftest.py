"""Fixtures for tests of sandboxes."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.remote.e2b_adapter import e2b_adapter
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.e2b_server.server import E2BServer, running_server
from tests.e2b_server.templates import with_this_python
from tests.remote.e2b_runs import Runs
from tests.support.debian import ensure_programs

# A third party's package that is on the path without being installed.
sys.path.append(str(Path(__file__).parent / "probe_package"))


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """The program bwrap, installed where that is possible."""
    ensure_programs({"bwrap": "bubblewrap"})


@pytest.fixture(scope="session")
def places(request: pytest.FixtureRequest) -> Iterator[dict[str, Callable[[], ExecutionAdapter]]]:
    """Where steps are run but here; one E2B server for all of it."""
    request.getfixturevalue("bubblewrap")
    with running_server() as server:
        server.add_template("ready", with_this_python())
        yield {
            "bubblewrap": sandbox_adapter,
            "process": lambda: sandbox_adapter("process"),
            "e2b": lambda: e2b_adapter(server.environment(), template="ready"),
        }
        assert not server.living()


@pytest.fixture
def server() -> Iterator[E2BServer]:
    """A loopback E2B server whose template `ready` has this Python and its packages."""
    with running_server() as running:
        running.add_template("ready", with_this_python())
        yield running


@pytest.fixture
def runs(server: E2BServer, tmp_path: Path) -> Runs:
    """Runs sample pipelines on that server."""
    return Runs(server, tmp_path)
