"""A MySQL server that says exactly what a test wants it to say, on a free port of 127.0.0.1.

It greets, lets everybody in who passes the chosen way to log in, answers every COM_QUERY with OK,
and answers a prepare and an execute with the bytes of a `Script`.
"""

import contextlib
import hashlib
import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

MAX_PAYLOAD = 0xFFFFFF
DEPRECATE_EOF = 1 << 24
_SSL = 1 << 11
# LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION,
# MULTI_RESULTS, PLUGIN_AUTH
_CAPABILITIES = 0x1 | 0x4 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x20000 | 0x80000
_SALT = b"abcdefgh" + b"ijklmnopqrst"
_OK = b"\0\0\0\x02\0\0\0"

LONGLONG, VAR_STRING = 8, 253


def length_encoded(value: int) -> bytes:
    """Encode a length as the protocol does."""
    if value < 0xFB:
        return bytes([value])
    for marker, size in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
        if value < 1 << 8 * size:
            return bytes([marker]) + value.to_bytes(size, "little")
    raise ValueError(value)


def text(value: bytes) -> bytes:
    """Encode a length-encoded text."""
    return length_encoded(len(value)) + value


def packets(payload: bytes, numbers: Iterator[int]) -> bytes:
    """Frame one payload, in as many packets as it takes."""
    framed = bytearray()
    for start in range(0, len(payload) + 1, MAX_PAYLOAD):
        part = payload[start : start + MAX_PAYLOAD]
        framed += struct.pack("<I", len(part) | (next(numbers) & 0xFF) << 24) + part
    return bytes(framed)


def column(name: str, code: int, *, charset: int = 45, flags: int = 0, length: int = 20) -> bytes:
    """Make the payload of a column definition."""
    names = (b"def", b"", b"", b"", name.encode(), b"")
    fixed = struct.pack("<HIBHBxx", charset, length, code, flags, 0)
    return b"".join(map(text, names)) + b"\x0c" + fixed


def error(number: int, state: str, message: str) -> bytes:
    """Make the payload of an error packet."""
    return b"\xff" + struct.pack("<H", number) + b"#" + state.encode() + message.encode()


def binary_row(number: int | None, word: bytes | None) -> bytes:
    """Make a row of the columns in `PAIR`."""
    bits = (number is None) << 2 | (word is None) << 3
    row = bytes([0, bits])
    row += b"" if number is None else struct.pack("<q", number)
    return row + (b"" if word is None else text(word))


PAIR = (column("number", LONGLONG), column("word", VAR_STRING))


@dataclass(frozen=True)
class Script:
    """What the server answers.

    Attributes:
        columns: payloads of the result's column definitions.
        rows: payloads of its rows.
        ending: payload of the packet that ends them, by default what the style of EOF asks for.
        deprecate_eof: whether the server offers CLIENT_DEPRECATE_EOF; the client has to ask for it.
        status: status flags of the ending.
        execute: all bytes of the answer to the execute, instead of the above.
        prepare_error: payload of an error instead of the answer to the prepare.
        text_result: bytes that answer a COM_QUERY that begins with SHOW or SELECT.
        login: how to log in: "native", "sha2 fast", "sha2 full", "switch", "clear".
        greeting: bytes sent instead of the greeting, before the connection is closed.
        silent: the command that gets no answer, by its first byte.
        cut: bytes after which every connection is closed, counted from its beginning.
        hang_up: whether the connection is closed after the answer to the execute.
        piece: bytes sent at a time.
    """

    columns: Sequence[bytes] = PAIR
    rows: Iterable[bytes] = ()
    ending: bytes | None = None
    deprecate_eof: bool = True
    status: int = 2
    execute: bytes | None = None
    prepare_error: bytes | None = None
    text_result: bytes | None = None
    login: str = "native"
    greeting: bytes | None = None
    silent: bytes = b""
    cut: int | None = None
    hang_up: bool = False
    piece: int = 1 << 20

    def definitions(self, numbers: Iterator[int], *, deprecate_eof: bool) -> bytes:
        """Make the packets of the column definitions and what ends them."""
        framed = b"".join(packets(definition, numbers) for definition in self.columns)
        if deprecate_eof or not self.columns:
            return framed
        return framed + packets(self.eof(deprecate_eof=False), numbers)

    def result(self, *, deprecate_eof: bool) -> bytes:
        """Make the answer to the execute."""
        if self.execute is not None:
            return self.execute
        numbers = itertools.count(1)
        head = packets(length_encoded(len(self.columns)), numbers)
        head += self.definitions(numbers, deprecate_eof=deprecate_eof)
        rows = [packets(row, numbers) for row in self.rows]
        ending = self.ending or self.eof(deprecate_eof=deprecate_eof)
        return b"".join([head, *rows, packets(ending, numbers)])

    def eof(self, *, deprecate_eof: bool) -> bytes:
        """Make the payload that ends a result."""
        if deprecate_eof:
            return b"\xfe\0\0" + struct.pack("<HH", self.status, 0)
        return b"\xfe" + struct.pack("<HH", 0, self.status)


