"""A private PostgreSQL: its own data directory, a free port, gone when its parent is gone."""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.certificates import Certificates, make_certificates
from tests.support.debian import ensure_programs, find_program

_PACKAGES = {
    "initdb": "postgresql",
    "postgres": "postgresql",
    "psql": "postgresql-client",
    "setpriv": "util-linux",
}
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_IN_THE_MAKING_SECONDS = 60.0
_PREFIX = "osiris-pg-"
_ADMIN = "postgres"
_FIFTEEN = 150_000

# Nothing here survives the tests, so nothing need be durable.
_SETTINGS = {
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "max_wal_senders": "0",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
# Whoever is on this machine's socket is the administrator; over TCP everybody has a password.
_WHO_MAY_COME = f"""\
local all {_ADMIN} trust
local all all scram-sha-256
hostssl all tls_only 127.0.0.1/32 scram-sha-256
host all tls_only 127.0.0.1/32 reject
host all md5_only 127.0.0.1/32 md5
host all clear_only 127.0.0.1/32 password
host all all 127.0.0.1/32 scram-sha-256
"""


class PostgresError(RuntimeError):
    """The server did not start; the message carries the end of its log."""


@dataclass(frozen=True)
class Login:
    """A superuser that may connect over TCP, over the socket and over TLS."""

    user: str = "osiris"
    password: str = "s3cret-Pa$$'w\"rd"


class PostgresServer:
    """One PostgreSQL server and its files in one directory of its own below the system's /tmp.

    `start`, `stop`, `kill` and `restart` may be called in any sensible order; the data and the
    port stay the same. As a context manager it starts on entry; on exit everything is removed.
    PostgreSQL refuses to run as root: then it runs as another user of the system, which is why
    its directory cannot lie below pytest's.

    Besides `login` there is `tls_only`, with the same password, who must come with TLS. Users named
    `md5_only` and `clear_only`, once made, log in with MD5 and with the password in clear.

    Args:
        settings: more settings of postgresql.conf, such as {"max_connections": "5"}.
    """

    host = "127.0.0.1"

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        ensure_programs(_PACKAGES)
        self._owner = _owner()
        self.directory = _make_directory()
        self._lock = _locked(self.directory)
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.socket = str(self.directory)
        self.port = _free_port()
        self.login = Login()
        self.certificates: Certificates = make_certificates(self.directory)
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        for path in (self.directory, *self.directory.iterdir()):
            if self._owner is not None:
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory)
        self._lock.close()

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
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._as_owner(_program("postgres"), "-D", str(self.data)),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers()
        if fresh:
            self._create_logins()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Shut the server down: SIGINT cuts off who is connected, SIGQUIT does not even write."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server and what serves its connections, as a power cut would (SIGKILL)."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            serving = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            for process in serving:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(serving, _STOP_SECONDS)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop the server where it runs, and start it again on the same data and port."""
        self.stop()
        self.start()

    def listens(self) -> bool:
        """Whether somebody accepts connections on the server's socket at this moment."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"{self.socket}/.s.PGSQL.{self.port}") == 0

    def admin(self, database: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection of the administrator, each statement its own transaction."""
        return psycopg.connect(
            host=self.socket, port=self.port, user=_ADMIN, dbname=database, autocommit=True
        )

    def execute(
        self, statement: str, database: str = "postgres", parameters: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run SQL as the administrator and give the rows of it as psycopg makes them.

        Without parameters it may be many statements; the rows are then those of the last.
        """
        with self.admin(database) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        with self.admin() as connection:
            # Quicker than by the log where nothing is synchronised; the only way before 15.
            how = " STRATEGY FILE_COPY" if connection.info.server_version >= _FIFTEEN else ""
            connection.execute(f"CREATE DATABASE {quoted(name)}{how}".encode())

    def drop_database(self, name: str) -> None:
        """Remove a database and cut off who is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")

    def connection(self, database: str, *, over_socket: bool = False) -> dict[str, Any]:
        """A connection as `osiris_connections.yaml` writes it, the password in plain text."""
        place = {"socket": self.socket} if over_socket else {"host": self.host}
        login = {"user": self.login.user, "password": self.login.password}
        return {**place, "port": self.port, "database": database, **login}

    def psql_command(self, database: str, *options: str) -> list[str]:
        """The command line of `psql`, as the tests' user over TCP without TLS."""
        where = make_conninfo(
            host=self.host,
            port=self.port,
            dbname=database,
            user=self.login.user,
            password=self.login.password,
            sslmode="disable",
        )
        return [_program("psql"), "--no-psqlrc", *options, where]

    def _as_owner(self, *command: str) -> list[str]:
        # The kernel kills the server when the thread that started it ends, however it ends. It
        # forgets that at a change of user, so the user is changed first.
        deadly = [_program("setpriv"), "--pdeathsig", "KILL", *command]
        if self._owner is None:
            return deadly
        user = (f"--reuid={self._owner.pw_uid}", f"--regid={self._owner.pw_gid}")
        return [_program("setpriv"), *user, "--clear-groups", *deadly]

    def _install(self) -> None:
        done = subprocess.run(
            self._as_owner(
                *(_program("initdb"), f"--pgdata={self.data}", f"--username={_ADMIN}"),
                *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"initdb failed:\n{done.stdout}{done.stderr}"
            raise PostgresError(message)
        (self.data / "pg_hba.conf").write_text(_WHO_MAY_COME)
        files = self.certificates
        settings = {
            **self._settings,
            "port": str(self.port),
            "unix_socket_directories": self.socket,
            "ssl": "on",
            "ssl_cert_file": str(files.cert),
            "ssl_key_file": str(files.key),
            "ssl_ca_file": str(files.ca),
        }
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(lines)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.pid is not None:
            # The socket is there before the database is: it may still be recovering.
            with contextlib.suppress(psycopg.OperationalError):
                self.execute("SELECT 1")
                return
            time.sleep(0.02)
        self.kill()
        tail = self.log.read_text(errors="replace")[-4000:]
        message = f"PostgreSQL did not start on port {self.port}:\n{tail}"
        raise PostgresError(message)

    def _create_logins(self) -> None:
        with self.admin() as connection:
            for user, rights in ((self.login.user, "SUPERUSER"), ("tls_only", "")):
                statement = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(
                    sql.Identifier(user), sql.SQL(rights), self.login.password
                )
                connection.execute(statement)


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _owner() -> pwd.struct_passwd | None:
    """Return who is to run the server: PostgreSQL's own user or nobody; None: who runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    message = "PostgreSQL does not run as root, and there is no user postgres or nobody"
    raise PostgresError(message)


def _make_directory() -> Path:
    """Make a directory, and remove those of servers whose parent was killed."""
    top = Path(tempfile.gettempdir())
    for old in top.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _IN_THE_MAKING_SECONDS:
                with _locked(old):
                    shutil.rmtree(old)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=top))


def _locked(directory: Path) -> IO[bytes]:
    """Open a file that says the directory is in use; raises `OSError` when it is."""
    lock = (directory / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program(name: str) -> str:
    path = find_program(name)
    if path is None:
        message = f"{name} is not installed"
        raise PostgresError(message)
    return path


@dataclass(frozen=True)
class PostgresDatabase:
    """An empty database on the tests' server."""

    server: PostgresServer
    name: str

    def execute(
        self, statement: str, parameters: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run SQL in this database as the administrator; see `PostgresServer.execute`."""
        return self.server.execute(statement, self.name, parameters)

    def connection(self, *, over_socket: bool = False) -> dict[str, Any]:
        """How to connect, as `osiris_connections.yaml` writes it, the password in plain text."""
        return self.server.connection(self.name, over_socket=over_socket)

    @contextlib.contextmanager
    def admin(self) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
        """Connect as the administrator, each statement its own transaction."""
        with self.server.admin(self.name) as connection:
            yield connection
