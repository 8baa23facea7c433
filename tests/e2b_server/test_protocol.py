"""What the SDK speaks is what was written down: a change of its protocol is seen here first.

The server is made of the SDK's own generated classes, which are no public interface. When this
fails, look at what has changed, teach the server, and write the new text: run this file as a
program (`python -m tests.e2b_server.test_protocol`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from e2b.envd.filesystem import filesystem_pb
from e2b.envd.process import process_pb

WRITTEN = Path(__file__).with_name("envd_protocol.txt")
# What the oldest SDK that is supported does not know yet.
ADDED_LATER = {"field filesystem.EntryInfo.is_symlink = 12 (isSymlink)"}


def spoken() -> list[str]:
    """Return the services' methods and the messages' fields, one a line, sorted."""
    lines: list[str] = []
    for module in (process_pb, filesystem_pb):
        described: Any = module.desc()
        for service in described.services:
            for method in service.methods:
                types = f"{method.input.type_name} -> {method.output.type_name}"
                lines.append(f"rpc {service.type_name}/{method.name} {types}")
        for message in described.messages:
            lines += fields_of(message)
    return sorted(lines)


def fields_of(message: Any) -> Iterator[str]:
    """Give a message's fields and those of the messages inside it."""
    for field in message.fields:
        yield f"field {message.type_name}.{field.name} = {field.number} ({field.json_name})"
    for inner in message.nested_messages:
        yield from fields_of(inner)


def test_the_protocol_is_the_one_that_was_written_down() -> None:
    written, said = set(WRITTEN.read_text().splitlines()), set(spoken())
    assert said - written == set()
    assert written - said <= ADDED_LATER


if __name__ == "__main__":
    WRITTEN.write_text("\n".join(spoken()) + "\n")
