"""Connecting: every way in, and for everything that can be wrong its own word and its own kind."""

import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    AuthenticationError,
    CancelledError,
    ConfigError,
    StepError,
    TransientStepError,
)
from tests.conftest import Database
from tests.support.certificates import make_certificates
from tests.support.mariadb import MariaDBServer, free_port
from tests.support.mysql_loopback import LoopbackServer, Script, binary_row, error
from tests.support.mysql_reading import NO_TLS, read, rows, settings

WORD = [(1, "a")]
SCRIPT_ROWS = (binary_row(1, b"a"),)


def _loopback(server: LoopbackServer, **more: Any) -> MySQLConnection:
    given = {"host": "127.0.0.1", "port": server.port, "user": "u", "password": "secret"}
    return MySQLConnection.model_validate({"tls": NO_TLS, **given, **more})


def _changed(connection: MySQLConnection, **update: Any) -> MySQLConnection:
    return connection.model_copy(update=update)


def _error(connection: MySQLConnection, sql: str = "SELECT 1") -> StepError:
    with pytest.raises(StepError) as caught:
        read(connection, sql)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("way", ["tcp", "socket", "tls"])
def test_every_way_in(database: Database, way: str) -> None:
    sql = "SELECT USER() LIKE 'osiris@%' AS u, DATABASE() AS d"
    ((user, name),) = rows(read(settings(database, way), sql))
    ((_, tls),) = rows(read(settings(database, way), "SHOW SESSION STATUS LIKE 'Ssl_version'"))
    assert (user, name) == (1, database.name)
    assert tls.startswith("TLS") == (way == "tls")


@pytest.mark.parametrize(
    "mode, encrypted", [("disabled", False), ("preferred", True), ("required", True)]
)
def test_tls_without_verification(database: Database, mode: str, encrypted: bool) -> None:
    connection = MySQLConnection.model_validate({**database.connection(), "tls": {"mode": mode}})
    sql = "SHOW STATUS LIKE 'Ssl_version'"
    ((_, version),) = rows(read(connection, sql))
    assert bool(version) == encrypted


def test_tls_over_the_socket_only_when_asked_for(database: Database) -> None:
    sql = "SHOW STATUS LIKE 'Ssl_version'"
    given = database.connection(over_socket=True)
    ca = str(database.server.certificates.ca)
    for tls, encrypted in (({}, False), ({"mode": "verify_ca", "ca": ca}, True)):
        connection = MySQLConnection.model_validate({**given, "tls": tls})
        assert bool(rows(read(connection, sql))[0][1]) == encrypted


def test_a_relative_ca_is_found_from_the_base_directory(database: Database) -> None:
    ca = database.server.certificates.ca
    given = {**database.connection(), "tls": {"mode": "verify_ca", "ca": ca.name}}
    connection = MySQLConnection.model_validate(given)
    assert rows(read(connection, "SELECT 1 AS a", base_dir=ca.parent)) == [(1,)]
    with pytest.raises(ConfigError, match=r"cannot use tls.ca \(ca.pem\): No such file"):
        read(connection, "SELECT 1", base_dir=ca.parent / "elsewhere")


def test_a_certificate_of_the_client(database: Database, tmp_path: Path) -> None:
    files = database.server.certificates
    database.script("DROP USER IF EXISTS certified; CREATE USER certified REQUIRE X509")
    database.execute("GRANT SELECT ON *.* TO certified@'%'")
    given = {**database.connection(), "user": "certified", "password": None}
    tls = {"mode": "verify_ca", "ca": str(files.ca)}
    assert isinstance(_error(MySQLConnection.model_validate({**given, "tls": tls})), ConfigError)
    ours = {**tls, "cert": str(files.cert), "key": str(files.key)}
    connection = MySQLConnection.model_validate({**given, "tls": ours})
    assert rows(read(connection, "SELECT 1 AS a")) == [(1,)]
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    given["tls"] = {**ours, "cert": str(broken)}
    assert "cannot use tls.cert" in _error(MySQLConnection.model_validate(given)).message


