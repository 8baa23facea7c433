"""The connection to a PostgreSQL server, which reader and writer share."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from osiris.components.component import Connection
from osiris.components.tls import Tls

Name = Annotated[str, Field(pattern=r"^[^\x00]+$")]
"""A text that is not empty; PostgreSQL has no NUL character in a text."""

Setting = str | int | float | bool

_SETTING_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")


class PostgresConnection(Connection):
    """Where a PostgreSQL server is and who asks; `socket` stands instead of host."""

    host: Name = Field("localhost", description="name or address of the server")
    port: int = Field(5432, ge=1, le=65535)
    socket: Name | None = Field(
        None,
        pattern=r"^/",
        description="directory of a Unix socket (/var/run/postgresql), instead of host",
    )
    database: Name = Field(description="database to connect to")
    user: Name
    password: SecretStr | None = None
    tls: Tls = Tls()
    connect_timeout: float = Field(
        10, gt=0, le=3600, description="seconds to wait for the server while connecting"
    )
    options: Mapping[str, Setting] = Field(
        {},
        description="settings of the server for this connection, such as search_path or"
        " statement_timeout; sent while connecting, which some poolers do not allow",
    )

    @field_validator("options")
    @classmethod
    def _are_settings(cls, options: Mapping[str, Setting]) -> Mapping[str, Setting]:
        for name, value in options.items():
            if not _SETTING_NAME.fullmatch(name):
                msg = f"{name!r} is not the name of a setting of PostgreSQL"
                raise ValueError(msg)
            if isinstance(value, str) and "\0" in value:
                msg = f"the value of {name} holds a NUL character"
                raise ValueError(msg)
        return options

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.socket and "host" in self.model_fields_set:
            msg = "socket stands instead of host; name one or the other"
            raise ValueError(msg)
        if self.socket and self.tls.mode not in {"disabled", "preferred"}:
            msg = "PostgreSQL has no TLS on a Unix socket; leave tls out"
            raise ValueError(msg)
        return self

    def hosts(self) -> Sequence[tuple[str, int]]:
        """Return the server's address; nothing for a Unix socket."""
        return () if self.socket else ((self.host, self.port),)
