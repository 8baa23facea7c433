"""`osiris connections`: what is shown, what is found out, and never a secret."""

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import Done, Osiris
from tests.conftest import Database

CANARY = "canary-Qz8-pass'w\"ord"
URL_CANARY = "canary-in-a-url"


def _write(osiris: Osiris, connections: Mapping[str, Any]) -> None:
    text = yaml.safe_dump({"connections": connections})
    (osiris.cwd / "osiris_connections.yaml").write_text(text)


def _mysql(osiris: Osiris, **fields: Any) -> None:
    fields = {"host": "127.0.0.1", "user": "reader", "password": "${MY_PASSWORD}", **fields}
    _write(osiris, {"mysql": {"shop": fields}})


def _only(done: Done) -> dict[str, Any]:
    (trial,) = done.document["connections"]
    assert CANARY not in done.out + done.err
    return dict(trial)


@pytest.fixture
def shop(osiris: Osiris) -> Osiris:
    """The program in a project whose variable is set to the canary."""
    return Osiris(osiris.cwd, {"MY_PASSWORD": CANARY})


def test_no_file_means_no_connections(osiris: Osiris) -> None:
    done = osiris("connections", "list")
    assert done.code == 0
    assert "there are no connections in" in done.out
    assert osiris("connections", "list", "--json").document == {"connections": [], "problems": []}
    assert osiris("connections", "doctor").code == 0


def test_fields_and_variables_are_shown(shop: Osiris) -> None:
    _mysql(
        shop, port="${PORT:-3306}", database="${SHOP_DB}", tls={"mode": "required"}, default=True
    )
    done = shop("connections", "list")
    assert done.code == 0
    assert done.out.splitlines() == [
        "@mysql.shop  (default)",
        "  database: ${SHOP_DB}",
        "  host: 127.0.0.1",
        "  password: ${MY_PASSWORD}",
        "  port: ${PORT:-3306}",
        "  tls.mode: required",
        "  user: reader",
        "  variable SHOP_DB: missing",
        "  variable MY_PASSWORD: set",
        "  variable PORT: default",
    ]
    (item,) = shop("connections", "list", "--json").document["connections"]
    assert item["variables"] == {"SHOP_DB": "missing", "MY_PASSWORD": "set", "PORT": "default"}
    assert item["components"] == ["mysql.extractor", "mysql.writer"]
    assert item["default"] is True
    assert CANARY not in done.out


def test_a_dotenv_counts_as_set(osiris: Osiris) -> None:
    _mysql(osiris)
    (osiris.cwd / ".env").write_text(f"MY_PASSWORD={CANARY}\n")
    (item,) = osiris("connections", "list", "--json").document["connections"]
    assert item["variables"] == {"MY_PASSWORD": "set"}


@pytest.mark.parametrize(
    "family,fields",
    [
        ("mysql", {"user": "u", "password": CANARY}),
        ("mysql", {"user": "u", "password": "${MY_PASSWORD:-" + CANARY.replace("'", "") + "}"}),
        ("mysql", {"user": "u", "api_key": CANARY}),
        ("mysql", {"user": "u", "host": f"https://u:{URL_CANARY}@h/"}),
        ("mysql", {"user": "u", "tls": {"mode": "required", "password": CANARY}}),
        ("unknown", {"anything": CANARY, "deeper": {"list": [CANARY]}}),
        ("mysql", {"user": "u", "host": [CANARY]}),
    ],
)
def test_a_secret_in_the_file_is_reported_and_not_shown(
    osiris: Osiris, family: str, fields: dict[str, Any]
) -> None:
    _write(osiris, {family: {"shop": fields}})
    for arguments in (("list",), ("list", "--json"), ("doctor",), ("doctor", "--json")):
        done = osiris("connections", *arguments)
        assert done.code == 3, arguments
        for secret in (CANARY, CANARY.replace("'", ""), URL_CANARY):
            assert secret not in done.out + done.err
    assert "***" in osiris("connections", "list").out


@pytest.mark.parametrize(
    "text,words",
    [
        ("connections: [1]", "must be a mapping"),
        ("conections: {}", "did you mean 'connections'?"),
        ("connections: {mysql: {a: {user: u", "YAML syntax"),
        ("", "the file is empty"),
    ],
)
def test_a_broken_file_is_told_with_its_place(osiris: Osiris, text: str, words: str) -> None:
    (osiris.cwd / "osiris_connections.yaml").write_text(text)
    for verb in ("list", "doctor"):
        done = osiris("connections", verb)
        assert done.code == 3
        assert words in done.out
        assert re.search(r"^osiris_connections\.yaml:[12]:\d+: ", done.out, re.MULTILINE)


def test_a_missing_variable(osiris: Osiris) -> None:
    _mysql(osiris)
    done = osiris("connections", "doctor", "--json")
    assert done.code == 4
    trial = _only(done)
    assert (trial["state"], trial["ok"]) == ("missing_variable", False)
    assert trial["error"]["code"] == "environment.missing_variable"
    assert "MY_PASSWORD" in trial["error"]["message"]