def test_a_server_that_cannot_prove_itself(database: Database, tmp_path: Path) -> None:
    stranger = make_certificates(tmp_path).ca
    given = database.connection()
    for tls in ({"mode": "verify_ca", "ca": str(stranger)}, {"mode": "verify_identity"}):
        failed = _error(MySQLConnection.model_validate({**given, "tls": tls}))
        assert isinstance(failed, ConfigError)
        assert "TLS with MySQL at 127.0.0.1" in failed.message
        assert "certificate" in (failed.hint or "")


def test_required_tls_that_the_server_does_not_offer() -> None:
    with LoopbackServer(Script(rows=SCRIPT_ROWS)) as server:
        failed = _error(_loopback(server, tls={"mode": "required"}))
        assert isinstance(failed, ConfigError)
        assert "does not offer TLS" in failed.message
        assert rows(read(_loopback(server, tls={"mode": "preferred"}), "SELECT 1")) == WORD


# --- ways to log in ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server_tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    files = make_certificates(tmp_path_factory.mktemp("certificates"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    return context


def test_a_server_that_proves_to_be_another(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)  # for localhost and 127.0.0.1
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    with LoopbackServer(Script(rows=SCRIPT_ROWS), tls=context, host="127.0.0.2") as server:
        tls = {"mode": "verify_identity", "ca": str(files.ca)}
        failed = _error(_loopback(server, host="127.0.0.2", tls=tls))
        assert isinstance(failed, ConfigError)
        assert "127.0.0.2" in failed.message.removeprefix("TLS with MySQL at 127.0.0.2")
        tls["mode"] = "verify_ca"
        assert rows(read(_loopback(server, host="127.0.0.2", tls=tls), "SELECT 1")) == WORD


