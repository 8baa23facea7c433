"""Params: declared, given, checked, filled in with their types."""

import json
from typing import Any

import pytest

from tests.compiler.pipelines import carets, compile_text, positions

BODY = """\
oml_version: 0.1.0
name: sample
params:
  value: {value}
steps:
  - id: a
    component: rows.maker
    mode: read
    config: {{rows: 1}}
  - id: w
    component: file.writer
    mode: write
    config:
      path: "out/${{params.value}}.csv"
"""


def declared(value: str) -> str:
    return BODY.format(value=value)


def config(text: str, step: str, **params: Any) -> dict[str, Any]:
    compiled = compile_text(text, params=params).require()
    return dict(json.loads(compiled.cfgs[step])["config"])


@pytest.mark.parametrize(
    "declaration,given,value",
    [
        ("text", None, "text"),
        ("3", None, 3),
        ("3", "4", 4),
        ("3", "-0", 0),
        ("3", 5, 5),
        ("1.5", "2", 2),
        ("1.5", "2.25", 2.25),
        ("1.5", "1e3", 1000.0),
        ("true", "no", False),
        ("false", "TRUE", True),
        ("{type: string}", "12", "12"),
        ("{type: string, default: x}", "", ""),
        ("{type: integer}", " 7 ", 7),
        ("{type: number, minimum: 1, maximum: 2}", "1.5", 1.5),
        ("{type: boolean}", "1", True),
        ("{type: date}", "2024-02-29", "2024-02-29"),
        ("{type: date, default: 2024-01-31}", None, "2024-01-31"),
        ("{type: date, minimum: 2024-01-01}", "2024-01-01", "2024-01-01"),
        ("{type: string, enum: [red, green]}", "green", "green"),
        ("{type: integer, enum: [1, 2], default: 2}", None, 2),
        ("{type: string, required: true}", "x", "x"),
        ("{type: string, required: false, default: x}", None, "x"),
        ("${DAY:-monday}", None, "${DAY:-monday}"),
        ("{type: date}", "${DAY}", "${DAY}"),
    ],
)
def test_values_that_fit(declaration: str, given: str | None, value: object) -> None:
    params = {} if given is None else {"value": given}
    compiled = compile_text(declared(declaration), params=params).require()
    assert compiled.manifest.params == {"value": value}
    assert type(compiled.manifest.params["value"]) is type(value)


@pytest.mark.parametrize(
    "declaration,given,message",
    [
        ("3", "x", "must be a whole number"),
        ("3", "1.5", "must be a whole number"),
        ("3", "9007199254740993", "must be a whole number"),
        ("3", "9" * 5000, "must be a whole number"),
        ("3", True, "must be a whole number"),
        ("3", None, "must be a whole number"),
        ("1.5", "nan", "must be a number"),
        ("1.5", "1_0", "must be a number"),
        ("1.5", "inf", "must be a number"),
        ("true", "maybe", "must be true or false"),
        ("text", 5, "must be text"),
        ("text", ["a"], "must be text"),
        ("text", "\ud800", "the text holds a half of a surrogate pair"),
        ("{type: date}", "2024-02-30", "must be a date"),
        ("{type: date}", "24-1-1", "must be a date like 2024-12-31"),
        ("{type: string, enum: [red, green]}", "blue", "must be one of red, green, not 'blue'"),
        ("{type: integer, minimum: 3}", "2", "must be at least 3, not 2"),
        ("{type: date, maximum: 2024-01-01}", "2025-01-01", "must be at most 2024-01-01"),
    ],
)
def test_given_values_that_do_not_fit(declaration: str, given: Any, message: str) -> None:
    result = compile_text(declared(declaration), params={"value": given})
    assert len(result.problems) == 1
    problem = result.problems[0]
    assert (problem.file, problem.line, problem.path) == ("--param", None, "params.value")
    assert message in problem.message
    assert str(problem).startswith("--param: params.value: ")


