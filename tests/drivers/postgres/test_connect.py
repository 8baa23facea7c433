"""Connecting: every way in, and for everything that can be wrong its own word and its own kind."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    AuthenticationError,
    CancelledError,
    ConfigError,
    ConnectTimeoutError,
    MissingRightError,
    StepError,
    TlsError,
    TransientStepError,
    UnknownDatabaseError,
)
from osiris.drivers.postgres.connect import connect
from osiris.drivers.postgres.wire.session import rows
from osiris.drivers.postgres.wire.start_up import open_wire
from tests.support.certificates import make_certificates
from tests.support.listening import listening
from tests.support.postgres import PostgresDatabase, PostgresServer

LONG = 30.0


def _settings(server: PostgresServer, **more: Any) -> PostgresConnection:
    return PostgresConnection.model_validate({**server.connection("postgres"), **more})


def _scalar(settings: PostgresConnection, statement: str, base_dir: Path = Path()) -> Any:
    """Give what a statement returns over psycopg, after asking the same over our own socket."""
    with connect(settings, base_dir=base_dir, cancelled=CancelToken()) as connection:
        row = connection.execute(statement.encode()).fetchone()
    receiver = open_wire(settings, base_dir=base_dir, cancelled=CancelToken())
    ((ours,),) = rows(receiver, statement)
    receiver.wire.close()
    assert row is not None
    assert ours == {True: "t", False: "f"}.get(row[0], row[0])
    return row[0]


def _failure(settings: PostgresConnection, base_dir: Path = Path()) -> StepError:
    """Give psycopg's error; over our own socket it must be of the same kind and as clear."""
    with pytest.raises(StepError) as caught:
        connect(settings, base_dir=base_dir, cancelled=CancelToken())
    with pytest.raises(StepError) as ours:
        open_wire(settings, base_dir=base_dir, cancelled=CancelToken())
    assert type(ours.value) is type(caught.value), (ours.value, caught.value)
    assert caught.value.hint
    assert ours.value.hint
    said = f"{caught.value.message} | {ours.value.message}"
    caught.value.message, caught.value.args = said, (said,)
    return caught.value


def _both(error: StepError, text: str) -> bool:
    """Tell whether both errors of `_failure` hold a text."""
    return all(text in said for said in error.message.split(" | "))


SSL = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.mark.parametrize("over_socket", [False, True])
def test_every_way_in(pg: PostgresDatabase, over_socket: bool) -> None:
    settings = PostgresConnection.model_validate(pg.connection(over_socket=over_socket))
    who = _scalar(settings, "SELECT session_user || '@' || current_database()")
    assert who == f"osiris@{pg.name}"
    assert _scalar(settings, "SHOW application_name") == "osiris"
    assert _scalar(settings, SSL) is (not over_socket)


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required"])
def test_tls_without_verification(postgres: PostgresServer, mode: str) -> None:
    assert _scalar(_settings(postgres, tls={"mode": mode}), SSL) is (mode != "disabled")


@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_tls_with_verification(postgres: PostgresServer, mode: str, tmp_path: Path) -> None:
    ca = postgres.certificates.ca
    relative = _settings(postgres, tls={"mode": mode, "ca": ca.name})
    assert _scalar(relative, SSL, ca.parent) is True
    assert _both(_failure(relative, tmp_path), "ca.pem): No such file")
    stranger = make_certificates(tmp_path).ca
    for tls in ({"mode": mode, "ca": str(stranger)}, {"mode": mode}):
        failed = _failure(_settings(postgres, tls=tls))
        assert isinstance(failed, TlsError)
        assert "SSL error: " in failed.message


@pytest.mark.parametrize("encryption, user", [("md5", "md5_only"), ("scram-sha-256", "clear_only")])
@pytest.mark.parametrize("password", ["plain", "pä ss\u00a0\uff57örd\u00ad", "\u0007 bell"])
def test_every_way_to_show_the_password(
    postgres: PostgresServer, encryption: str, user: str, password: str
) -> None:
    """What SASLprep changes in a password, or does not allow, is the same on both sides."""
    for name in (user, "prepared"):
        postgres.execute(f"DROP ROLE IF EXISTS {name}")
        postgres.execute(
            f"SET password_encryption = '{encryption if name == user else 'scram-sha-256'}';"
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}'"
        )
        given = _settings(postgres, user=name, password=password)
        assert _scalar(given, "SELECT current_user::text") == name
        wrong = _failure(_settings(postgres, user=name, password=password + "x"))
        assert type(wrong) is AuthenticationError
        postgres.execute(f"DROP ROLE {name}")


