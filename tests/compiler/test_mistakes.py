"""Every mistake in a pipeline is reported at its exact place, with what to do."""

import pytest

from tests.compiler.pipelines import HEAD, READ, carets, compile_text, positions

SHOP = "steps:\n  - id: a\n    component: shop.extractor\n    mode: read\n    config:\n"
PAIR = "steps:\n  - {id: a, component: rows.maker, mode: read}\n"
WRITE = "component: file.writer, mode: write, config: {path: x.csv}"
SQL = "component: rows.sql, mode: transform, config: {query: FROM df}"

MISTAKES = {
    "unknown top-level key": (
        f"{HEAD}‸stepz: []\n{READ}",
        "stepz: unknown key 'stepz' (did you mean 'steps'?)",
    ),
    "missing top-level key": (f"‸name: x\n{READ}", "oml_version: a pipeline needs the key"),
    "not a mapping": ("‸[a, b]\n", "a pipeline is a mapping, not a list"),
    "a text instead": ("‸hello\n", "a pipeline is a mapping, not text"),
    "wrong version": (f"oml_version: ‸0.2.0\nname: x\n{READ}", "must be '0.1.0', not '0.2.0'"),
    "version is a number": (f"oml_version: ‸0.1\nname: x\n{READ}", "not a number"),
    "name is a number": (f"oml_version: 0.1.0\nname: ‸2024\n{READ}", "put it in quotes"),
    "name is empty": (f'oml_version: 0.1.0\nname: ‸""\n{READ}', "must be text, not empty"),
    "name of two lines": (f'oml_version: 0.1.0\nname: ‸"a\\nb"\n{READ}', "one line"),
    "description is a list": (f"{HEAD}description: ‸[a]\n{READ}", "must be text, not a list"),
    "a token in the description": (
        f"{HEAD}description: ‸use ghp_{'a' * 36}\n{READ}",
        "the text holds a GitHub token",
    ),
    "duplicate YAML key": (f"{HEAD}‸name: again\n{READ}", "key 'name' is already used in line 2"),
    "steps is a mapping": (f"{HEAD}steps: ‸{{a: 1}}\n", "not a mapping"),
    "no steps": (f"{HEAD}steps: ‸[]\n", "at least one step, not an empty list"),
    "step is text": (f"{HEAD}steps:\n  - ‸extract\n", "steps[0]: a step is a mapping, not text"),
    "unknown step key": (
        f"{HEAD}{READ}    ‸confg: {{}}\n",
        "steps[0].confg: unknown key 'confg' (did you mean 'config'?)",
    ),
    "missing mode": (
        f"{HEAD}steps:\n  - ‸id: a\n    component: rows.maker\n",
        "steps[0].mode: a step needs the key 'mode'",
    ),
    "unknown mode": (
        f"{HEAD}steps:\n  - {{id: a, component: rows.maker, mode: ‸raed}}\n",
        "there is no mode 'raed' (did you mean 'read'?)",
    ),
    "mode not of the component": (
        f"{HEAD}steps:\n  - {{id: a, component: rows.maker, mode: ‸write}}\n",
        "rows.maker cannot write (write mode: read)",
    ),
    "unknown component": (
        f"{HEAD}steps:\n  - {{id: a, component: ‸rows.makr, mode: read}}\n",
        "there is no component 'rows.makr' (did you mean 'rows.maker'?)",
    ),
    "component without its family": (
        f"{HEAD}steps:\n  - {{id: a, component: ‸extractor, mode: read}}\n",
        "did you mean 'shop.extractor'?",
    ),
    "broken component": (
        f"{HEAD}steps:\n  - {{id: a, component: ‸broken.reader, mode: read}}\n",
        "cannot be loaded: ModuleNotFoundError: No module named 'broken'",
    ),
    "bad id": (
        f"{HEAD}steps:\n  - {{id: ‸../x, component: rows.maker, mode: read}}\n",
        "'../x' is no id for a step",
    ),
    "id ends with a line feed": (
        f'{HEAD}steps:\n  - {{id: ‸"a\\n", component: rows.maker, mode: read}}\n',
        "is no id for a step",
    ),
    "duplicate id": (
        f"{HEAD}{PAIR}  - {{id: ‸a, component: rows.maker, mode: read}}\n",
        "steps[1].id: step id 'a' is already used in line 4",
    ),
    "unknown option": (
        f"{HEAD}{READ}    config:\n      ‸rwos: 3\n",
        "steps[0].config.rwos: unknown option 'rwos' (did you mean 'rows'?)",
    ),
    "wrong type of an option": (
        f"{HEAD}{READ}    config: {{rows: ‸many}}\n",
        "steps[0].config.rows: should be a valid integer",
    ),
    "true where a number belongs": (
        f"{HEAD}{READ}    config: {{rows: ‸true}}\n",
        "should be a valid integer",
    ),
    "a number where text belongs": (
        f"{HEAD}{PAIR}  - {{id: w, component: file.writer, mode: write, config: {{path: ‸1}}}}\n",
        "should be a valid string (put it in quotes)",
    ),
    "a choice that is none": (
        f"{HEAD}{SHOP}      connection: '@shop'\n      table: t\n      zero_dates: ‸nul\n",
        "should be 'null' or 'error' (did you mean 'null'?)",
    ),
    "a nested mistake in one member of a union": (
        f"{HEAD}{SHOP}      connection: '@shop'\n      table: t\n      columns: {{id: ‸1}}\n",
        "steps[0].config.columns.id: should be a valid string",
    ),
    "no member of a union": (
        f"{HEAD}{SHOP}      connection: '@shop'\n      table: t\n      columns: ‸7\n",
        "should be a valid dictionary or should be a valid list",
    ),
    "options that exclude each other": (
        f"{HEAD}{SHOP}      ‸connection: '@shop'\n      table: t\n      query: SELECT 1\n",
        "steps[0].config: set either query or table",
    ),
    "missing option": (
        f"{HEAD}{PAIR}  - ‸{{id: w, component: file.writer, mode: write}}\n",
        "steps[1].config.path: file.writer needs the option 'path'",
    ),
    "config is a list": (f"{HEAD}{READ}    config: ‸[1]\n", "config must be a mapping, not a list"),
    "needs is text": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, needs: ‸a}}\n",
        "needs must be a list of step ids, not text (write [a])",
    ),
    "unknown need": (
        (
            f"{HEAD}steps:\n  - {{id: extract, component: rows.maker, mode: read}}\n"
            f"  - {{id: w, {WRITE}, needs: [‸extrac]}}\n"
        ),
        "steps[1].needs[0]: there is no step 'extrac' (did you mean 'extract'?)",
    ),
    "need listed twice": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, needs: [a, ‸a]}}\n",
        "'a' is listed twice",
    ),
    "self-need": (
        f"{HEAD}{PAIR}  - {{id: t, {SQL}, needs: [a, ‸t]}}\n",
        "step 't' needs itself",
    ),
    "needs and inputs": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, needs: [a], ‸inputs: {{df: '${{a.df}}'}}}}\n",
        "either needs or inputs, not both",
    ),
    "unknown input": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, inputs: {{df: ‸'${{b.df}}'}}}}\n",
        "steps[1].inputs.df: there is no step 'b'",
    ),
    "input is no reference": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, inputs: {{df: ‸a}}}}\n",
        "an input is the table of a step (write ${step_id.df})",
    ),
    "input of a bad name": (
        f"{HEAD}{PAIR}  - {{id: t, {SQL}, inputs: {{‸a b: '${{a.df}}'}}}}\n",
        "'a b' is no name for an input",
    ),
    "input of a write step of another name": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, inputs: {{‸table: '${{a.df}}'}}}}\n",
        "the input of a write step is called 'df'",
    ),
    "one table under two names": (
        f"{HEAD}{PAIR}  - {{id: t, {SQL}, inputs: {{x: '${{a.df}}', y: ‸'${{a.df}}'}}}}\n",
        "the table of 'a' is an input already",
    ),
    "table of a write step": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}}}\n  - {{id: t, {SQL}, inputs: {{df: ‸'${{w.df}}'}}}}\n",
        "step 'w' is a write step and makes no table",
    ),
    "read step with inputs": (
        (
            f"{HEAD}{PAIR}  - {{id: b, component: rows.maker, mode: read, "
            "‸inputs: {df: '${a.df}'}}\n"
        ),
        "a read step takes no tables",
    ),
    "writer with two tables": (
        (
            f"{HEAD}{PAIR}  - {{id: b, component: rows.maker, mode: read}}\n"
            f"  - {{id: w, {WRITE}, needs: ‸[a, b]}}\n"
        ),
        "a write step takes one table, not 2",
    ),
    "writer that needs write steps only": (
        (
            f"{HEAD}{PAIR}  - {{id: w, {WRITE}}}\n"
            "  - {id: v, component: file.writer, mode: write, config: {path: y}, needs: ‸[w]}\n"
        ),
        "a write step takes a table, and none is named",
    ),
    "empty needs": (
        f"{HEAD}{PAIR}  - {{id: w, {WRITE}, needs: ‸[]}}\n",
        "a write step takes a table, and none is named",
    ),
    "writer first": (
        f"{HEAD}steps:\n  - ‸{{id: w, {WRITE}}}\n",
        "a write step takes a table, and no step stands before it",
    ),
    "writer after a writer": (
        (
            f"{HEAD}{PAIR}  - {{id: w, {WRITE}}}\n"
            "  - ‸{id: v, component: file.writer, mode: write, config: {path: y}}\n"
        ),
        "the step before it, 'w', is a write step and makes no table",
    ),
    "two steps write one file": (
        (
            f"{HEAD}{PAIR}  - {{id: w, {WRITE}}}\n"
            "  - id: v\n    component: file.writer\n    mode: write\n    needs: [a]\n"
            "    config: {path: ‸./x.csv}\n"
        ),
        "step 'w' writes './x.csv' already",
    ),
    "retry without attempts": (
        f"{HEAD}{READ}    retry: ‸{{delay: 1}}\n",
        "steps[0].retry.attempts: retry needs the key 'attempts'",
    ),
    "too many attempts": (f"{HEAD}{READ}    retry: {{attempts: ‸99}}\n", "from 1 to 20, not 99"),
    "half an attempt": (f"{HEAD}{READ}    retry: {{attempts: ‸1.5}}\n", "whole number, not 1.5"),
    "delay without unit": (
        f"{HEAD}{READ}    retry: {{attempts: 2, delay: ‸5 minutes}}\n",
        "delay must be a number of seconds or a text like 30s",
    ),
    "backoff below one": (
        f"{HEAD}{READ}    retry: {{attempts: 2, backoff: ‸0.5}}\n",
        "from 1 to 10, not 0.5",
    ),
    "timeout of nothing": (f"{HEAD}{READ}    timeout: ‸0\n", "seconds, not 0"),
    "timeout is true": (f"{HEAD}{READ}    timeout: ‸true\n", "number of seconds"),
    "timeout in days": (f"{HEAD}{READ}    timeout: ‸3d\n", "units: ms, s, m and h"),
    "tag": (f"{HEAD}{READ}    config: {{rows: ‸!!python/name:os.system 1}}\n", "is not allowed"),
    "number too large": (
        f"{HEAD}{READ}    config: {{rows: ‸9007199254740993}}\n",
        "too large to be kept exactly",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_at_its_place(name: str) -> None:
    text, message = MISTAKES[name]
    result = compile_text(text)
    assert result.compiled is None
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]
    assert message in str(result.problems[0]).partition(" ")[2]