@pytest.mark.parametrize("login", ["native", "sha2 fast", "sha2 full", "switch"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_ways_to_log_in(login: str, encrypted: bool, server_tls: ssl.SSLContext) -> None:
    script = Script(login=login, rows=SCRIPT_ROWS)
    with LoopbackServer(script, "pässwörd😀".encode(), server_tls if encrypted else None) as server:
        connection = _loopback(server, password="pässwörd😀", tls={"mode": "preferred"})
        assert rows(read(connection, "SELECT 1")) == WORD
        if login != "native":
            refused = _error(_changed(connection, password=SecretStr("wrong")))
            assert isinstance(refused, ConfigError)
            assert "refuses user and password: Access denied for user 'u'" in refused.message


def test_a_password_in_clear_text_goes_through_tls_only(server_tls: ssl.SSLContext) -> None:
    script = Script(login="clear", rows=SCRIPT_ROWS)
    with LoopbackServer(script, tls=server_tls) as server:
        assert rows(read(_loopback(server, tls={"mode": "required"}), "SELECT 1")) == WORD
        refused = _error(_loopback(server))
        assert isinstance(refused, ConfigError)
        assert "clear text" in refused.message
        assert "tls.mode: required" in (refused.hint or "")


def test_no_password(database: Database) -> None:
    database.script("DROP USER IF EXISTS nobody; CREATE USER nobody")
    database.execute("GRANT SELECT ON *.* TO nobody@'%'")
    connection = MySQLConnection.model_validate(
        {**database.connection(), "user": "nobody", "password": None}
    )
    assert rows(read(connection, "SELECT 1 AS a")) == [(1,)]


# --- what can be wrong ------------------------------------------------------------------------


def test_wrong_password(database: Database) -> None:
    failed = _error(_changed(settings(database), password=SecretStr("wrong-secret")))
    assert isinstance(failed, ConfigError)
    assert "refuses user and password" in failed.message
    assert "(MySQL error 1045 at 127.0.0.1:" in failed.message
    assert "wrong-secret" not in f"{failed.message}{failed.hint}"


def test_unknown_database(database: Database) -> None:
    failed = _error(_changed(settings(database), database="nosuch"))
    assert isinstance(failed, ConfigError)
    assert "no such database: Unknown database 'nosuch'" in failed.message


def test_a_database_the_user_may_not_use(database: Database) -> None:
    database.script("DROP USER IF EXISTS poor; CREATE USER poor IDENTIFIED BY 'x'")
    failed = _error(_changed(settings(database), user="poor", password=SecretStr("x")))
    assert isinstance(failed, ConfigError)
    assert "may not use this database" in failed.message


def test_refused() -> None:
    port = free_port()
    failed = _error(MySQLConnection(host="127.0.0.1", port=port, user="u"))
    assert isinstance(failed, TransientStepError)
    assert failed.message == f"nothing listens at 127.0.0.1:{port} (connection refused)"


def test_unknown_host() -> None:
    failed = _error(MySQLConnection(host="nosuch.invalid", user="u"))
    assert "nosuch.invalid:3306" in failed.message
    # A machine without a name service can only say that it knows nothing at this moment.
    name_service = "no host" if isinstance(failed, ConfigError) else "name service does not answer"
    assert name_service in failed.message


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    failed = _error(MySQLConnection(socket=str(tmp_path / "none.sock"), user="u"))
    assert isinstance(failed, ConfigError)
    assert "none.sock: No such file" in failed.message
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    assert isinstance(_error(MySQLConnection(socket=str(dead), user="u")), TransientStepError)
    (tmp_path / "file").touch()
    assert isinstance(
        _error(MySQLConnection(socket=str(tmp_path / "file"), user="u")), TransientStepError
    )


@pytest.mark.parametrize("mode", ["disabled", "required"])
def test_a_server_that_says_nothing(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connection = MySQLConnection.model_validate(
            {
                "host": "127.0.0.1",
                "port": port,
                "user": "u",
                "connect_timeout": 0.3,
                "tls": {"mode": mode},
            }
        )
        began = time.monotonic()
        failed = _error(connection)
        assert time.monotonic() - began < 60
        assert isinstance(failed, TransientStepError)
        assert failed.message == f"MySQL at 127.0.0.1:{port} did not answer within 0.3 s"


def test_something_that_is_not_mysql() -> None:
    with LoopbackServer(Script(greeting=b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")) as server:
        failed = _error(_loopback(server))
    assert "does not speak the MySQL protocol" in failed.message
    assert isinstance(failed, ConfigError)


def test_too_many_connections(tmp_path: Path) -> None:
    options = ["--max-connections=10", "--connect-timeout=100"]
    with (
        MariaDBServer(tmp_path / "m", options=options) as server,
        contextlib.ExitStack() as holders,
    ):
        for _ in range(2):  # the second time those that were about to leave are gone
            for _ in range(12):
                holder = socket.create_connection((server.host, server.port))
                holders.enter_context(holder).recv(1)  # its greeting, or that there is no place
            time.sleep(0.3)
        given = {**server.connection("mysql"), "tls": NO_TLS}
        failed = _error(MySQLConnection.model_validate(given))
    assert isinstance(failed, TransientStepError)
    assert "too many connections" in failed.message


@pytest.mark.parametrize(
    "number, state, kind",
    [
        (1040, "08004", TransientStepError),
        (1130, "HY000", AuthenticationError),
        (1129, "HY000", ConfigError),
        (3118, "HY000", AuthenticationError),
        (4242, "08001", TransientStepError),
        (4242, "28000", AuthenticationError),
    ],
)
def test_errors_instead_of_a_greeting(number: int, state: str, kind: type[StepError]) -> None:
    payload = error(number, state, "so it is")
    greeting = len(payload).to_bytes(3, "little") + b"\0" + payload
    with LoopbackServer(Script(greeting=greeting)) as server:
        failed = _error(_loopback(server))
    assert type(failed) is kind
    assert f": so it is (MySQL error {number} at 127.0.0.1:" in failed.message


def test_cancelling_wakes_a_connection_that_waits_for_the_greeting() -> None:
    token = CancelToken()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connection = MySQLConnection.model_validate(
            {
                "host": "127.0.0.1",
                "port": port,
                "user": "u",
                "tls": NO_TLS,
                "connect_timeout": 600,
            }
        )
        timer = threading.Timer(0.2, token.cancel, [CancelledError("stop it")])
        timer.start()
        began = time.monotonic()
        with pytest.raises(CancelledError, match="stop it"):
            read(connection, "SELECT 1", cancelled=token)
        assert time.monotonic() - began < 60
        timer.join()