def test_a_certificate_for_another_host(postgres: PostgresServer) -> None:
    ca = str(postgres.certificates.ca)
    tls = {"mode": "verify_identity", "ca": ca}
    name = socket.gethostname()
    with contextlib.suppress(socket.gaierror):
        if socket.gethostbyname(name).startswith("127."):
            failed = _failure(_settings(postgres, host=name, tls=tls))
            assert "does not match host name" in failed.message
            assert "Hostname mismatch" in failed.message
    assert _scalar(_settings(postgres, host="localhost", tls=tls), SSL) is True


def test_a_certificate_of_the_client(postgres: PostgresServer, tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    tls = {"mode": "required", "cert": "server.pem", "key": "server.key"}
    settings = _settings(postgres, tls=tls)
    assert type(_failure(settings, files.cert.parent)) is TlsError  # signed by a stranger
    assert _scalar(settings, SSL, postgres.directory) is True
    own = postgres.certificates
    both = tmp_path / "both.pem"
    both.write_bytes(own.cert.read_bytes() + own.key.read_bytes())
    both.chmod(0o600)
    tls = {"mode": "verify_ca", "ca": str(own.ca), "cert": "both.pem"}
    assert _scalar(_settings(postgres, tls=tls), SSL, tmp_path) is True


def test_nothing_of_the_environment_changes_the_connection(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".pgpass").write_text(f"*:*:*:*:{postgres.login.password}\n")
    (tmp_path / ".pgpass").chmod(0o600)
    (tmp_path / ".postgresql").mkdir()
    ca = make_certificates(tmp_path / ".postgresql").ca
    ca.rename(tmp_path / ".postgresql" / "root.crt")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in {
        "PGHOST": "nowhere.invalid",
        "PGHOSTADDR": "127.0.0.9",
        "PGPORT": "1",
        "PGOPTIONS": "-c search_path=pg_temp",
        "PGSSLMODE": "disable",
        "PGPASSWORD": postgres.login.password,
        "PGAPPNAME": "other",
        "PGCLIENTENCODING": "LATIN1",
    }.items():
        monkeypatch.setenv(name, value)
    settings = _settings(postgres, tls={"mode": "required"})
    assert _scalar(settings, "SHOW search_path") == '"$user", public'
    assert _scalar(settings, "SHOW client_encoding") == "UTF8"
    assert _scalar(settings, SSL) is True
    failed = _failure(_settings(postgres, password=None))
    assert isinstance(failed, AuthenticationError)
    assert _both(failed, "asks for a password")


def test_options_are_settings_of_the_server(postgres: PostgresServer) -> None:
    options = {"search_path": 'a\\b, "c  d"', "statement_timeout": 1234, "jit": True}
    settings = _settings(postgres, options=options)
    assert _scalar(settings, "SHOW search_path") == 'a\\b, "c  d"'
    assert _scalar(settings, "SHOW statement_timeout") == "1234ms"
    assert _scalar(settings, "SHOW jit") == "on"
    failed = _failure(_settings(postgres, options={"nono": 1}))
    assert isinstance(failed, ConfigError)
    assert _both(failed, "SQLSTATE 42704")
    assert "options" in (failed.hint or "")
    assert "cannot have" in _failure(_settings(postgres, options={"work_mem": "x"})).message


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"options": {"a b": 1}}, "not the name of a setting"),
        ({"options": {"a": "x\0"}}, "NUL"),
        ({"socket": "/tmp", "host": "localhost"}, "instead of host"),
        ({"socket": "tmp"}, "pattern"),
        ({"socket": "/tmp", "tls": {"mode": "required"}}, "no TLS on a Unix socket"),
        ({"tls": {"ca": "x"}}, "not looked at"),
        ({"tls": {"cert": "x"}}, "not sent"),
        ({"tls": {"mode": "required", "key": "x"}}, "set cert as well"),
        ({"tls": {"mode": "verify_ca", "ca": "a\0b"}}, "pattern"),
        ({"user": "a\0b"}, "pattern"),
    ],
)
def test_settings_that_do_not_go_together(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PostgresConnection.model_validate({"user": "u", "database": "d", **wrong})


def test_the_address_for_the_sandbox() -> None:
    given = {"user": "u", "database": "d"}
    assert PostgresConnection.model_validate(given).hosts() == (("localhost", 5432),)
    assert PostgresConnection.model_validate({**given, "socket": "/run"}).hosts() == ()


# --- what can be wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("over_socket", [False, True])
def test_who_may_not_log_in(postgres: PostgresServer, over_socket: bool) -> None:
    given = postgres.connection("postgres", over_socket=over_socket)
    for wrong in ({"password": "wrong"}, {"user": "stranger"}):
        failed = _failure(PostgresConnection.model_validate({**given, **wrong}))
        assert type(failed) is AuthenticationError
        assert _both(failed, "SQLSTATE 28P01")


def test_a_database_that_is_not_there_or_not_for_this_user(pg: PostgresDatabase) -> None:
    missing = _failure(_settings(pg.server, database="nono"))
    assert type(missing) is UnknownDatabaseError
    assert _both(missing, 'database "nono" does not exist')
    pg.execute(f"REVOKE CONNECT ON DATABASE {pg.name} FROM PUBLIC")
    tls = {"mode": "required"}
    other = _failure(_settings(pg.server, database=pg.name, user="tls_only", tls=tls))
    assert type(other) is MissingRightError
    assert _both(other, "permission denied for database")


def test_a_server_that_wants_tls(postgres: PostgresServer) -> None:
    failed = _failure(_settings(postgres, user="tls_only", tls={"mode": "disabled"}))
    assert type(failed) is TlsError
    assert "tls.mode: required" in (failed.hint or "")


def test_a_server_that_is_full(pg: PostgresDatabase) -> None:
    pg.execute(f"ALTER DATABASE {pg.name} CONNECTION LIMIT 0")
    tls = {"mode": "required"}
    failed = _failure(_settings(pg.server, database=pg.name, user="tls_only", tls=tls))
    assert type(failed) is TransientStepError
    assert _both(failed, "SQLSTATE 53300")


def test_nobody_there(postgres: PostgresServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = _failure(_settings(postgres, port=port))
    assert type(refused) is TransientStepError
    assert _both(refused, "connection refused")
    given = {**postgres.connection("postgres", over_socket=True), "socket": str(tmp_path)}
    no_socket = _failure(PostgresConnection.model_validate(given))
    assert type(no_socket) is ConfigError
    assert _both(no_socket, "No such file")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 80])
