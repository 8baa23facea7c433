"""What the two ends of a sandbox run say to each other: commands in, journal lines out.

Commands are the lines of `commands.jsonl`, written by the host before the worker starts. Everything
the worker and its runner have to say is a line of the journal,
`{"v": 1, "seq": 17, "ts": 1700000000.5, "type": "event", "data": {…}}`: `seq` counts from 1 without
a gap, a line has at most `MAX_LINE` bytes, and a record that needs more comes in lines of type
`part`. The runner reads this before anything is installed, so it is standard library only.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final

from osiris.core.output_log import OUTPUT_BYTES

PROTOCOL: Final = 1
"""Version of the commands and of the journal; both ends must have the same."""

MAX_LINE: Final = 32 * 1024
"""Bytes of a journal line at most, its end included."""

MAX_RECORD: Final = 16 * 1024 * 1024
"""Bytes of a record at most, however many lines it comes in."""

OLDEST_PYTHON: Final = (3, 11)
"""The oldest Python that the worker runs with."""

_ENVELOPE: Final = 64
"""Bytes that the version and any seq need."""

_PART: Final = 20 * 1024
"""Bytes of a record in one `part`; in base64, with the envelope, they fit a line."""


class ProtocolError(ValueError):
    """A command or a journal line that the protocol does not know."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One line of commands.jsonl: `{"v", "cmd", …fields}`; every field must be there."""

    cmd: ClassVar[str]

    def line(self) -> bytes:
        """Return the command as one line of JSON."""
        return json_bytes({"v": PROTOCOL, "cmd": self.cmd, **asdict(self)}) + b"\n"


@dataclass(frozen=True, kw_only=True)
class PingCommand(Command):
    """Asks who is there: the first exchange, which tells whether both ends can talk at all."""

    cmd: ClassVar[str] = "ping"

    protocol: int


@dataclass(frozen=True, kw_only=True)
class PrepareCommand(Command):
    """Gets the engine ready for a manifest.

    Attributes:
        session: the run's id.
        manifest: the manifest as data.
        options: the caller's `RunOptions` as data.
        base_dir: directory that relative input paths refer to.
        requires: distribution to the exact version that must be there: the host's.
        install_deps: whether the runner may install what is missing or wrong.
        lock: lines of a pip requirements file, each with its hashes; used with `install_deps`.
        code_path: directories and archives in which the code is found, before Python's own.
        secrets: names of the variables whose values must not be written anywhere.
        supervision: how the runner watches over the worker, `Supervision` as data.

    """

    cmd: ClassVar[str] = "prepare"

    session: str
    manifest: dict[str, Any]
    options: dict[str, Any]
    base_dir: str
    requires: dict[str, str]
    install_deps: bool
    lock: list[str]
    code_path: list[str]
    secrets: list[str]
    supervision: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ExecStepCommand(Command):
    """Hands in one step with its whole config (`StepConfig` as data): there is no default."""

    cmd: ClassVar[str] = "exec_step"

    step_id: str
    config: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CleanupCommand(Command):
    """Waits until every step has ended and says so; without an answer nothing is believed."""

    cmd: ClassVar[str] = "cleanup"


_COMMANDS: Final[dict[str, type[Command]]] = {
    kind.cmd: kind for kind in (PingCommand, PrepareCommand, ExecStepCommand, CleanupCommand)
}


def parse_command(line: bytes) -> Command:
    """Return the command on a line; raise `ProtocolError` for anything else."""
    data = json_object(line)
    kind = _COMMANDS.get(str(data.pop("cmd", None)))
    if data.pop("v", None) != PROTOCOL or kind is None:
        raise ProtocolError(f"not a command of protocol {PROTOCOL}: {line[:100]!r}")
    if data.keys() != {field.name for field in fields(kind)}:
        raise ProtocolError(f"{kind.cmd}: wrong fields: {', '.join(sorted(data))}")
    return kind(**data)


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """How the runner watches over the worker; times are in seconds.

    Attributes:
        heartbeat: how often the journal says that the runner lives.
        lease: how long the worker goes on while nobody reads the journal.
        deadline: how long the worker may run in all, or None.
        grace: how long the worker has to end when it is told to.
        output_bytes: bytes of each of stdout and stderr that are kept.

    """

    heartbeat: float = 2.0
    lease: float = 600.0
    deadline: float | None = None
    grace: float = 15.0
    output_bytes: int = OUTPUT_BYTES


