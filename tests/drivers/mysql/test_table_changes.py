"""The statements that make and change tables, without a server."""

import pyarrow as pa
import pytest

from osiris.core.errors import ConfigError, SystemStepError
from osiris.drivers.mysql.column_types import members, new_type
from osiris.drivers.mysql.dialect import MySQLDialect
from osiris.drivers.mysql.table_changes import create_table, definitions, evolve, keyed
from osiris.drivers.mysql.table_facts import Place
from osiris.drivers.relational.column_type import Column
from osiris.drivers.relational.plan import Evolution

PLACE = Place("d", "a`b")
# As MySQL 8 and MariaDB show a table.
SHOWN = """CREATE TABLE `t` (
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'the, `id`\\n  `v` int',
  `v` varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'a NOT NULL',
  `e` enum('x','y,z') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB"""


def column(name: str, arrow: pa.DataType, *, nullable: bool = True) -> Column:
    return Column(name, new_type(arrow), nullable=nullable)


def test_a_table_with_a_key() -> None:
    made = keyed(
        [
            column("k", pa.string(), nullable=False),
            column("b", pa.binary()),
            column("n", pa.int8()),
        ],
        ["k"],
        "utf8mb4_bin",
    )
    assert create_table(PLACE, made, ["k"]) == (
        "CREATE TABLE `d`.`a``b` (`k` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        " NOT NULL, `b` longblob NULL, `n` tinyint NULL, PRIMARY KEY (`k`))"
        " ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"
    )
    assert made[0].type.length == 255


def test_a_change_says_all_again_that_a_column_has() -> None:
    changes = [
        Evolution("type_widened", column("id", pa.int64()), "int(11)"),
        Evolution("not_null_dropped", column("v", pa.string())),
        Evolution("column_added", column("new", pa.float64())),
    ]
    assert evolve(PLACE, changes, definitions(SHOWN)) == (
        "ALTER TABLE `d`.`a``b`"
        " MODIFY COLUMN `id` bigint NOT NULL AUTO_INCREMENT COMMENT 'the, `id`\\n  `v` int',"
        " MODIFY COLUMN `v` varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NULL"
        " DEFAULT 'a NOT NULL',"
        " ADD COLUMN `new` double NULL"
    )


def test_what_is_not_understood_is_not_changed() -> None:
    unknown = [Evolution("type_widened", column("id", pa.int64()), "mediumint")]
    with pytest.raises(SystemStepError, match="cannot tell the type"):
        evolve(PLACE, unknown, definitions(SHOWN))
    with pytest.raises(SystemStepError, match="does not show"):
        definitions(SHOWN)("nobody")


@pytest.mark.parametrize(
    "full,found",
    [
        ("enum('a','b')", ["a", "b"]),
        ("set('x','y,z')", ["x", "y,z"]),
        ("enum('it''s','','a\\\\b','\\n')", ["it's", "", "a\\b", "\n"]),
    ],
)
def test_the_members_of_a_list(full: str, found: list[str]) -> None:
    assert members(full) == found


def test_names() -> None:
    dialect = MySQLDialect()
    assert dialect.fold("ÄbC") == "äbc"
    assert dialect.fold("İ") == "İ"  # two characters in lower case: not so for the server
    dialect.check_names(["x" * 64, "a b", "`", "漢"])
    for wrong in ("x" * 65, "a ", "", "😀", "a\0"):
        with pytest.raises(ConfigError, match="cannot have the name"):
            dialect.check_names([wrong])
