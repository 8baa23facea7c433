"""`osiris connections doctor`: each cause made real, told apart, with what to do about it."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import Osiris
from tests.conftest import Database
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresDatabase
from tests.support.slow_relay import slow_relay
from tests.support.waiting import wait_for

CAUSES = {
    "works": "ok",
    "dns": "unknown_host",
    "closed": "refused",
    "silent": "timeout",
    "no-tls": "tls",
    "password": "authentication",
    "database": "unknown_database",
    "rights": "missing_right",
    "late": "slow",
}
WORDS = {
    "dns": "'nowhere.invalid' cannot be resolved",
    "closed": "connection refused",
    "silent": "did not answer within 0.5 s",
    "no-tls": "TLS",
    "password": "refuses user and password",
    "database": "there is no such database",
    "rights": "the user may not use this database",
}
_LATE_SECONDS = 0.7


def _connections(
    works: dict[str, Any], plain_port: int, late_port: int, silent_port: int, poor: str
) -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    return {
        "works": works,
        "dns": {**works, "host": "nowhere.invalid"},
        "closed": {**works, "port": closed},
        "silent": {**works, "port": silent_port, "connect_timeout": 0.5},
        "no-tls": {**works, "port": plain_port, "tls": {"mode": "required"}},
        "password": {**works, "password": "${WRONG}"},
        "database": {**works, "database": "nowhere"},
        "rights": {**works, "user": poor},
        "late": {**works, "port": late_port, "connect_timeout": 30},
    }


def _told_apart(osiris: Osiris, family: str, aliases: dict[str, Any], password: str) -> None:
    text = yaml.safe_dump({"connections": {family: aliases}})
    (osiris.cwd / "osiris_connections.yaml").write_text(text)
    osiris = Osiris(osiris.cwd, {"PASSWORD": password, "WRONG": "wr0ng-canary"})
    done = osiris("connections", "doctor", "--json")
    assert "wr0ng-canary" not in done.out + done.err
    found = {trial["ref"].partition(".")[2]: trial for trial in done.document["connections"]}
    assert {alias: trial["state"] for alias, trial in found.items()} == CAUSES
    for alias, words in WORDS.items():
        assert words in found[alias]["error"]["message"], found[alias]
        assert found[alias]["error"]["hint"]
    assert found["late"]["ok"] is True
    assert found["late"]["seconds"] >= 2 * _LATE_SECONDS
    assert done.code == 1
    fine = osiris("connections", "doctor", f"@{family}.works", f"@{family}.late")
    assert fine.code == 0, fine.out


@pytest.fixture
def silent_port() -> Iterator[int]:
    """The port of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def without_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A MariaDB that has TLS turned off."""
    directory: Path = tmp_path_factory.mktemp("plain")
    with MariaDBServer(directory, options=["--skip-ssl"]) as server:
        yield server


def test_mysql(
    osiris: Osiris, database: Database, without_tls: MariaDBServer, silent_port: int
) -> None:
    works = database.connection()
    password = works.pop("password")
    works["password"] = "${PASSWORD}"
    quoted = password.replace("'", "''")
    database.execute(f"CREATE USER {database.name}_poor IDENTIFIED BY '{quoted}'")
    with slow_relay(database.server.port, _LATE_SECONDS) as late:
        aliases = _connections(works, without_tls.port, late, silent_port, f"{database.name}_poor")
        _told_apart(osiris, "mysql", aliases, password)


@pytest.fixture
def pg_without_tls(pg: PostgresDatabase) -> Iterator[PostgresDatabase]:
    """A database of the tests' server, whose TLS is turned off meanwhile."""

    def tls_is(state: str) -> None:
        pg.server.execute(f"ALTER SYSTEM SET ssl = {state}")
        pg.server.execute("SELECT pg_reload_conf()")
        wait_for(lambda: pg.server.execute("SHOW ssl") == [(state,)])

    tls_is("off")
    yield pg
    tls_is("on")