def test_a_value_of_a_variable_that_does_not_fit(shop: Osiris) -> None:
    _mysql(shop, port="${SHOP_PORT}")
    done = shop("connections", "doctor", "--json", SHOP_PORT="many")
    assert done.code == 3
    assert _only(done)["state"] == "invalid"
    assert "port" in _only(done)["error"]["message"]


def test_a_host_that_is_not_there(shop: Osiris) -> None:
    _mysql(shop, host="no-such-host.invalid")
    done = shop("connections", "doctor", "--json")
    assert done.code == 1
    assert _only(done)["state"] == "unknown_host"


def test_nobody_listens(shop: Osiris) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _mysql(shop, port=port)
    done = shop("connections", "doctor")
    assert done.code == 1
    assert f"nothing listens at 127.0.0.1:{port} (connection refused)" in done.out
    assert "hint: check host and port" in done.out
    assert _only(shop("connections", "doctor", "--json"))["state"] == "refused"


def test_somebody_who_does_not_answer(shop: Osiris) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _mysql(shop, port=silent.getsockname()[1], connect_timeout=0.3)
        done = shop("connections", "doctor", "--json")
    assert done.code == 1
    assert "did not answer within 0.3 s" in _only(done)["error"]["message"]


def test_something_else_listens(shop: Osiris) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _mysql(shop, port=server.getsockname()[1], connect_timeout=2)
        process = shop.start("connections", "doctor", "--json")
        for _ in range(2):  # once to see whether somebody listens, once to log in
            peer, _address = server.accept()
            peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            peer.close()
        out, err = process.communicate(timeout=30)
    trial = _only(Done(process.returncode, out, err))
    assert trial["ok"] is False
    assert "does not speak the MySQL protocol" in trial["error"]["message"]


@pytest.fixture
def reachable(osiris: Osiris, database: Database) -> tuple[Osiris, dict[str, Any]]:
    """The program, and fields of a connection to the tests' server that works."""
    fields = database.connection()
    password = str(fields.pop("password"))
    return Osiris(osiris.cwd, {"MY_PASSWORD": password}), fields


def test_one_that_works(reachable: tuple[Osiris, dict[str, Any]]) -> None:
    osiris, fields = reachable
    _mysql(osiris, **fields)
    done = osiris("connections", "doctor")
    assert done.code == 0, done.out
    assert done.out.splitlines()[1].split()[:2] == ["@mysql.shop", "ok"]
    trial = _only(osiris("connections", "doctor", "mysql.shop", "--json"))
    assert (trial["state"], trial["error"]) == ("ok", None)
    assert 0 < trial["seconds"] < 60


@pytest.mark.parametrize(
    "change,env,state",
    [
        ({}, {"MY_PASSWORD": CANARY}, "authentication"),
        ({"user": "nobody"}, {}, "authentication"),
        ({"database": "no_such_database"}, {}, "unknown_database"),
        ({"tls": {"mode": "verify_identity"}}, {}, "tls"),
    ],
)
def test_what_the_server_refuses_is_told_apart(
    reachable: tuple[Osiris, dict[str, Any]],
    change: dict[str, Any],
    env: dict[str, str],
    state: str,
) -> None:
    osiris, fields = reachable
    _mysql(osiris, **{**fields, **change})
    done = Osiris(osiris.cwd, {**osiris.env, **env})("connections", "doctor", "--json")
    assert done.code == 1
    trial = _only(done)
    assert trial["state"] == state, trial
    assert trial["error"]["hint"]


def test_every_connection_is_tried_and_one_can_be_named(
    reachable: tuple[Osiris, dict[str, Any]],
) -> None:
    osiris, fields = reachable
    good = {**fields, "password": "${MY_PASSWORD}"}
    bad = {**good, "host": "no-such-host.invalid"}
    _write(osiris, {"mysql": {"good": good, "bad": bad}})
    done = osiris("connections", "doctor", "--json")
    assert done.code == 1
    states = {trial["ref"]: trial["state"] for trial in done.document["connections"]}
    assert states == {"@mysql.good": "ok", "@mysql.bad": "unknown_host"}
    assert osiris("connections", "doctor", "@mysql.good").code == 0
    unknown = osiris("connections", "doctor", "@mysql.goood")
    assert unknown.code == 2
    assert "did you mean '@mysql.good'?" in unknown.err


def test_a_family_whose_driver_cannot_try(sample: Osiris) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        done = sample("connections", "doctor", "--json", VAULT_TOKEN=CANARY)
    assert done.code == 0
    trial = _only(done)
    assert (trial["state"], trial["ok"]) == ("reachable", True)


def test_a_driver_whose_package_is_missing(shop: Osiris, tmp_path: Path) -> None:
    """A package that shadows pymysql and cannot be imported stands for one that is missing."""
    shadow = tmp_path / "shadow" / "pymysql"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ModuleNotFoundError(name='pymysql')\n")
    _mysql(shop)
    path = f"{shadow.parent}:{shop.environment['PYTHONPATH']}"
    done = shop("connections", "doctor", "--json", PYTHONPATH=path)
    assert done.code == 4
    trial = _only(done)
    assert trial["state"] == "missing_dependency"
    assert trial["error"]["hint"] == "pip install 'osiris-run[mysql]'"