@pytest.mark.parametrize(
    "declaration,message",
    [
        ("‸{type: string}", "param 'value' is required and has no value"),
        ("‸{type: string, required: true}", "param 'value' is required and has no value"),
        ("{type: string, required: ‸true, default: x}", "a required param has no default"),
        ("{type: string, required: ‸false}", "an optional param has a default"),
        ("{type: string, required: ‸maybe}", "required must be true or false"),
        ("{type: ‸sting, default: x}", "there is no type 'sting' (did you mean 'string'?)"),
        ("{type: integer, default: ‸x}", "default must be a whole number"),
        ("{type: integer, default: ‸5, maximum: 3}", "default must be at most 3, not 5"),
        ("{type: string, default: ‸x, enum: [y]}", "default must be one of y, not 'x'"),
        ("{type: string, default: x, enum: ‸y}", "enum must be a list"),
        ("{type: integer, default: 1, enum: [1, ‸x]}", "must be a whole number"),
        ("{type: string, default: x, minimum: ‸1}", "minimum does not go with type string"),
        ("{type: integer, minimum: 3, ‸maximum: 2, default: 3}", "maximum 2 is below minimum 3"),
        ("{type: string, default: x, ‸enums: [x]}", "(did you mean 'enum'?)"),
        ("‸{default: x}", "a param needs the key 'type'"),
        ("‸[a]", "a param is a default value or a mapping, not a list"),
        ("‸~", "a param is a default value or a mapping, not empty"),
    ],
)
def test_declarations_that_are_wrong(declaration: str, message: str) -> None:
    text = declared(declaration)
    result = compile_text(text)
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]
    assert message in str(result.problems[0])


def test_an_unknown_param_is_an_error_with_a_suggestion() -> None:
    result = compile_text(declared("x"), params={"valeu": "y"})
    assert [str(p) for p in result.problems] == [
        "--param: params.valeu: the pipeline has no such param (did you mean 'value'?)"
    ]


def test_an_undefined_reference_is_reported_where_it_stands() -> None:
    text = (
        declared("x").replace("out/${params.value}.csv", "‸out").replace('"‸out', '"x/‸${params.')
    )
    text = text.replace("${params.", "${params.vlue}")
    result = compile_text(text)
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]
    assert "there is no param 'vlue' (did you mean 'value'?)" in str(result.problems[0])


def test_an_undefined_reference_in_block_text_is_reported_in_its_line() -> None:
    text = """\
oml_version: 0.1.0
name: sample
steps:
  - id: a
    component: rows.sql
    mode: read
    config:
      query: |
        SELECT 1
        WHERE x = ‸${params.missing}
"""
    result = compile_text(text)
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]


def test_a_whole_reference_keeps_the_type_and_an_embedded_one_is_text() -> None:
    text = declared("5").replace("rows: 1", 'rows: "${params.value}"')
    assert config(text, "a") == {"rows": 5}
    assert config(text, "w") == {"path": "out/5.csv"}
    text = declared("true")
    assert config(text, "w") == {"path": "out/true.csv"}
    assert config(declared("1.0"), "w") == {"path": "out/1.0.csv"}


def test_a_whole_reference_of_the_wrong_type_is_a_mistake_of_the_option() -> None:
    text = declared("many").replace("rows: 1", 'rows: ‸"${params.value}"')
    result = compile_text(text)
    assert positions(result.problems) == carets(text)
    assert "should be a valid integer" in result.problems[0].message


def test_an_escaped_reference_and_environment_placeholders_stay() -> None:
    text = declared("x").replace(
        "out/${params.value}", "$${params.value}-${A}-${B:-${params.value}}"
    )
    assert config(text, "w") == {"path": "$${params.value}-${A}-${B:-x}.csv"}


@pytest.mark.parametrize("piece", ["${", "${}", "${a-b}", "${1x}", "${X:y}", "${X"])
def test_what_begins_like_a_placeholder_and_is_none(piece: str) -> None:
    text = declared("x").replace("out/", f"out/‸{piece} ")
    result = compile_text(text)
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]
    assert "begins no placeholder" in result.problems[0].message


def test_nothing_is_filled_into_a_key() -> None:
    text = declared("x").replace("      path:", '      ‸"${params.value}": 1\n      path:')
    result = compile_text(text)
    assert positions(result.problems)[0] == carets(text)[0]
    assert "nothing is filled into a key" in result.problems[0].message


def test_an_unused_param_is_a_warning() -> None:
    text = declared("x").replace("value:", "‸unused: 1\n  value:")
    result = compile_text(text)
    assert result.problems == []
    assert [str(w).partition(": ")[2] for w in result.warnings] == [
        "params.unused: param 'unused' is not used (use it as ${params.unused}, or remove it)"
    ]


def test_an_empty_params_block_is_none_at_all() -> None:
    text = declared("x").replace("  value: x\n", "").replace("${params.value}", "x")
    assert compile_text(text).require().manifest.params == {}


def test_a_param_that_looks_like_a_secret_is_refused() -> None:
    text = declared("x").replace("value", "db_password").replace(": x", ": ‸hunter2")
    result = compile_text(text)
    assert positions(result.problems) == carets(text)
    assert "looks like a secret" in result.problems[0].message
    given = compile_text(declared("x"), params={"value": "ghp_" + "a" * 36})
    assert "looks like a secret" in str(given.problems)
    assert "ghp_" not in str(given.problems)
    fine = declared("x").replace("value", "db_password").replace(": x", ": ${DB_PASSWORD}")
    assert compile_text(fine).problems == []