def test_postgres(osiris: Osiris, pg_without_tls: PostgresDatabase, silent_port: int) -> None:
    pg = pg_without_tls
    works = pg.connection()
    password = works.pop("password")
    works["password"] = "${PASSWORD}"
    quoted = password.replace("'", "''")
    pg.execute(f"CREATE ROLE {pg.name}_poor LOGIN PASSWORD '{quoted}'")
    pg.execute(f"REVOKE CONNECT ON DATABASE {pg.name} FROM PUBLIC")
    with slow_relay(pg.server.port, _LATE_SECONDS) as late:
        aliases = _connections(works, pg.server.port, late, silent_port, f"{pg.name}_poor")
        _told_apart(osiris, "postgres", aliases, password)


def _states(
    osiris: Osiris, family: str, connection: dict[str, Any], users: list[str]
) -> dict[str, tuple[str, str]]:
    """Return what the doctor says of each user: the state and the error's message."""
    password = str(connection["password"])
    common = {**connection, "password": "${PASSWORD}"}
    aliases = {user: {**common, "user": user} for user in users}
    text = yaml.safe_dump({"connections": {family: aliases}})
    (osiris.cwd / "osiris_connections.yaml").write_text(text)
    done = Osiris(osiris.cwd, {"PASSWORD": password})("connections", "doctor", "--json")
    assert done.code == 1
    return {
        trial["ref"].partition(".")[2]: (trial["state"], (trial["error"] or {}).get("message", ""))
        for trial in done.document["connections"]
    }


# A grant, and whether who has nothing else can do something with a table.
MYSQL_RIGHTS = {
    "GRANT EXECUTE, CREATE TEMPORARY TABLES ON {db}.* TO {user}": False,
    "GRANT INDEX ON {db}.t TO {user}": False,
    "GRANT SELECT (a) ON {db}.t TO {user}": True,
    "GRANT INSERT ON {db}.u TO {user}": True,
    "GRANT CREATE ON {db}.* TO {user}": True,
}


def test_an_account_of_mysql_that_may_do_nothing_with_any_table(
    osiris: Osiris, database: Database
) -> None:
    works = database.connection()
    quoted = str(works["password"]).replace("'", "''")
    database.script("CREATE TABLE t (a INT, b INT); CREATE TABLE u (a INT NOT NULL)")
    users = [f"{database.name}_{number}" for number in range(len(MYSQL_RIGHTS))]
    for user, grant in zip(users, MYSQL_RIGHTS, strict=True):
        database.execute(f"CREATE USER {user} IDENTIFIED BY '{quoted}'")
        database.execute(grant.format(db=database.name, user=user))
    found = _states(osiris, "mysql", works, users)
    for user, (grant, useful) in zip(users, MYSQL_RIGHTS.items(), strict=True):
        state, message = found[user]
        assert state in ({"ok", "slow"} if useful else {"missing_right"}), grant
        assert useful or "may neither read nor write any table of database" in message


PG_RIGHTS = {
    "SELECT 1": False,
    "GRANT SELECT ON hidden.u TO {user}": False,  # but not USAGE of its schema
    "GRANT SELECT (a) ON t TO {user}": True,
    "GRANT INSERT ON t TO {user}": True,
    "GRANT CREATE ON SCHEMA public TO {user}": True,
}


def test_an_account_of_postgres_that_may_do_nothing_with_any_table(
    osiris: Osiris, pg: PostgresDatabase
) -> None:
    works = pg.connection()
    quoted = str(works["password"]).replace("'", "''")
    pg.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE TABLE t (a int, b int)")
    pg.execute("CREATE SCHEMA hidden; CREATE TABLE hidden.u (a int)")
    users = [f"{pg.name}_{number}" for number in range(len(PG_RIGHTS))]
    for user, grant in zip(users, PG_RIGHTS, strict=True):
        pg.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{quoted}'")
        pg.execute(grant.format(user=user))
    found = _states(osiris, "postgres", works, users)
    for user, (grant, useful) in zip(users, PG_RIGHTS.items(), strict=True):
        state, message = found[user]
        assert state in ({"ok", "slow"} if useful else {"missing_right"}), grant
        assert useful or "may neither read nor write any of the 2 tables" in message
        pg.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")
