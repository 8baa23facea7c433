"""Whether the account of a connection may use anything in its database.

From the catalog: https://www.postgresql.org/docs/current/functions-info.html, "Access Privilege
Inquiry Functions". Tables that belong to an extension do not count: everybody may read some.
"""

from pathlib import Path
from typing import Final

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, MissingRightError
from osiris.drivers.postgres.wire.session import Row, rows
from osiris.drivers.postgres.wire.start_up import open_wire

_RIGHTS: Final = """\
WITH own AS (
    SELECT oid, pg_catalog.has_schema_privilege(oid, 'USAGE') AS usable,
        pg_catalog.has_schema_privilege(oid, 'CREATE') AS open
    FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT count(c.oid), count(c.oid) FILTER (
        WHERE usable AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT')),
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
    OR (SELECT pg_catalog.bool_or(usable AND open) FROM own)
FROM own JOIN pg_catalog.pg_class c ON c.relnamespace = own.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""


def check_rights(settings: PostgresConnection, base_dir: Path) -> None:
    """Log in, look what the account may do, and log out.

    Raises the error of the log-in, and `MissingRightError` where there are tables and the account
    may neither read one, nor write into one, nor make one.
    """
    receiver = open_wire(settings, base_dir=base_dir, cancelled=CancelToken())
    try:
        found = rows(receiver, _RIGHTS)
    except ConfigError:
        found = []  # something that speaks PostgreSQL's protocol and has another catalog
    finally:
        receiver.wire.close()
    for row in found:
        _refuse_nothing(row, settings)


def _refuse_nothing(row: Row, settings: PostgresConnection) -> None:
    tables, usable, may_create = row
    if tables != "0" and usable == "0" and may_create != "t":
        raise MissingRightError(
            f"the user {settings.user!r} may neither read nor write any of the {tables} tables of "
            f"database {settings.database!r}",
            hint="grant the user USAGE on the schema, and SELECT (to write: INSERT) on its tables",
        )
