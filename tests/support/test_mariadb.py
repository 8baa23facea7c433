"""The private server does what the tests lean on, and never outlives them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pymysql
import pytest

from tests.conftest import Database
from tests.support.mariadb import MariaDBError, MariaDBServer

_HOLDER = """
import sys, time
from pathlib import Path
from tests.support.mariadb import MariaDBServer
server = MariaDBServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


def _connect(server: MariaDBServer, **how: object) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    login = server.login
    return pymysql.connect(user=login.user, password=login.password, **how)  # type: ignore[call-overload,no-any-return]  # options come as data here


def test_the_login_works_over_tcp_and_over_the_socket(mariadb: MariaDBServer) -> None:
    for how in ({"host": mariadb.host, "port": mariadb.port}, {"unix_socket": mariadb.socket}):
        with _connect(mariadb, **how) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet, @@local_infile")
            assert cursor.fetchone() == (256 << 20, 1)


def test_tls_is_verified_against_the_authority(mariadb: MariaDBServer) -> None:
    ca = str(mariadb.certificates.ca)
    how = {"host": mariadb.host, "port": mariadb.port, "ssl": {"ca": ca, "check_hostname": True}}
    with _connect(mariadb, **how) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
        assert str(cursor.fetchone()).find("TLSv1") > 0


def test_a_database_is_empty_and_its_own(database: Database) -> None:
    assert database.execute("SHOW TABLES") == []
    database.script("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2);")
    assert database.execute("SELECT sum(a), database() FROM t") == [(3, database.name)]


def test_data_port_and_login_survive_a_kill(tmp_path: Path) -> None:
    with MariaDBServer(tmp_path / "m", local_infile=False) as server:
        server.script("CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (7);")
        server.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        server.execute("INSERT INTO d.t VALUES (8)")
        server.kill()
        assert server.pid is None
        assert not server.listens()
        server.start()
        assert server.execute("SELECT a FROM d.t") == [(7,), (8,)]
        server.restart()
        with _connect(server, host=server.host, port=server.port, database="d") as connection:
            assert connection.open
        assert server.execute("SELECT @@local_infile") == [(0,)]
    assert server.pid is None


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = MariaDBServer(tmp_path / "m", options=["--no-such-option"])
    with pytest.raises(MariaDBError, match="no-such-option"):
        server.start()
    assert server.pid is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_dies_with_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "m")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as holder:
        assert holder.stdout is not None
        server = psutil.Process(int(holder.stdout.readline()))
        assert "mariadbd" in " ".join(server.cmdline())
        holder.send_signal(how)
        holder.wait(60)
    deadline = time.monotonic() + 60
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.02)