def test_no_such_host(postgres: PostgresServer, host: str) -> None:
    failed = _failure(_settings(postgres, host=host))
    assert _both(failed, "host")
    assert isinstance(failed, ConfigError | TransientStepError)  # without a network: EAI_AGAIN


def _offers_no_tls(channel: socket.socket) -> None:
    channel.recv(8)
    channel.sendall(b"N")
    channel.recv(100)


def test_required_tls_that_the_server_does_not_offer(postgres: PostgresServer) -> None:
    with listening(_offers_no_tls) as port:
        failed = _failure(_settings(postgres, port=port, tls={"mode": "required"}))
    assert type(failed) is TlsError
    assert _both(failed, "does not support SSL")


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required"])
@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"Jz\0\0\x0a5.5.5-10"])
def test_something_else_listens(postgres: PostgresServer, mode: str, says: bytes) -> None:
    def answer(channel: socket.socket) -> None:
        channel.recv(8)
        channel.sendall(says)
        channel.recv(100)

    with listening(answer) as port:
        failed = _failure(_settings(postgres, port=port, tls={"mode": mode}, connect_timeout=LONG))
    assert type(failed) is ConfigError
    assert _both(failed, "does not speak the PostgreSQL protocol")


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required"])
def test_a_server_that_hangs_up(postgres: PostgresServer, mode: str) -> None:
    def answer(channel: socket.socket) -> None:
        channel.recv(8)

    with listening(answer) as port:
        failed = _failure(_settings(postgres, port=port, tls={"mode": mode}, connect_timeout=LONG))
    assert type(failed) is TransientStepError


def _silence(channel: socket.socket) -> None:
    while channel.recv(100):
        pass


def test_a_server_that_says_nothing(postgres: PostgresServer) -> None:
    with listening(_silence) as port:
        failed = _failure(_settings(postgres, port=port, connect_timeout=0.3))
    assert type(failed) is ConnectTimeoutError
    assert _both(failed, "did not answer within 0.3 s")


@pytest.mark.parametrize("opener", [connect, open_wire])
def test_a_log_in_that_is_cancelled(
    postgres: PostgresServer, opener: Callable[..., object]
) -> None:
    token = CancelToken()
    with listening(_silence) as port:
        timer = threading.Timer(0.2, token.cancel)
        timer.start()
        before = time.monotonic()
        with pytest.raises(CancelledError):
            opener(_settings(postgres, port=port, connect_timeout=600), cancelled=token)
        assert time.monotonic() - before < LONG
        timer.join()
    with pytest.raises(CancelledError):
        opener(_settings(postgres), cancelled=token)


def test_no_descriptor_is_left_open(postgres: PostgresServer) -> None:
    def many() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path would open one of its own

    with listening(_offers_no_tls) as port:
        before = many()
        for _ in range(5):
            _failure(_settings(postgres, password="wrong"))
            _failure(_settings(postgres, port=port, tls={"mode": "required"}))
        deadline = time.monotonic() + LONG
        while many() > before:  # the end that answers is closed by a thread of this process
            assert time.monotonic() < deadline
            time.sleep(0.01)
