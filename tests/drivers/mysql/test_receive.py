"""The reader against streams made byte by byte: both styles of EOF, cuts, lies, great packets."""

import contextlib
import itertools
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.errors import (
    ConfigError,
    DataError,
    StepError,
    SystemStepError,
    TransientStepError,
)
from tests.support.mysql_loopback import (
    MAX_PAYLOAD,
    PAIR,
    VAR_STRING,
    LoopbackServer,
    Script,
    binary_row,
    column,
    error,
    length_encoded,
    packets,
    text,
)
from tests.support.mysql_reading import NO_TLS, read, rows

SOME = [(1, b"one"), (None, b""), (-(1 << 63), None), (None, None), (7, b"x" * 300)]
SOME_READ = [(n, None if w is None else w.decode()) for n, w in SOME]
STYLES = pytest.mark.parametrize("deprecate_eof", [True, False], ids=["ok", "eof"])


def _rows(pairs: Sequence[tuple[int | None, bytes | None]]) -> list[bytes]:
    return [binary_row(number, word) for number, word in pairs]


def _connection(server: LoopbackServer, **more: Any) -> MySQLConnection:
    given = {"host": "127.0.0.1", "port": server.port, "user": "u", "password": "secret"}
    return MySQLConnection.model_validate({"tls": NO_TLS, **given, **more})


def _read(script: Script, sql: str = "SELECT 1", **options: Any) -> pa.Table:
    with LoopbackServer(script) as server:
        return read(_connection(server), sql, **options)


@STYLES
@pytest.mark.parametrize("buffer_bytes", [1, 7, 16, 100, 1 << 20])
@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_both_styles_of_eof(deprecate_eof: bool, buffer_bytes: int, piece: int) -> None:
    script = Script(rows=_rows(SOME), deprecate_eof=deprecate_eof, piece=piece)
    assert rows(_read(script, buffer_bytes=buffer_bytes)) == SOME_READ


def test_the_client_may_insist_on_eof_packets() -> None:
    with LoopbackServer(Script(rows=_rows(SOME))) as server:
        assert rows(read(_connection(server), "SELECT 1", deprecate_eof=False)) == SOME_READ


@STYLES
def test_no_rows(deprecate_eof: bool) -> None:
    table = _read(Script(deprecate_eof=deprecate_eof))
    assert table.num_rows == 0
    assert table.column_names == ["number", "word"]


def test_an_ok_packet_at_the_end_may_carry_a_message_as_long_as_a_row() -> None:
    ending = b"\xfe" + length_encoded(300) + length_encoded(0) + struct.pack("<HH", 2, 0)
    table = _read(Script(rows=_rows(SOME), ending=ending + text(b"m" * 5000)))
    assert rows(table) == SOME_READ


@STYLES
def test_a_connection_cut_at_any_byte_is_transient(deprecate_eof: bool) -> None:
    script = Script(rows=_rows(SOME[:4]), deprecate_eof=deprecate_eof)
    with LoopbackServer(script) as server:
        assert rows(read(_connection(server), "SELECT 1")) == SOME_READ[:4]
    assert server.sent > 200
    for cut in range(server.sent):
        with LoopbackServer(replace(script, cut=cut)) as short:
            with pytest.raises(TransientStepError) as caught:
                read(_connection(short), "SELECT 1")
            assert f"127.0.0.1:{short.port}" in caught.value.message
            assert "connection" in caught.value.message


def test_a_cut_says_how_many_rows_had_come() -> None:
    whole = Script(rows=_rows(SOME[:1] * 1000))
    with LoopbackServer(whole) as server:
        read(_connection(server), "SELECT 1")
    short = replace(whole, cut=server.sent - 40)
    with pytest.raises(TransientStepError, match=r"after 99\d rows: the server closed it"):
        _read(short)
    with pytest.raises(TransientStepError, match=r"after 99\d rows: the server closed it"):
        _read(short, buffer_bytes=100)


@STYLES
@pytest.mark.parametrize("rows_before", [0, 3])
def test_an_error_in_the_middle_of_a_result(deprecate_eof: bool, rows_before: int) -> None:
    ending = error(1242, "21000", "Subquery returns more than 1 row")
    script = Script(rows=_rows(SOME[:rows_before]), ending=ending, deprecate_eof=deprecate_eof)
    with pytest.raises(DataError, match=r"more than one row: Subquery .*MySQL error 1242 at 127"):
        _read(script)


def test_an_error_out_of_sequence_is_the_servers_word_when_it_shuts_down() -> None:
    result = Script(rows=_rows(SOME)).result(deprecate_eof=True)
    shutdown = packets(error(1053, "08S01", "Server shutdown in progress"), itertools.count(0))
    body = result[: -len(packets(b"\xfe\0\0\2\0\0\0", itertools.count()))]
    with pytest.raises(TransientStepError, match="shutting down: Server shutdown"):
        _read(Script(execute=body + shutdown))


