"""What a MySQL error means to a writer, where that is not what it means to a reader."""

from typing import Final

from osiris.core.errors import (
    ConfigError,
    DataError,
    MissingRightError,
    StepError,
    SystemStepError,
    TransientStepError,
)
from osiris.drivers.mysql.errors import server_error
from osiris.drivers.relational.meaning import Meaning

_DATA_HINT: Final = "correct the data or the query; nothing was written"
_GRANT: Final = (
    "grant the user SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER and DROP on the database"
)
_RETRY: Final = "nothing was written; the step can be tried again: set `retry` on it"
_SPACE: Final = "free space on the database server; nothing was written"


def _data(what: str) -> Meaning:
    return Meaning(DataError, what, _DATA_HINT)


_WRITING: Final[dict[int, Meaning]] = {
    **dict.fromkeys((1021, 1114), Meaning(SystemStepError, "the server has no room left", _SPACE)),
    **dict.fromkeys(
        (1044, 1142, 1143, 1227, 1410),
        Meaning(MissingRightError, "the user may not write this table", _GRANT),
    ),
    **dict.fromkeys(
        (1062, 1586), _data("a row has a key that another row has (in the table or the input)")
    ),
    **dict.fromkeys((1216, 1217, 1451, 1452), _data("a row breaks a foreign key")),
    **dict.fromkeys((3819, 4025), _data("a row breaks a CHECK constraint of the table")),
    **dict.fromkeys((1048, 1263, 1364), _data("a column that must not be NULL gets no value")),
    **dict.fromkeys(
        (1264, 1265, 1292, 1366, 1406, 1411, 1300, 3140), _data("a value does not fit its column")
    ),
    1030: Meaning(SystemStepError, "the server's storage engine failed", _SPACE),
    1050: Meaning(TransientStepError, "somebody else made the table meanwhile", _RETRY),
    **dict.fromkeys(
        (1005, 1071, 1074, 1101, 1117, 1118, 1170, 3750),
        Meaning(
            ConfigError,
            "MySQL cannot make such a table",
            "make the table by hand, or write fewer columns",
        ),
    ),
    **dict.fromkeys(
        (1290, 1836, 1792, 3032),
        Meaning(ConfigError, "the server is read-only", "connect to the server that takes writes"),
    ),
    1153: Meaning(
        ConfigError,
        "a row is larger than max_allowed_packet",
        "raise max_allowed_packet on the server",
    ),
    **dict.fromkeys(
        (1205, 3572), Meaning(TransientStepError, "waited too long for a lock", _RETRY)
    ),
    1206: Meaning(TransientStepError, "the server has no room for more locks", _RETRY),
    1213: Meaning(TransientStepError, "the write was chosen to resolve a deadlock", _RETRY),
    1412: Meaning(TransientStepError, "the table was changed meanwhile", _RETRY),
}


def write_error(number: int, sqlstate: str, text: str, where: str) -> StepError:
    """Return the step's error for an error packet that answers a statement of a writer."""
    meaning = _WRITING.get(number)
    if meaning is None:
        return server_error(number, sqlstate, text, where)
    message = f"{meaning.what}: {text} (MySQL error {number} at {where})"
    return meaning.error(message, hint=meaning.hint)
