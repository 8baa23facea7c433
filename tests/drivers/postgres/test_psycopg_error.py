"""What the server and psycopg say once somebody is logged in, in our words."""

import contextlib

import psycopg
import pytest

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError, StepError, TransientStepError
from osiris.drivers.postgres.connect import connect
from osiris.drivers.postgres.psycopg_error import psycopg_error
from tests.support.postgres import PostgresServer


def _settings(server: PostgresServer) -> PostgresConnection:
    return PostgresConnection.model_validate(server.connection("postgres"))


@pytest.mark.parametrize(
    "statement, kind, says",
    [
        (b"SELECT 1/0", DataError, "division by zero"),
        (b"SELEC 1", ConfigError, "cannot parse"),
        (b"SELECT a FROM nono", ConfigError, "no such table"),
        (b"SELECT nono", ConfigError, "no such column"),
        (b"SELECT nono()", ConfigError, "no such function"),
        (b"SET LOCAL statement_timeout = 5; SELECT pg_sleep(60)", TransientStepError, "57014"),
        (b"DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", DataError, "P0001"),
        (b"SELECT pg_terminate_backend(pg_backend_pid())", TransientStepError, "57P01"),
    ],
)
def test_errors_of_the_server(
    postgres: PostgresServer, statement: bytes, kind: type[StepError], says: str
) -> None:
    connection = connect(_settings(postgres), cancelled=CancelToken())
    with contextlib.closing(connection), pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    error = psycopg_error(caught.value, "here")
    assert type(error) is kind
    assert says in error.message
    assert error.hint


def test_a_connection_that_is_gone(postgres: PostgresServer) -> None:
    connection = connect(_settings(postgres), cancelled=CancelToken(), autocommit=True)
    with contextlib.closing(connection):
        pid = connection.info.backend_pid
        postgres.execute(f"SELECT pg_terminate_backend({pid})")
        seen = []
        for _ in range(2):  # first the server's farewell, then nothing at all
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(b"SELECT 1")
            seen.append(psycopg_error(caught.value, "here"))
    assert {type(error) for error in seen} == {TransientStepError}
    assert "lost the connection" in seen[1].message
