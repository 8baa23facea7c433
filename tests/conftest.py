"""Fixtures for every test: one MariaDB and one PostgreSQL a worker, one database a test."""

import inspect
import itertools
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest

from tests.support.mariadb import MariaDBServer
from tests.support.mysql import make_database, private_server
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.s3 import S3Server, running_s3

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Hear SIGINT, which a shell makes its background programs ignore; give examples time."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says how busy the machine is.
    hypothesis.settings.register_profile("osiris", deadline=None)
    hypothesis.settings.load_profile("osiris")


@dataclass(frozen=True)
class Database:
    """An empty database on the tests' server."""

    server: MariaDBServer
    name: str

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement in this database as root and give its rows."""
        return self.server.execute(sql, self.name)

    def tables(self) -> list[str]:
        """Return the names of the tables, sorted; views are none."""
        found = self.execute("SHOW FULL TABLES WHERE table_type = 'BASE TABLE'")
        return sorted(name for name, _ in found)

    def script(self, sql: str) -> None:
        """Run many statements in this database as root."""
        self.server.script(sql, self.name)

    def connection(self, *, over_socket: bool = False) -> dict[str, Any]:
        """How to connect, as `osiris_connections.yaml` writes it, the password in plain text."""
        return self.server.connection(self.name, over_socket=over_socket)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A running server for the whole session; a test that kills it must start it again."""
    directory = tmp_path_factory.mktemp("mariadb")
    with private_server()(directory) as server:
        yield server
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A running S3 server for the whole session, with one bucket that the tests share."""
    with running_s3() as server:
        yield server


@pytest.fixture
def database(mariadb: MariaDBServer, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database, dropped after the test."""
    name = f"test_{next(_numbers)}"
    make_database(mariadb, name, inspect.getsource(request.module))
    yield Database(mariadb, name)
    mariadb.script(f"SET foreign_key_checks = 0; DROP DATABASE IF EXISTS {name};")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL for the whole session; a test that kills it must start it again."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def pg(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    """A fresh PostgreSQL database, dropped after the test."""
    name = f"test_{next(_numbers)}"
    postgres.create_database(name)
    yield PostgresDatabase(postgres, name)
    postgres.drop_database(name)
