"""The private server does what the tests lean on, and never outlives them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.postgres import PostgresDatabase, PostgresError, PostgresServer, quoted

_HOLDER = """
import time
from tests.support.postgres import PostgresServer
server = PostgresServer()
server.start()
print(server.pid, server.directory, flush=True)
time.sleep(600)
"""


def _rows(server: PostgresServer, statement: str, **how: object) -> list[tuple[object, ...]]:
    login = {"user": server.login.user, "password": server.login.password, "port": server.port}
    arguments = {"dbname": "postgres", **login, **how}
    with psycopg.connect(**arguments) as connection:  # type: ignore[arg-type]  # options come as data here
        return connection.execute(statement.encode()).fetchall()


def test_the_login_works_over_tcp_and_over_the_socket(postgres: PostgresServer) -> None:
    for host in (postgres.host, postgres.socket):
        assert _rows(postgres, "SELECT current_user::text", host=host) == [("osiris",)]


def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        _rows(postgres, "SELECT 1", host=postgres.host, password="wrong")


def test_tls_is_verified_against_the_authority(postgres: PostgresServer) -> None:
    ca = str(postgres.certificates.ca)
    how = {"host": "localhost", "sslmode": "verify-full", "sslrootcert": ca}
    asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert _rows(postgres, asked, **how, user="tls_only") == [(True,)]
    with pytest.raises(psycopg.OperationalError):
        _rows(postgres, asked, host=postgres.host, sslmode="disable", user="tls_only")


def test_a_database_is_empty_and_its_own(pg: PostgresDatabase) -> None:
    pg.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2);")
    assert pg.execute("SELECT sum(a), current_database()::text FROM t") == [(3, pg.name)]
    assert pg.execute("SELECT a + %s FROM t ORDER BY a", [5]) == [(6,), (7,)]
    assert pg.execute("SELECT 1; SELECT 2") == [(2,)]


def test_data_port_and_login_survive_a_kill() -> None:
    with PostgresServer({"synchronous_commit": "on"}) as server:
        server.create_database(odd := 'od"d')
        server.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (7)", odd)
        server.kill()
        assert server.pid is None
        assert not server.listens()
        server.start()
        assert server.execute("SELECT a FROM t", odd) == [(7,)]
        server.restart()
        assert _rows(server, "SELECT 1", host=server.host) == [(1,)]
        server.drop_database(odd)
        with pytest.raises(psycopg.OperationalError):
            server.execute("SELECT 1", odd)
    assert server.pid is None
    assert not server.directory.exists()


def test_a_server_that_cannot_start_says_why() -> None:
    server = PostgresServer({"no_such_setting": "1"})
    with pytest.raises(PostgresError, match="no_such_setting"), server:
        pass
    server.__exit__(None, None, None)


def test_names_are_quoted() -> None:
    assert quoted('a"b') == '"a""b"'


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_dies_with_its_parent(how: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as holder:
        assert holder.stdout is not None
        pid, directory = holder.stdout.readline().split()
        server = psutil.Process(int(pid))
        assert "postgres" in " ".join(server.cmdline())
        holder.send_signal(how)
        holder.wait(60)
    deadline = time.monotonic() + 60
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.02)
    _forget(Path(os.fsdecode(directory)))


def _forget(directory: Path) -> None:
    """Let the next server find what was left old enough to remove, and see that it does."""
    os.utime(directory, (0, 0))
    PostgresServer().__exit__(None, None, None)
    assert not directory.exists()
