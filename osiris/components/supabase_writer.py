"""The `supabase.writer` component: a table into a Supabase project, by PostgreSQL or over REST."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from osiris.components.component import Component, Connection, Example, Mode
from osiris.components.postgres_connection import Name, PostgresConnection
from osiris.components.table_writer import TableWriterConfig
from osiris.components.tls import Tls

_PORTS = {"https": 443, "http": 80}
_OF_POSTGRES = ("port", "database", "user", "password", "tls")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SupabaseConnection(Connection):
    """A Supabase project: its PostgreSQL (`host`, direct or a pooler), else its REST API (`url`).

    Where both are given, rows go by PostgreSQL. Over REST only append and upsert are possible.
    """

    host: Name | None = Field(
        None, description="PostgreSQL's host: db.<project>.supabase.co, or the pooler's"
    )
    port: int = Field(5432, ge=1, le=65535, description="6543 is the pooler in transaction mode")
    database: Name = "postgres"
    user: Name = Field("postgres", description="at a pooler postgres.<project>")
    password: SecretStr | None = None
    tls: Tls = Tls(mode="required")
    url: Name | None = Field(
        None, description="the project's address: https://<project>.supabase.co"
    )
    key: SecretStr | None = Field(
        None, description="its service key; the public key may do nothing"
    )
    connect_timeout: float = Field(10, gt=0, le=3600, description="seconds to wait for an answer")
    request_timeout: float = Field(
        60, gt=0, le=3600, description="over REST: seconds to wait for a request's answer"
    )

    @model_validator(mode="after")
    def _one_way_at_least(self) -> Self:
        if self.host is None and self.url is None:
            raise ValueError("set host (PostgreSQL) or url (REST)")
        if (self.url is None) != (self.key is None):
            raise ValueError("url and key go together")
        useless = sorted(self.model_fields_set & set(_OF_POSTGRES)) if self.host is None else []
        if useless:
            raise ValueError(f"{', '.join(useless)} go with host, which is not set")
        if self.url is not None and "${" not in self.url:
            self._check_url(self.url)
        return self

    def _check_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("url must be like https://project.supabase.co")
        if parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise ValueError("url must begin with https: the key would be sent in the open")
        if parts.query or parts.fragment or parts.username:
            raise ValueError("url has no user, query or fragment")

    @property
    def over_rest(self) -> bool:
        """Whether REST is the only way."""
        return self.host is None

    def postgres(self) -> PostgresConnection:
        """Return the connection to the project's PostgreSQL; `host` must be set."""
        names = {"host", "connect_timeout", *_OF_POSTGRES}
        return PostgresConnection.model_validate({name: getattr(self, name) for name in names})

    def hosts(self) -> Sequence[tuple[str, int]]:
        """Return the address that rows are sent to."""
        if self.host is not None:
            return ((self.host, self.port),)
        parts = urlsplit(self.url or "")
        return ((parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)),)


class SupabaseWriterConfig(TableWriterConfig):
    """Where the rows go and how; see the guide to writing into databases."""

    connection: SupabaseConnection

    @model_validator(mode="after")
    def _rest_can(self) -> Self:
        if not self.connection.over_rest:
            return self
        if self.write_mode == "replace":
            raise ValueError(
                "write_mode replace needs a PostgreSQL connection (host): over REST readers would "
                "find the table empty in between"
            )
        wanted = [
            name
            for name in ("on_new_column", "on_missing_column", "on_type_change")
            if getattr(self, name) == "evolve"
        ]
        if self.create_if_missing:
            wanted.append("create_if_missing")
        if wanted:
            raise ValueError(
                f"{', '.join(wanted)}: a table is made or changed by PostgreSQL (host) only, not "
                "over REST"
            )
        return self


COMPONENT = Component(
    name="supabase.writer",
    modes=frozenset({Mode.WRITE}),
    config=SupabaseWriterConfig,
    driver="osiris.drivers.supabase_writer:SupabaseWriterDriver",
    summary="Writes a table into a Supabase project, through PostgreSQL or its REST API.",
    extra="supabase",
    packages=("numpy", "psycopg", "httpx"),
    examples=(
        Example("Append the rows", {"connection": "@supabase.shop", "table": "movies"}),
        Example(
            "Rows with a known key take the place of the old ones",
            {
                "connection": "@supabase.shop",
                "table": "movies",
                "write_mode": "upsert",
                "primary_key": ["id"],
            },
        ),
    ),
)
