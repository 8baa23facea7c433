"""The `supabase.extractor` component: a query or a table of a Supabase project's PostgreSQL."""

from typing import Self

from pydantic import model_validator

from osiris.components.component import Component, Example, Mode
from osiris.components.postgres_extractor import PostgresReading
from osiris.components.supabase_writer import SupabaseConnection


class SupabaseExtractorConfig(PostgresReading):
    """What to read: a `query`, or a `table` with the `columns` and the `limit` wanted."""

    connection: SupabaseConnection

    @model_validator(mode="after")
    def _by_postgres(self) -> Self:
        if self.connection.over_rest:
            raise ValueError(
                "reading needs a PostgreSQL connection (host): over REST there is neither one "
                "state of the data nor every type"
            )
        return self


COMPONENT = Component(
    name="supabase.extractor",
    modes=frozenset({Mode.READ}),
    config=SupabaseExtractorConfig,
    driver="osiris.drivers.supabase_extractor:SupabaseExtractorDriver",
    summary="Reads a table or the rows of a query from a Supabase project's PostgreSQL.",
    extra="supabase",
    packages=("numpy",),
    examples=(
        Example("A whole table", {"connection": "@supabase.shop", "table": "movies"}),
        Example(
            "A query over a schema of one's own",
            {
                "connection": "@supabase.shop",
                "query": "SELECT id, email FROM auth.users ORDER BY id",
            },
        ),
    ),
)
