"""What the mysql.extractor accepts: every option that would be ignored is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from osiris.components.mysql_extractor import COMPONENT, MySQLConnection, MySQLExtractorConfig
from osiris.components.registry import ComponentRegistry
from osiris.components.tls import Tls

CONNECTION = {"host": "db", "user": "u", "password": "p"}


def _config(**options: Any) -> MySQLExtractorConfig:
    return MySQLExtractorConfig.model_validate({"connection": CONNECTION, **options})


def test_it_is_found_by_its_name() -> None:
    assert ComponentRegistry()["mysql.extractor"] is COMPONENT
    assert COMPONENT.connection is MySQLConnection


@pytest.mark.parametrize("example", COMPONENT.examples, ids=lambda example: example.title)
def test_the_examples_are_valid(example: Any) -> None:
    _config(**{key: value for key, value in example.config.items() if key != "connection"})


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "set either query or table"),
        ({"query": "SELECT 1", "table": "t"}, "set either query or table"),
        ({"query": "SELECT 1", "columns": ["a"]}, "columns and limit go with table"),
        ({"query": "SELECT 1", "limit": 5}, "columns and limit go with table"),
        ({"query": ""}, "at least 1 character"),
        ({"table": "t", "columns": []}, "at least 1 item"),
        ({"table": "t", "columns": [""]}, "at least 1 character"),
        ({"table": "t", "columns": ["a", "b", "a"]}, "columns names more than once: a"),
        ({"table": "t\0"}, "cannot hold a NUL"),
        ({"table": "t", "columns": ["a\0"]}, "cannot hold a NUL"),
        ({"table": "t", "limit": -1}, "greater than or equal to 0"),
        ({"table": "t", "tinyint1": "boolean"}, "'int8' or 'bool'"),
        ({"table": "t", "zero_dates": "keep"}, "'null' or 'error'"),
        ({"table": "t", "where": "a = 1"}, "Extra inputs"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _config(**options)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"socket": "/s"}, "socket stands instead of host and port"),
        ({"host": None, "socket": "/s", "port": 3306}, "Input should be a valid string"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"port": 65536}, "less than or equal to 65535"),
        ({"host": ""}, "at least 1 character"),
        ({"connect_timeout": 0}, "greater than 0"),
        ({"passwd": "x"}, "Extra inputs"),
        ({"tls": {"mode": "on"}}, "'disabled', 'preferred'"),
        ({"tls": {"ca": "ca.pem"}}, "ca is not looked at in mode preferred"),
        ({"tls": {"mode": "required", "ca": "ca.pem"}}, "ca is not looked at in mode required"),
        ({"tls": {"cert": "c.pem"}}, "cert is not sent in mode preferred"),
        ({"tls": {"mode": "disabled", "cert": "c.pem"}}, "cert is not sent in mode disabled"),
        ({"tls": {"mode": "required", "key": "k.pem"}}, "set cert as well"),
    ],
)
def test_what_a_connection_would_ignore_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MySQLConnection.model_validate({**CONNECTION, **fields})


def test_a_socket_has_no_host_to_verify() -> None:
    with pytest.raises(ValidationError, match="no host name to verify"):
        MySQLConnection(socket="/s", user="u", tls=Tls(mode="verify_identity"))


def test_the_hosts_it_reaches() -> None:
    assert MySQLConnection(host="db", port=3307, user="u").hosts() == (("db", 3307),)
    assert MySQLConnection(user="u").hosts() == (("localhost", 3306),)
    assert MySQLConnection(socket="/s", user="u").hosts() == ()
    assert MySQLConnection.model_validate({**CONNECTION, "port": "3308"}).port == 3308


def test_the_password_is_not_shown() -> None:
    connection = MySQLConnection.model_validate({**CONNECTION, "password": "hunter2"})
    assert "hunter2" not in f"{connection!r}{connection}{connection.model_dump_json()}"
