"""Whether the account of a connection may use anything in its database.

Asked of the server itself, table by table, since it alone knows what roles and patterns in grants
come to: https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html.
"""

from pathlib import Path
from typing import Final

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import MissingRightError, StepError
from osiris.drivers.mysql.connect import open_wire
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.receive import Receiver
from osiris.drivers.mysql.session import text_rows
from osiris.drivers.mysql.statement import run

# The server lists the tables on which the account has any right.
_TABLES: Final = """\
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
ORDER BY table_name LIMIT 200"""
# A right on the database or on everything that lets a step do something with tables.
_OF_DATABASE: Final = """\
SELECT privilege_type FROM information_schema.user_privileges
UNION ALL SELECT privilege_type FROM information_schema.schema_privileges
WHERE DATABASE() LIKE table_schema"""
_USEFUL: Final = frozenset({"SELECT", "INSERT", "CREATE"})
_BY_ROLE: Final = "SELECT CURRENT_ROLE()"
# What asks for each right and does nothing.
_TRIES: Final = ("SELECT 1 FROM {} LIMIT 0", "EXPLAIN INSERT INTO {} VALUES ()")


def check_rights(settings: MySQLConnection, base_dir: Path) -> None:
    """Log in, look what the account may do, and log out.

    Raises the error of the log-in, and `MissingRightError` where the account may neither read a
    table, nor write into one, nor make one.
    """
    wire = open_wire(settings, base_dir=base_dir, cancelled=CancelToken())
    try:
        usable = settings.database is None or _can_use_something(Receiver(wire))
    finally:
        wire.close(idle=True)
    if not usable:
        raise MissingRightError(
            f"the user {settings.user!r} may neither read nor write any table of database "
            f"{settings.database!r}",
            hint="grant the user SELECT (to write: INSERT) on the database or on its tables",
        )


def _can_use_something(receiver: Receiver) -> bool:
    rights = {str(right) for (right,) in text_rows(receiver, _OF_DATABASE)}
    if rights & _USEFUL:
        return True
    # Who has a table locked need not be waited for: rights come first.
    run(receiver, "SET SESSION lock_wait_timeout = 1")
    tables = [quoted(str(name)) for (name,) in text_rows(receiver, _TABLES)]
    if any(_allowed(receiver, sql.format(table)) for sql in _TRIES for table in tables):
        return True
    # What a role may do is not listed where there is no table to try.
    return not tables and _has_role(receiver)


def _allowed(receiver: Receiver, sql: str) -> bool:
    try:
        text_rows(receiver, sql)
    except MissingRightError:
        return False
    except StepError:
        return True  # refused for another reason, and rights come first
    return True


def _has_role(receiver: Receiver) -> bool:
    try:
        ((role,),) = text_rows(receiver, _BY_ROLE)
    except StepError:
        return False  # a server from before there were roles
    return role not in {None, "NONE"}
