"""A private MySQL server in MariaDB's place, where OSIRIS_TEST_MYSQLD names the program mysqld."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final

from tests.support.mariadb import MariaDBServer

MYSQLD: Final[str | None] = os.environ.get("OSIRIS_TEST_MYSQLD")
"""The program; without it the tests run with MariaDB."""


class MySQLServer(MariaDBServer):
    """One MySQL server and its files in one directory; what `MariaDBServer` says holds for it."""

    packages: Mapping[str, str] = {"mariadb": "mariadb-client-core", "setpriv": "util-linux"}
    server_options = (
        "--bind-address=127.0.0.1",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
        "--innodb-buffer-pool-size=64M",
        "--innodb-doublewrite=OFF",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-flush-method=nosync",
        "--innodb-redo-log-capacity=64M",
        "--max-allowed-packet=256M",
        "--mysqlx=OFF",
        # Rows of a join come in the order of its tables, as those of MariaDB's sequences do.
        "--optimizer-switch=block_nested_loop=off",
        "--performance-schema=OFF",
        "--secure-file-priv=",
        "--skip-log-bin",
        "--skip-name-resolve",
    )

    def server_program(self) -> list[str]:
        """The program that the environment names."""
        return [str(MYSQLD), "--no-defaults"]

    def install_command(self) -> list[str]:
        """The server makes its data directory itself."""
        return [
            *self.server_program(),
            "--initialize-insecure",
            "--innodb-flush-method=nosync",
            "--skip-log-bin",
        ]


_SEQUENCE: Final = re.compile(r"seq_([0-9]+)_to_([0-9]+)")
_WIDTH: Final = re.compile(r"(int)\([0-9]+\)")
_DIGITS: Final = "(VALUES " + ", ".join(f"ROW({digit})" for digit in range(10)) + ")"


def sequences(source: str) -> Iterator[str]:
    """Yield statements that make views of what MariaDB has as tables: `seq_1_to_100`."""
    for name, first, last in {(m[0], int(m[1]), int(m[2])) for m in _SEQUENCE.finditer(source)}:
        powers = range(len(str(last - first)) - 1, -1, -1)
        digits = " STRAIGHT_JOIN ".join(f"{_DIGITS} AS d{power}" for power in powers)
        value = " + ".join(f"d{power}.column_0 * {10**power}" for power in powers)
        number = f"CAST({first} + {value} AS UNSIGNED)"
        limit = "" if 10 ** len(powers) == last - first + 1 else f" WHERE {number} <= {last}"
        yield f"CREATE VIEW {name} AS SELECT {number} AS seq FROM {digits}{limit};"


def shown_type(column: str) -> str:
    """What MariaDB shows as a column's type, as the server under test does: MySQL has no widths."""
    return column if MYSQLD is None else _WIDTH.sub(r"\1", column)


def make_database(server: MariaDBServer, name: str, source: str) -> None:
    """Make a database; in MySQL with the sequences that a test's source names."""
    server.execute(f"CREATE DATABASE {name}")
    if MYSQLD:
        server.script("".join(sequences(source)), name)


def private_server() -> type[MariaDBServer]:
    """The kind of server that the tests run with."""
    return MySQLServer if MYSQLD else MariaDBServer
