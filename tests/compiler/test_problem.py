"""Problems: how they read, how they are ordered, what is proposed."""

import json

import pytest

from osiris.compiler.problem import Problem, Report, did_you_mean, dotted, one_of


def test_a_problem_reads_as_editors_link_it() -> None:
    problem = Problem("p.yaml", 3, 7, "steps[0].id", "is wrong", "make it right")
    assert str(problem) == "p.yaml:3:7: steps[0].id: is wrong (make it right)"
    assert problem.where == "p.yaml:3:7"
    assert str(Problem("p.yaml", 1, 1, "", "is empty")) == "p.yaml:1:1: is empty"
    assert str(Problem("--param", None, None, "params.x", "m")) == "--param: params.x: m"


def test_a_problem_is_a_json_object() -> None:
    problem = Problem("p.yaml", 3, 7, "a", "b", None)
    assert json.loads(json.dumps(problem.to_dict())) == {
        "file": "p.yaml",
        "line": 3,
        "column": 7,
        "path": "a",
        "message": "b",
        "hint": None,
    }


def test_a_report_counts_each_problem_once_in_the_order_of_files_and_lines() -> None:
    report = Report()
    last = Problem("--param", None, None, "x", "m")
    problems = [
        Problem("b", 1, 1, "", "m"),
        Problem("a", 10, 2, "", "m"),
        Problem("a", 9, 3, "", "m"),
    ]
    for problem in [last, *problems, *problems]:
        report.error(problem)
        report.warn(problem)
    assert report.errors == report.warnings == [*reversed(problems), last]


@pytest.mark.parametrize(
    "word,choices,proposed",
    [
        ("csv_writr", ["csv_writer", "csv_reader"], "csv_writer"),
        ("HOST", ["host", "port"], "host"),
        ("extractor", ["mysql.extractor", "duckdb.processor"], "mysql.extractor"),
        ("zzz", ["host", "port"], None),
        ("", ["host"], None),
        ("x", [], None),
    ],
)
def test_did_you_mean(word: str, choices: list[str], proposed: str | None) -> None:
    expected = None if proposed is None else f"did you mean '{proposed}'?"
    assert did_you_mean(word, choices) == expected


def test_paths_and_choices() -> None:
    assert dotted(("steps", 2, "config", "query")) == "steps[2].config.query"
    assert dotted((0, "a")) == "[0].a"
    assert dotted(()) == ""
    assert one_of(["a", "b"]) == "one of a, b"
    assert one_of([]) == "there are none"
