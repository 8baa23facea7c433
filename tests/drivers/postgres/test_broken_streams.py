"""What the server sent, cut off or damaged anywhere: an error of a step, or rows, never else."""

import contextlib
import random
import socket
import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.errors import StepError, SystemStepError, TransientStepError
from osiris.drivers.postgres.wire.messages import message
from tests.support.listening import listening
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_reading import NO_TLS, read

QUERY = (
    "SELECT i AS a, CASE WHEN i % 3 > 0 THEN 'w' || i END AS b, (i * 1.5)::numeric(9, 2) AS c,"
    " ARRAY[i, NULL] AS d, DATE '2024-01-01' + i AS e, i % 2 = 0 AS f, int4range(0, i) AS g,"
    " (i || ' days')::interval AS h, ('{' || i || '}')::text AS j, md5(i::text)::uuid AS k"
    " FROM generate_series(1, 40) AS i"
)


def _read_from(port: int, **options: int) -> pa.Table:
    # The administrator needs no password over the socket, so that no log-in is like another.
    given = {"host": "127.0.0.1", "port": port, "user": "postgres", "tls": NO_TLS}
    connection = PostgresConnection.model_validate({**given, "database": "recorded"})
    return read(connection, QUERY, **options)


@pytest.fixture(scope="module")
def asked() -> bytearray:
    """Every byte that was sent to the server for `whole`."""
    return bytearray()


@pytest.fixture(scope="module")
def whole(postgres_recorded: PostgresDatabase, asked: bytearray) -> tuple[pa.Table, bytes]:
    """The rows, and every byte that the server sent for them."""
    server = postgres_recorded.server
    said = bytearray()

    def relay(channel: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(f"{server.socket}/.s.PGSQL.{server.port}")

            def back() -> None:
                while data := upstream.recv(65536):
                    said.extend(data)
                    channel.sendall(data)

            thread = threading.Thread(target=back)
            thread.start()
            while data := channel.recv(65536):
                asked.extend(data)
                upstream.sendall(data)
            thread.join(30)

    with listening(relay) as port:
        table = _read_from(port)
    return table, bytes(said)


@pytest.fixture(scope="module")
def postgres_recorded(request: pytest.FixtureRequest) -> Iterator[PostgresDatabase]:
    server = request.getfixturevalue("postgres")
    server.create_database("recorded")
    yield PostgresDatabase(server, "recorded")
    server.drop_database("recorded")


def _replayed(data: bytes, **options: int) -> pa.Table:
    """Read from a server that says just this, whatever it is asked, and hangs up."""

    def say(channel: socket.socket) -> None:
        channel.recv(65536)
        channel.sendall(data)
        channel.shutdown(socket.SHUT_WR)
        while channel.recv(65536):
            pass

    with listening(say) as port:
        return _read_from(port, **options)


def test_the_record_gives_the_same_rows(whole: tuple[pa.Table, bytes]) -> None:
    table, said = whole
    assert table.num_rows == 40
    assert _replayed(said).equals(table)
    assert _replayed(said, buffer_bytes=50).equals(table)


@pytest.mark.usefixtures("whole")
def test_the_transaction_ends_before_the_connection(asked: bytearray) -> None:
    """Else a pooler would have to throw its connection to the server away."""
    assert asked.endswith(message(b"Q", b"ROLLBACK\0") + message(b"X", b""))


def test_a_stream_that_is_cut_off_anywhere(whole: tuple[pa.Table, bytes]) -> None:
    table, said = whole
    ready = b"COPY 40\0Z\0\0\0\x05T"
    needed = said[: said.index(ready) + len(ready)]
    for end in [*range(0, len(needed), 61), *range(len(needed) - 30, len(needed), 3)]:
        with pytest.raises(TransientStepError, match=r"lost the connection|closed the connection"):
            _replayed(needed[:end])
    # What is left is of no account: the rows are there.
    assert _replayed(needed).equals(table)


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_that_is_damaged_anywhere(whole: tuple[pa.Table, bytes], seed: int) -> None:
    table, said = whole
    chance = random.Random(seed)
    for _ in range(150):
        damaged = bytearray(said)
        for _ in range(chance.choice((1, 1, 1, 5))):
            damaged[chance.randrange(len(said))] = chance.choice((0, 1, 0x7F, 0xFF, *b"dEZCT"))
        with contextlib.suppress(StepError):
            assert _replayed(bytes(damaged)).num_rows <= table.num_rows


@pytest.mark.parametrize(
    "before, after, why",
    [
        (b"PGCOPY\n\xff", b"PGCOPY\n\xfe", "do not begin as those of COPY BINARY"),
        (b"\0\0\0\x04\0\0\0\x05", b"\0\0\0\x05\0\0\0\x05", "a field of 4 bytes has others"),
        (b"d\0\0\0\x06\xff\xff", b"d\0\0\0\x06\0\x01", "without their last row"),
        (b"\0\x0a\0\0\0\x04\0\0\0\x05", b"\0\x09\0\0\0\x04\0\0\0\x05", "more or fewer fields"),
        (b"d\0\0\0\x06\xff\xff", b"N\0\0\0\x06\0\0", "without their last row"),
        (b"c\0\0\0\x04", b"W\0\0\0\x04", "comes where none may"),
        (b"c\0\0\0\x04", b"c\0\0\0\x03", "has a length of 3"),
    ],
)
def test_data_that_are_none(
    whole: tuple[pa.Table, bytes], before: bytes, after: bytes, why: str
) -> None:
    _, said = whole
    assert before in said
    with pytest.raises(SystemStepError, match=f"does not follow the PostgreSQL protocol: .*{why}"):
        _replayed(said.replace(before, after))
