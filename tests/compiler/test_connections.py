"""Connections: found by reference, checked by their model, never with a secret in plain text."""

import json

import pytest

from tests.compiler.pipelines import CARET, carets, compile_text, positions

PIPELINE = """\
oml_version: 0.1.0
name: sample
steps:
  - id: a
    component: shop.extractor
    mode: read
    config:
      table: t
      connection: {ref}
"""
SECRET = "hunter2-canary"


def using(ref: str) -> str:
    return PIPELINE.format(ref=ref)


def file_with(fields: str, more: str = "") -> str:
    return f"connections:\n  shop:\n    main: {fields}\n{more}"


def test_the_described_connection_goes_into_the_config_and_the_reference_out_of_it() -> None:
    compiled = compile_text(using("'@shop.main'")).require()
    step = json.loads(compiled.cfgs["a"])
    assert step["config"] == {"table": "t"}
    assert step["connection"] == {
        "ref": "@shop.main",
        "fields": {"host": "db.example", "user": "reader", "password": "${SHOP_PASSWORD}"},
    }
    assert compiled.manifest.variables == {"SHOP_PASSWORD": True}


def test_the_default_connection() -> None:
    marked = compile_text(using("'@shop'")).require()
    assert json.loads(marked.cfgs["a"])["connection"]["ref"] == "@shop.main"
    named = "connections: {shop: {default: {user: x}, other: {user: y}}}\n"
    by_name = compile_text(using("'@shop'"), connections=named).require()
    assert json.loads(by_name.cfgs["a"])["connection"]["ref"] == "@shop.default"


def test_params_choose_a_connection() -> None:
    text = using('"@shop.${params.env}"').replace("steps:", "params: {env: other}\nsteps:")
    compiled = compile_text(text).require()
    assert json.loads(compiled.cfgs["a"])["connection"]["ref"] == "@shop.other"


@pytest.mark.parametrize(
    "ref,connections,message",
    [
        ("‸'@shop.mian'", None, "no connection '@shop.mian' (did you mean '@shop.main'?)"),
        ("‸'@shop.zzz'", None, "family 'shop': one of @shop.main, @shop.other"),
        ("‸'@shp.main'", None, "takes 'shop' (did you mean 'shop'?)"),
        ("‸'@file.x'", None, "is of another family"),
        ("‸main", None, "a connection is a reference like '@shop.main', not this text"),
        ("‸{user: x}", None, "not a mapping (describe the connection itself in"),
        ("‸7", None, "not a number"),
        ("‸~", None, "not empty"),
        ("‸'@shop'", "connections: {shop: {x: {user: a}}}", "no default connection"),
        ("‸'@shop'", "connections: {shop: {}}", "no default connection"),
        (
            "‸'@shop'",
            "connections: {shop: {x: {user: a, default: true}, y: {user: b, default: true}}}",
            "'@shop' is ambiguous: x, y have default: true",
        ),
        ("‸'@shop.main'", "", "write osiris_connections.yaml"),
    ],
)
def test_references_that_lead_nowhere(ref: str, connections: str | None, message: str) -> None:
    text = using(ref)
    result = (
        compile_text(text)
        if connections is None
        else compile_text(text, connections=connections or None)
    )
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]
    assert message in str(result.problems[0])


def test_a_missing_reference_is_a_missing_option() -> None:
    text = using("x").replace("      connection: x\n", "").replace("table", "‸table")
    result = compile_text(text)
    assert positions(result.problems) == carets(text)
    assert "shop.extractor needs the option 'connection'" in result.problems[0].message


@pytest.mark.parametrize(
    "connections,message",
    [
        (file_with("{user: a, ‸hots: b}"), "unknown option 'hots' (did you mean 'host'?)"),
        (file_with("{user: a, port: ‸x}"), "connections.shop.main.port: should be a valid integer"),
        (file_with("{user: a, port: ‸70000}"), "less than or equal to 65535"),
        (file_with("{user: ‸''}"), "at least 1 character"),
        (file_with("‸{host: b}"), "a connection of shop needs the option 'user'"),
        (file_with("‸text"), "a connection must be a mapping, not text"),
        (file_with("{user: a, default: ‸1}"), "default must be true or false, not a number"),
        (file_with("{user: a, ‸user: b}"), "key 'user' is already used"),
        (file_with("{user: a, tls: {mode: ‸of}}"), "should be 'off' or 'required'"),
        (file_with("{user: a, tls: {‸mod: off}}"), "unknown option 'mod' (did you mean 'mode'?)"),
        (file_with("{user: '‸${a-b}'}"), "begins no placeholder"),
        (file_with("{user: '‸${params.x}'}"), "begins no placeholder"),
        (file_with("{user: a}", "‸more: 1\n"), "unknown key 'more'"),
        ("‸[1]\n", "the file of connections is a mapping"),
        ("connections: ‸[1]\n", "connections must be a mapping"),
        ("connections:\n  shop: ‸1\n", "the family 'shop' must be a mapping"),
        ("connections: {shop: {main: {user: @a}}}", "text may not begin with @"),
    ],
)
def test_mistakes_in_the_connections_file(connections: str, message: str) -> None:
    if CARET not in connections:
        connections = connections.replace("@a", "‸@a")
    result = compile_text(using("'@shop.main'"), connections=connections)
    own = [p for p in result.problems if p.file == "osiris_connections.yaml"]
    assert positions(own) == carets(connections), [str(p) for p in result.problems]
    assert message in str(own[0])


