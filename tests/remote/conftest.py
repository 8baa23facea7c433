"""Fixtures for tests of sandboxes."""

import sys
from pathlib import Path

import pytest

from tests.support.debian import ensure_programs

# A third party's package that is on the path without being installed.
sys.path.append(str(Path(__file__).parent / "probe_package"))


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """The program bwrap, installed where that is possible."""
    ensure_programs({"bwrap": "bubblewrap"})
