"""Messages of the protocol, taken apart and put together."""

import struct
from dataclasses import dataclass
from typing import Final

ERROR: Final = b"E"
"""First byte of the server's message for an error; what follows it is told by `parse_error`."""
READY: Final = b"Z"
ROW_DESCRIPTION: Final = b"T"
DATA_ROW: Final = b"D"
COPY_OUT: Final = b"H"
COPY_DATA: Final = b"d"
COPY_DONE: Final = b"c"
COMPLETE: Final = b"C"
NO_DATA: Final = b"n"
PARAMETERS: Final = b"t"
BACKEND_KEY: Final = b"K"
AUTHENTICATION: Final = b"R"
AT_ANY_TIME: Final = (b"N", b"S", b"A")
"""Notices, settings that changed and notifications: the server sends them when it likes."""

_CANCEL: Final = 80877102
_FIELD: Final = struct.Struct("!IhIhih")


class MalformedMessageError(Exception):
    """Bytes that do not follow the protocol."""


@dataclass(frozen=True)
class ServerError:
    """An error as the server tells it."""

    sqlstate: str
    text: str
    hint: str | None


@dataclass(frozen=True)
class FieldDescription:
    """A column of a result: its name, the number of its type, and that type's modifier."""

    name: str
    type_oid: int
    modifier: int


def message(kind: bytes, payload: bytes) -> bytes:
    """Return a message of the client."""
    return kind + struct.pack("!I", len(payload) + 4) + payload


def text(value: str) -> bytes:
    """Return a text as the protocol has it, ended by a zero."""
    return value.encode() + b"\0"


def start_up(settings: dict[str, str]) -> bytes:
    """Return the first message of a connection, for version 3.0 of the protocol."""
    pairs = b"".join(text(name) + text(value) for name, value in settings.items())
    return message(b"", struct.pack("!HH", 3, 0) + pairs + b"\0")


def cancel_request(key: bytes) -> bytes:
    """Return what stops the statement of the connection with this key (process and secret)."""
    return message(b"", struct.pack("!I", _CANCEL) + key)


def parse_error(payload: bytes) -> ServerError:
    """Take an error apart: fields of a letter and a text."""
    fields = {
        part[:1]: part[1:].decode("utf-8", "replace") for part in payload.split(b"\0") if part
    }
    primary, detail = fields.get(b"M", ""), fields.get(b"D")
    return ServerError(
        fields.get(b"C", ""), f"{primary}: {detail}" if detail else primary, fields.get(b"H")
    )


def parse_fields(payload: bytes) -> list[FieldDescription]:
    """Take the description of a row apart."""
    fields, at = [], 2
    try:
        for _ in range(int.from_bytes(payload[:2], "big")):
            end = payload.index(b"\0", at)
            _, _, type_oid, _, modifier, _ = _FIELD.unpack_from(payload, end + 1)
            fields.append(FieldDescription(payload[at:end].decode(), type_oid, modifier))
            at = end + 1 + _FIELD.size
    except (ValueError, struct.error) as error:
        raise MalformedMessageError("the columns of a result are cut off") from error
    return fields


def parse_row(payload: bytes) -> list[str | None]:
    """Take a row of texts apart."""
    values: list[str | None] = []
    at = 2
    try:
        for _ in range(int.from_bytes(payload[:2], "big")):
            (size,) = struct.unpack_from("!i", payload, at)
            at += 4
            values.append(None if size < 0 else payload[at : at + size].decode())
            at += max(size, 0)
    except (ValueError, struct.error) as error:
        raise MalformedMessageError("a row of texts is cut off") from error
    return values


def whole_number(value: str | None) -> int:
    """Return the number that a text of the server is."""
    try:
        return int(value or "")
    except ValueError as error:
        raise MalformedMessageError(f"{value!r} is sent for a whole number") from error