@dataclass
class LoopbackServer:
    """Plays a script to everyone who connects; `commands` are the payloads it got."""

    script: Script
    password: bytes = b"secret"
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    commands: list[bytes] = field(default_factory=list)
    sent: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for channel in self._open:
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                channel, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(channel)
            thread = threading.Thread(target=self._serve, args=(channel,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, channel: socket.socket) -> None:
        session = _Session(channel, self)
        try:
            session.play()
        except (OSError, _CutError, EOFError):
            pass
        finally:
            self.sent = max(self.sent, session.sent)
            session.channel.close()
            channel.close()


class _CutError(Exception):
    """The script says that the connection ends here."""


class _Session:
    def __init__(self, channel: socket.socket, server: LoopbackServer) -> None:
        self.channel = channel
        self.server = server
        self.script = server.script
        self.sent = 0
        self.deprecate_eof = False

    def send(self, data: bytes) -> None:
        cut = self.script.cut
        allowed = data if cut is None else data[: max(0, cut - self.sent)]
        for start in range(0, len(allowed), self.script.piece):
            self.channel.sendall(allowed[start : start + self.script.piece])
        self.sent += len(allowed)
        if len(allowed) < len(data):
            raise _CutError

    def take(self, size: int) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            more = self.channel.recv(size - len(taken))
            if not more:
                raise EOFError
            taken += more
        return bytes(taken)

    def packet(self) -> bytes:
        header = int.from_bytes(self.take(4), "little")
        self.number = header >> 24
        return self.take(header & 0xFFFFFF)

    def reply(self, payload: bytes) -> None:
        self.number += 1
        self.send(packets(payload, itertools.count(self.number)))

    def play(self) -> None:
        self.greet()
        self.log_in()
        while (command := self.packet())[:1] != b"\x01":
            self.server.commands.append(command)
            self.answer(command)

    def greet(self) -> None:
        capabilities = _CAPABILITIES | (DEPRECATE_EOF if self.script.deprecate_eof else 0)
        capabilities |= _SSL if self.server.tls else 0
        plugin = b"caching_sha2_password" if "sha2" in self.script.login else _NATIVE
        head = b"\x0a8.0.99-loopback\0" + struct.pack("<I", 7) + _SALT[:8] + b"\0"
        low, high = capabilities & 0xFFFF, capabilities >> 16
        rest = struct.pack("<HBHHB10x", low, 45, 2, high, 21) + _SALT[8:] + b"\0" + plugin + b"\0"
        whole = packets(head + rest, itertools.count())
        if self.script.greeting is not None:
            self.send(self.script.greeting)
            raise _CutError
        self.send(whole)

    def log_in(self) -> None:
        response = self.packet()
        if self.server.tls and len(response) == 32:
            self.channel = self.server.tls.wrap_socket(self.channel, server_side=True)
            response = self.packet()
        asked = int.from_bytes(response[:4], "little") & DEPRECATE_EOF
        self.deprecate_eof = bool(asked) and self.script.deprecate_eof
        password, way = self.server.password, self.script.login
        if way == "clear":
            self.reply(b"\xfemysql_clear_password\0")
            self.admit(self.packet() == password + b"\0")
        elif way == "switch":
            self.reply(b"\xfecaching_sha2_password\0" + _SALT + b"\0")
            self.sha2(self.packet() == _scrambled(password), full=False)
        elif way.startswith("sha2"):
            self.sha2(_scrambled(password) in response, full=way == "sha2 full")
        else:
            self.admit(admitted=True)

    def sha2(self, right: bool, *, full: bool) -> None:
        if not full:
            if right:
                self.reply(b"\x01\x03")
            self.admit(right)
            return
        self.reply(b"\x01\x04")
        answer = self.packet()
        if isinstance(self.channel, ssl.SSLSocket):
            self.admit(answer == self.server.password + b"\0")
            return
        assert answer == b"\x02"
        key = rsa.generate_private_key(65537, 2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.reply(b"\x01" + public)
        scheme = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - the scheme is MySQL's choice
        clear = bytes(
            byte ^ salt
            for byte, salt in zip(key.decrypt(self.packet(), scheme), itertools.cycle(_SALT))
        )
        self.admit(clear == self.server.password + b"\0")

    def admit(self, admitted: bool) -> None:
        self.reply(_OK if admitted else error(1045, "28000", "Access denied for user 'u'"))
        if not admitted:
            raise _CutError

    def definitions(self, numbers: Iterator[int]) -> bytes:
        return self.script.definitions(numbers, deprecate_eof=self.deprecate_eof)

    def answer(self, command: bytes) -> None:
        numbers = itertools.count(1)
        kind, said = command[0], command[1:]
        if command[:1] == self.script.silent:
            return
        if kind == 0x16 and self.script.prepare_error is not None:
            self.send(packets(self.script.prepare_error, numbers))
        elif kind == 0x16:
            head = b"\0" + struct.pack("<IHHxH", 1, len(self.script.columns), 0, 0)
            self.send(packets(head, numbers) + self.definitions(numbers))
        elif kind == 0x17:
            self.send(self.script.result(deprecate_eof=self.deprecate_eof))
            if self.script.hang_up:
                raise _CutError
        elif said[:4].upper() in {b"SHOW", b"SELE"} and self.script.text_result is not None:
            self.send(self.script.text_result)
        else:
            self.send(packets(_OK, numbers))


_NATIVE = b"mysql_native_password"


def _scrambled(password: bytes) -> bytes:
    """Scramble as caching_sha2_password does: XOR(SHA256(p), SHA256(SHA256(SHA256(p)) + salt))."""
    once = hashlib.sha256(password).digest()
    twice = hashlib.sha256(once).digest()
    salted = hashlib.sha256(twice + _SALT).digest()
    return bytes(a ^ b for a, b in zip(once, salted, strict=True))