@pytest.mark.parametrize(
    "value,fine",
    [
        ("${SHOP_PASSWORD}", True),
        ("${A}${B}", True),
        ("${A:-}", True),
        ("", True),
        (SECRET, False),
        (f"${{A:-{SECRET}}}", False),
        (f"{SECRET}${{A}}", False),
        ("$${A}", False),
    ],
)
def test_a_secret_field_must_be_a_placeholder(value: str, fine: bool) -> None:
    connections = file_with(f'{{user: a, password: ‸"{value}"}}')
    result = compile_text(using("'@shop.main'"), connections=connections)
    assert positions(result.problems) == ([] if fine else carets(connections))
    if not fine:
        assert "write ${SHOP_PASSWORD} and set the variable in .env" in str(result.problems[0])
        assert SECRET not in str(result.problems)


def test_a_secret_number_is_a_secret_too() -> None:
    connections = file_with("{user: a, password: ‸1234}")
    result = compile_text(using("'@shop.main'"), connections=connections)
    assert set(positions(result.problems)) == set(carets(connections))
    assert "1234" not in str(result.problems)


def test_a_nested_secret_field_must_be_a_placeholder() -> None:
    connections = file_with(f"{{user: a, tls: {{key_password: ‸{SECRET}}}}}")
    result = compile_text(using("'@shop.main'"), connections=connections)
    assert positions(result.problems) == carets(connections)
    assert SECRET not in str(result.problems)


def test_an_inline_connection_does_not_disclose_its_password() -> None:
    result = compile_text(using(f"{{user: a, password: {SECRET}}}"))
    assert any("must not be written out" in p.message for p in result.problems)
    assert SECRET not in str(result.problems)
    result = compile_text(using(f"'mysql://a:{SECRET}@db/x'"))
    assert SECRET not in str(result.problems)


@pytest.mark.parametrize(
    "connections",
    [
        file_with("{user: a}", "    idle: {port: x, password: literal}\n"),
        file_with("{user: a}", "  shpo: {x: {user: b}}\n"),
        file_with("{user: a}", "  rows: {x: {user: b}}\n"),
        file_with("{user: a}", "    idle: {user: b, user: c}\n"),
    ],
)
def test_an_unused_connection_that_is_broken_is_a_warning(connections: str) -> None:
    result = compile_text(using("'@shop.main'"), connections=connections)
    assert result.problems == []
    assert result.warnings


def test_a_broken_file_is_a_warning_for_a_pipeline_without_connections() -> None:
    text = "oml_version: 0.1.0\nname: x\nsteps: [{id: a, component: rows.maker, mode: read}]\n"
    for broken in ("connections: [", "nonsense", "connections: {shop: {main: {port: x}}}"):
        result = compile_text(text, connections=broken)
        assert result.problems == []
        assert result.warnings


def test_values_with_placeholders_are_exempt_from_type_checks() -> None:
    connections = file_with("{user: '${U}', port: '${PORT:-3306}', tls: {mode: '${M}'}}")
    compiled = compile_text(using("'@shop.main'"), connections=connections).require()
    assert compiled.manifest.variables == {"M": True, "PORT": False, "U": True}


def test_options_are_checked_even_when_the_connection_holds_placeholders() -> None:
    connections = file_with("{user: a, port: '${PORT}'}")
    text = using("'@shop.main'").replace("table: t", "‸limit: 3")
    result = compile_text(text, connections=connections)
    assert positions(result.problems) == carets(text)
    assert result.problems[0].message == "set either query or table"
    result = compile_text(text, connections="connections: {shop: {main: {port: x}}}")
    assert "set either query or table" in [p.message for p in result.problems]


@pytest.mark.parametrize(
    "option,value",
    [
        ("query", "SELECT 'AKIAABCDEFGHIJKLMNOP'"),
        ("query", "SELECT 'ghp_" + "a" * 36 + "'"),
        ("table", "mysql://me:hunter2-canary@host/db"),
        ("table", "-----BEGIN RSA PRIVATE KEY-----"),
        ("table", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK"),
        ("password", "hunter2-canary"),
        ("api_key", "hunter2-canary"),
    ],
)
def test_literal_secrets_in_options(option: str, value: str) -> None:
    text = using("'@shop.main'").replace("      table: t\n", f'      {option}: ‸"{value}"\n')
    result = compile_text(text)
    assert set(carets(text)) <= set(positions(result.problems)), [str(p) for p in result.problems]
    assert value not in str(result.problems)
    assert "hunter2" not in str(result.problems)


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/a:b@c",
        "mysql://me:${PW}@host/db",
        "time 12:30@noon",
        "a@b.example",
        "s3://bucket/key",
    ],
)
def test_texts_that_are_no_secrets(value: str) -> None:
    text = using("'@shop.main'").replace("table: t", f'table: "{value}"')
    assert compile_text(text).problems == []


def test_columns_may_be_called_like_secrets() -> None:
    text = using("'@shop.main'") + "      columns: {password: text, token: text}\n"
    assert compile_text(text).problems == []


def test_a_secret_option_must_be_a_placeholder() -> None:
    text = """\
oml_version: 0.1.0
name: x
steps:
  - {id: a, component: rows.maker, mode: read}
  - {id: w, component: file.writer, mode: write, config: {path: x, token: ‸hunter2-canary}}
"""
    result = compile_text(text)
    assert positions(result.problems) == carets(text)
    assert "write ${FILE_TOKEN}" in str(result.problems[0])
    assert compile_text(text.replace("hunter2-canary", "'${T}'")).problems == []