def test_every_mistake_is_reported_in_the_order_of_the_file() -> None:
    text = f"""\
oml_version: ‸1
name: several
‸descripton: x
steps:
  - id: extract
    component: ‸rows.mker
    mode: read
  - id: ‸extract
    component: rows.maker
    mode: read
    config: {{rows: ‸x, ‸more: 1}}
    timeout: ‸soon
  - id: write
    {WRITE.replace(", ", chr(10) + "    ").replace("{path: x.csv}", "{}").replace("{}", "‸{}")}
    needs: [‸nothing]
"""
    result = compile_text(text)
    assert result.compiled is None
    assert positions(result.problems) == carets(text), [str(p) for p in result.problems]


@pytest.mark.parametrize(
    "needs,cycles",
    [
        ({"x": ["y"], "y": ["x"]}, ["x -> y -> x"]),
        ({"x": ["z"], "y": ["x"], "z": ["y"]}, ["x -> z -> y -> x"]),
        ({"x": ["y"], "y": ["x"], "u": ["v"], "v": ["u"]}, ["x -> y -> x", "u -> v -> u"]),
    ],
)
def test_cycles_are_named(needs: dict[str, list[str]], cycles: list[str]) -> None:
    steps = "".join(f"  - {{id: {s}, {SQL}, needs: {n}}}\n" for s, n in needs.items())
    result = compile_text(f"{HEAD}steps:\n{steps}")
    found = [problem.message for problem in result.problems]
    assert sorted(found) == sorted(f"steps wait for each other: {cycle}" for cycle in cycles)


def test_a_cycle_that_closes_without_a_need_is_reported_at_the_step() -> None:
    text = f"{HEAD}steps:\n  - {{id: x, {SQL}, needs: [y]}}\n  - ‸{{id: y, {SQL}}}\n"
    result = compile_text(text)
    assert positions(result.problems) == carets(text)
    assert result.problems[0].message == "steps wait for each other: x -> y -> x"


def test_a_cycle_of_read_steps_that_wait_for_each_other() -> None:
    step = "component: rows.maker, mode: read"
    text = f"{HEAD}steps:\n  - {{id: x, {step}, needs: [y]}}\n  - {{id: y, {step}, needs: [‸x]}}\n"
    result = compile_text(text)
    assert positions(result.problems) == carets(text)
