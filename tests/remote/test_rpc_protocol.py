"""The protocol: commands there and back, records in lines and back, and nothing else."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.remote.rpc_protocol import (
    MAX_LINE,
    MAX_RECORD,
    PROTOCOL,
    CleanupCommand,
    Command,
    Envelope,
    ExecStepCommand,
    Joiner,
    PingCommand,
    PrepareCommand,
    ProtocolError,
    journal_line,
    parse_command,
    parse_line,
    pieces,
    record_bytes,
)

PREPARE = PrepareCommand(
    session="run_x",
    manifest={"name": "x"},
    options={},
    base_dir="/p",
    requires={"pyarrow": "26.0.0"},
    install_deps=False,
    lock=[],
    code_path=["/b.zip"],
    secrets=["TOKEN"],
    supervision={},
)
COMMANDS: list[Command] = [
    PingCommand(protocol=PROTOCOL),
    PREPARE,
    ExecStepCommand(step_id="a", config={"config": {"query": "SELECT 'ž'"}}),
    CleanupCommand(),
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def written(record: bytes, ts: float, first: int = 1) -> list[bytes]:
    """The journal lines of one record."""
    return [journal_line(first + i, piece) for i, piece in enumerate(pieces(record, ts))]


def joined(lines: list[bytes]) -> list[Envelope]:
    joiner = Joiner()
    found = [joiner.join(parse_line(line)) for line in lines]
    return [record for record in found if record is not None]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.cmd)
def test_a_command_arrives_as_it_was_sent(command: Command) -> None:
    line = command.line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_command(line) == command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.cmd)
def test_a_command_without_one_of_its_fields_is_refused(command: Command) -> None:
    data = json.loads(command.line())
    for name in data:
        less = {key: value for key, value in data.items() if key != name}
        with pytest.raises(ProtocolError):
            parse_command(json.dumps(less).encode())
    with pytest.raises(ProtocolError):
        parse_command(json.dumps({**data, "more": 1}).encode())


def test_a_steps_config_has_no_default() -> None:
    fields = {field.name: field for field in dataclasses.fields(ExecStepCommand)}
    assert fields["config"].default is dataclasses.MISSING
    assert fields["config"].default_factory is dataclasses.MISSING
    with pytest.raises(TypeError, match="config"):
        ExecStepCommand(step_id="a")  # type: ignore[call-arg]  # that is what is tested


def test_commands_of_another_version_are_refused() -> None:
    line = CleanupCommand().line().replace(b'"v":%d' % PROTOCOL, b'"v":%d' % (PROTOCOL + 1))
    with pytest.raises(ProtocolError):
        parse_command(line)


@settings(max_examples=200, deadline=None)
@given(data=st.dictionaries(st.text(), json_values, max_size=4), seq=st.integers(1, 10**12))
def test_a_record_comes_through_unchanged(data: dict[str, Any], seq: int) -> None:
    lines = written(record_bytes("event", 12.5, data), 12.5, seq)
    (record,) = joined(lines)
    assert record == Envelope(seq=seq, ts=12.5, type="event", data=data)
    for line in lines:
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert len(line) <= MAX_LINE


@settings(max_examples=30, deadline=None)
@given(size=st.integers(MAX_LINE - 200, 4 * MAX_LINE), char=st.sampled_from('až\\"\x00🎬\ud800'))
def test_a_large_record_comes_in_parts_that_fit(size: int, char: str) -> None:
    data = {"message": char * size}
    lines = written(record_bytes("log", 1.0, data), 1.0)
    assert all(len(line) <= MAX_LINE for line in lines)
    (record,) = joined(lines)
    assert record.data == data
    assert record.seq == len(lines)


def part(index: int, count: int, chunk: str = "e30=") -> Envelope:
    data = {"index": index, "count": count, "chunk": chunk}
    return Envelope(seq=1, ts=1.0, type="part", data=data)


def join_all(parts: Iterable[Envelope]) -> None:
    joiner = Joiner()
    for one in parts:
        joiner.join(one)


@pytest.mark.parametrize(
    "parts",
    [
        [part(1, 2)],
        [part(0, 2), part(0, 2)],
        [part(0, 2), part(1, 2)],
        [part(0, 1)],
        [part(0, 1, "no base64!")],
        [part(0, 2), Envelope(seq=1, ts=1.0, type="event", data={})],
        [Envelope(seq=1, ts=1.0, type="part", data={})],
        [Envelope(seq=1, ts=1.0, type="part", data={"index": 0, "count": "2", "chunk": ""})],
    ],
)
def test_parts_that_do_not_belong_together_are_refused(parts: list[Envelope]) -> None:
    with pytest.raises(ProtocolError):
        join_all(parts)


def test_parts_without_end_are_refused() -> None:
    chunk = "A" * 24_000
    with pytest.raises(ProtocolError, match="more than"):
        join_all(part(index, MAX_RECORD, chunk) for index in range(MAX_RECORD))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"v":1}',
        b'{"v":2,"seq":1,"ts":1,"type":"event","data":{}}',
        b'{"v":1,"seq":true,"ts":1,"type":"event","data":{}}',
        b'{"v":1,"seq":1.5,"ts":1,"type":"event","data":{}}',
        b'{"v":1,"seq":-1,"ts":1,"type":"event","data":{}}',
        b'{"v":1,"seq":1,"ts":"now","type":"event","data":{}}',
        b'{"v":1,"seq":1,"ts":NaN,"type":"event","data":{}}',
        b'{"v":1,"seq":1,"ts":1,"type":7,"data":{}}',
        b'{"v":1,"seq":1,"ts":1,"type":"event","data":[]}',
        b'{"v":1,"seq":1,"ts":1,"type":"event","data":{"x":Infinity}}',
        b'{"v":1,"seq":1,"ts":1,"type":"event","data":' + b"[" * 100_000,
    ],
)
def test_what_is_no_journal_line_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_line(line)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_do_anything_but_be_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_line(line)