@dataclass(frozen=True, kw_only=True)
class Response:
    """The worker's answer to a command, a record of type `response`.

    `error` is an `OsirisError` as data when the command failed, else None.
    """

    cmd: str
    data: dict[str, Any]
    error: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One record of the journal; `seq` is that of its last line."""

    seq: int
    ts: float
    type: str
    data: dict[str, Any]


# --- writing ---


def json_bytes(data: Any) -> bytes:
    """Return compact JSON in UTF-8; lone surrogates survive, what JSON does not know is text."""
    text = json.dumps(data, ensure_ascii=False, default=str, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def record_bytes(kind: str, ts: float, data: dict[str, Any]) -> bytes:
    """Return a record as the worker hands it to its runner: an envelope without version and seq."""
    return json_bytes({"ts": ts, "type": kind, "data": data})


def journal_line(seq: int, record: bytes) -> bytes:
    """Return the journal line of a record made by `record_bytes`."""
    return b'{"v":%d,"seq":%d,%b\n' % (PROTOCOL, seq, record[1:])


def pieces(record: bytes, ts: float) -> Iterator[bytes]:
    """Yield the record itself, or the parts of one that does not fit a line."""
    if len(record) <= MAX_LINE - _ENVELOPE:
        yield record
        return
    count = -(-len(record) // _PART)
    for index in range(count):
        chunk = base64.b64encode(record[index * _PART : (index + 1) * _PART]).decode("ascii")
        yield record_bytes("part", ts, {"index": index, "count": count, "chunk": chunk})


# --- reading ---


def json_object(line: bytes) -> dict[str, Any]:
    """Return the JSON object on a line; raise `ProtocolError` for anything else, NaN included."""
    try:
        data = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {line[:100]!r}") from error
    if not isinstance(data, dict):
        raise ProtocolError(f"not a JSON object: {line[:100]!r}")
    return data


def parse_line(line: bytes) -> Envelope:
    """Return what is on a journal line; raise `ProtocolError` for what is no such line."""
    data = json_object(line)
    version, seq, ts = data.get("v"), data.get("seq"), data.get("ts")
    if version != PROTOCOL or type(seq) is not int or seq < 0:
        raise ProtocolError(f"not a line of journal {PROTOCOL}: {line[:100]!r}")
    kind, body = data.get("type"), data.get("data")
    if type(ts) not in {int, float} or not isinstance(kind, str) or not isinstance(body, dict):
        raise ProtocolError(f"a journal line without ts, type and data: {line[:100]!r}")
    return Envelope(seq=seq, ts=float(ts or 0), type=kind, data=body)


class Joiner:
    """Puts the parts of large records together again."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def join(self, line: Envelope) -> Envelope | None:
        """Return the whole record, or None while parts are missing.

        Raises `ProtocolError` for parts that do not belong together or are too many.
        """
        if line.type != "part":
            if self._chunks:
                raise ProtocolError("a record was left unfinished")
            return line
        index, count, chunk = (line.data.get(name) for name in ("index", "count", "chunk"))
        if index != len(self._chunks) or type(count) is not int or not isinstance(chunk, str):
            raise ProtocolError("a part that does not belong here")
        try:
            self._chunks.append(base64.b64decode(chunk, validate=True))
        except binascii.Error as error:
            raise ProtocolError("a part that is not base64") from error
        self._size += len(self._chunks[-1])
        if self._size > MAX_RECORD:
            raise ProtocolError(f"a record of more than {MAX_RECORD} bytes")
        if len(self._chunks) < count:
            return None
        record = b"".join(self._chunks)
        self._chunks, self._size = [], 0
        whole = parse_line(journal_line(line.seq, record))
        if whole.type == "part":
            raise ProtocolError("a part within a part")
        return whole


def _no_constant(text: str) -> None:
    raise ProtocolError(f"{text} is no JSON")