LIES = {
    "a row out of sequence": packets(binary_row(1, b"a"), itertools.count(9)),
    "a row that is too short": packets(b"\0\0\1\2", itertools.count(4)),
    "a row that is too long": packets(binary_row(1, b"a") + b"more", itertools.count(4)),
    "a row with another first byte": packets(b"\1" + binary_row(1, b"a")[1:], itertools.count(4)),
    "an empty packet": packets(b"", itertools.count(4)),
    "a text beyond its row": packets(b"\0\0" + b"\1" * 8 + b"\x40abc", itertools.count(4)),
    "a text of 2**63 bytes": packets(
        b"\0\0" + b"\1" * 8 + b"\xfe" + b"\xff" * 7 + b"\x7fabc", itertools.count(4)
    ),
    "a text of -1 bytes": packets(
        b"\0\0" + b"\1" * 8 + b"\xfe" + b"\xff" * 8 + b"abc", itertools.count(4)
    ),
    "a text without a length": packets(b"\0\0" + b"\1" * 8 + b"\xfbabc", itertools.count(4)),
}


@pytest.mark.parametrize("buffer_bytes", [1, 1 << 20])
@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_breaks_the_protocol_is_not_believed(lie: str, buffer_bytes: int) -> None:
    numbers = itertools.count(1)
    head = b"".join(packets(p, numbers) for p in (b"\2", *PAIR))
    ending = packets(Script().eof(deprecate_eof=True), itertools.count(5))
    script = Script(execute=head + LIES[lie] + ending)
    with pytest.raises(SystemStepError, match="does not follow the MySQL protocol"):
        _read(script, buffer_bytes=buffer_bytes)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.booleans(), st.sampled_from([1, 50, 1 << 20]))
def test_any_bytes_end_in_an_error_of_ours(noise: bytes, as_rows: bool, buffer_bytes: int) -> None:
    answer = noise
    if as_rows:
        numbers = itertools.count(1)
        answer = b"".join(packets(payload, numbers) for payload in (b"\2", *PAIR))
        answer += b"".join(packets(b"\0" + noise[i : i + 20], numbers) for i in range(0, 200, 20))
    with (
        LoopbackServer(Script(execute=answer, hang_up=True)) as server,
        contextlib.suppress(StepError),
    ):
        read(_connection(server), "SELECT 1", buffer_bytes=buffer_bytes)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120) | st.sampled_from([b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400\r\n"]))
def test_a_server_that_speaks_something_else(noise: bytes) -> None:
    with LoopbackServer(Script(greeting=noise)) as server, pytest.raises(StepError):
        read(_connection(server), "SELECT 1")


def test_more_than_one_result_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than one result"):
        _read(Script(rows=_rows(SOME), status=2 | 8))
    with pytest.raises(ConfigError, match="more than one result"):
        _read(Script(rows=_rows(SOME), status=2 | 8, deprecate_eof=False))


def test_a_server_that_asks_for_a_file_gets_none() -> None:
    execute = packets(b"\xfb/etc/passwd", itertools.count(1))
    with pytest.raises(ConfigError, match="asks for a file"):
        _read(Script(execute=execute))


@pytest.mark.parametrize(
    "size", [MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 2 * MAX_PAYLOAD, 2 * MAX_PAYLOAD + 5]
)
def test_rows_around_the_size_of_a_full_packet(size: int) -> None:
    around = _rows(SOME)
    head = len(binary_row(5, b"")) + 3  # a length of 3 or 8 bytes stands before the text
    word = b"w" * (size - head - (5 if size - head >= 1 << 24 else 0))
    great = binary_row(5, word)
    assert abs(len(great) - size) <= 5
    table = _read(Script(rows=[*around, great, *around, great]))
    expected = [*SOME_READ, (5, word.decode()), *SOME_READ, (5, word.decode())]
    assert rows(table) == expected


def test_the_text_protocol_when_a_statement_cannot_be_prepared() -> None:
    refused = error(1295, "HY000", "This command is not supported")
    numbers = itertools.count(1)
    great = b"g" * (MAX_PAYLOAD + 10)
    columns = (column("word", VAR_STRING), PAIR[0])
    told = [(b"a", b"-5"), (b"", b"18"), (None, None), (great, b"1"), (b"last", None)]
    lines = [b"".join(b"\xfb" if v is None else text(v) for v in row) for row in told]
    result = b"".join(packets(p, numbers) for p in (b"\2", *columns, *lines, b"\xfe\0\0\2\0\0\0"))
    script = Script(prepare_error=refused, text_result=result)
    assert rows(_read(script, "SHOW things")) == [
        (None if w is None else w.decode(), None if n is None else int(n)) for w, n in told
    ]
    with pytest.raises(ConfigError, match="cannot prepare this statement"):
        _read(script, "EXECUTE IMMEDIATE 'DROP TABLE t'")
    with pytest.raises(ConfigError, match="cannot prepare this statement"):
        _read(script, "SELECT 1 INTO OUTFILE 'x'")
