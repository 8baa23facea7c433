"""A private MariaDB server: its own data directory, a free port, gone when its parent is gone."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from tests.support.certificates import Certificates, make_certificates
from tests.support.debian import ensure_programs, find_program

_PACKAGES = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "mariadb": "mariadb-client-core",
    "setpriv": "util-linux",
}
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
# The longest path of a Unix socket, less its closing zero (sys/un.h).
_SOCKET_PATH_MAX = 107

# Nothing here survives the tests, so nothing need be durable.
_SERVER_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-log-file-size=16M",
    "--max-allowed-packet=256M",
    "--performance-schema=OFF",
    "--skip-innodb-doublewrite",
    "--skip-log-bin",
    "--skip-name-resolve",
)


class MariaDBError(RuntimeError):
    """The server did not start; the message carries the end of its log."""


@dataclass(frozen=True)
class Login:
    """A user that may connect over TCP, over the socket and over TLS, and may do everything."""

    user: str = "osiris"
    password: str = "s3cret-Pa$$'w\"rd"


class MariaDBServer:
    """One MariaDB server and its files in one directory.

    `start`, `stop`, `kill` and `restart` may be called in any sensible order; the data and the
    port stay the same. As a context manager it starts on entry and is killed on exit.

    Args:
        directory: where everything goes; made when missing.
        local_infile: whether LOAD DATA LOCAL is allowed.
        options: more options of mariadbd, such as "--wait-timeout=2".
    """

    host = "127.0.0.1"
    packages: Mapping[str, str] = _PACKAGES
    server_options: Sequence[str] = _SERVER_OPTIONS

    def __init__(
        self, directory: Path, *, local_infile: bool = True, options: Sequence[str] = ()
    ) -> None:
        ensure_programs(self.packages)
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "server.log"
        self.socket = str(directory / "s")
        if len(os.fsencode(self.socket)) > _SOCKET_PATH_MAX:
            message = f"the path of a socket is too long: {self.socket}; set a shorter TMPDIR"
            raise MariaDBError(message)
        self.port = free_port()
        self.login = Login()
        self.certificates: Certificates = make_certificates(directory)
        self._options = [f"--local-infile={'ON' if local_infile else 'OFF'}", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None when it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def start(self) -> None:
        """Start the server and wait until it answers; makes the data directory the first time."""
        fresh = not self.data.exists()
        if fresh:
            self._install()
        command = [
            # The kernel kills the server when the thread that started it ends, however it ends.
            *(_program("setpriv"), "--pdeathsig", "KILL"),
            *self.server_program(),
            *self._file_options(),
            *self.server_options,
            *self._options,
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_until_it_answers()
        if fresh:
            self._create_login()

    def stop(self) -> None:
        """Shut the server down in order; kills it when it does not go."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop the server where it runs, and start it again on the same data and port."""
        self.stop()
        self.start()

    def listens(self) -> bool:
        """Whether somebody accepts connections on the server's socket at this moment."""
        # PyMySQL does not close the socket of a connection that is refused, so ask without it.
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def execute(self, sql: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as root and give its rows, values as PyMySQL makes them."""
        with self._root(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def script(self, sql: str, database: str | None = None) -> None:
        """Run many statements as root with the server's own client."""
        done = subprocess.run(
            self.client_command(database), input=sql.encode(), capture_output=True, check=False
        )
        if done.returncode:
            raise MariaDBError(done.stderr.decode(errors="replace"))

    def client_command(
        self, database: str | None = None, *options: str, over_tcp: bool = False
    ) -> list[str]:
        """The command line of `mariadb`: as root over the socket, as the tests' user over TCP."""
        tcp = (f"--host={self.host}", f"--port={self.port}", f"--user={self.login.user}")
        local = (f"--socket={self.socket}", "--user=root")
        return [
            *(_program("mariadb"), "--no-defaults"),
            *((*tcp, f"--password={self.login.password}") if over_tcp else local),
            *("--default-character-set=utf8mb4", *options, *filter(None, [database])),
        ]

    def connection(self, database: str, *, over_socket: bool = False) -> dict[str, Any]:
        """A connection as `osiris_connections.yaml` writes it, the password in plain text."""
        place = {"socket": self.socket} if over_socket else {"host": self.host, "port": self.port}
        login = {"user": self.login.user, "password": self.login.password}
        return {**place, "database": database, **login}

    @contextlib.contextmanager
    def _root(self, database: str | None) -> Iterator["pymysql.Connection[Any]"]:
        connection = pymysql.connect(
            unix_socket=self.socket,
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            max_allowed_packet=256 << 20,
            ssl_disabled=True,  # making a TLS context takes longer than all the rest
        )
        with connection:
            yield connection

    def server_program(self) -> list[str]:
        """The server's program and the options that must come first."""
        return [_program("mariadbd"), "--no-defaults"]

    def install_command(self) -> list[str]:
        """The command that makes the data directory."""
        return [
            *(_program("mariadb-install-db"), "--no-defaults"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
            # Without --force it insists on a host name that resolves.
            *("--force", "--innodb-log-file-size=16M", "--innodb-flush-method=nosync"),
        ]

    def _install(self) -> None:
        command = [
            *self.install_command(),
            f"--datadir={self.data}",
            # Two servers in one temporary directory remove each other's tables.
            f"--tmpdir={self.directory}",
            *_user_option(),
        ]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            message = f"{command[0]} failed:\n{done.stdout}{done.stderr}"
            raise MariaDBError(message)

    def _file_options(self) -> list[str]:
        files = self.certificates
        return [
            *_user_option(),
            f"--datadir={self.data}",
            f"--pid-file={self.directory / 'pid'}",
            f"--port={self.port}",
            f"--socket={self.socket}",
            f"--tmpdir={self.directory}",
            *(f"--ssl-ca={files.ca}", f"--ssl-cert={files.cert}", f"--ssl-key={files.key}"),
        ]

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.pid is not None:
            if self.listens():
                self.execute("SELECT 1")
                return
            time.sleep(0.02)
        self.kill()
        tail = self.log.read_text(errors="replace")[-4000:]
        message = f"MariaDB did not start on port {self.port}:\n{tail}"
        raise MariaDBError(message)

    def _create_login(self) -> None:
        user, password = pymysql.converters.escape_string(self.login.user), self.login.password
        quoted = pymysql.converters.escape_string(password)
        self.execute(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{quoted}'")
        self.execute(f"GRANT ALL PRIVILEGES ON *.* TO '{user}'@'%' WITH GRANT OPTION")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program(name: str) -> str:
    path = find_program(name)
    if path is None:
        message = f"{name} is not installed"
        raise MariaDBError(message)
    return path


def _user_option() -> list[str]:
    # As root the server must be told to stay root: the kernel forgets the death signal of a
    # process that changes its user.
    return ["--user=root"] if os.geteuid() == 0 else []
