"""Pipelines made to take long or to say much: neither works."""

import time

import pytest

from tests.compiler.pipelines import HEAD, compile_text

SIZE = 300_000
LONG = {
    "letters": "a" * SIZE,
    "almost a token": "-eyJaaaaaaaaa" * (SIZE // 13),
    "almost a key": "-----BEGIN " * (SIZE // 11),
    "almost a URL": "a://b:" * (SIZE // 6),
    "references": "${params." * (SIZE // 9),
    "placeholders": "${A:-" * (SIZE // 5),
    "braces": "${" * (SIZE // 2),
    "escapes": "$${" * (SIZE // 3),
    "quotes": "''" * (SIZE // 2),
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_do_not_take_long(name: str) -> None:
    text = f"""{HEAD}steps:
  - {{id: r, component: rows.maker, mode: read}}
  - id: w
    component: file.writer
    mode: write
    config:
      path: |
        {LONG[name]}
"""
    started = time.process_time()
    result = compile_text(text)
    # Some 0.3 s; a pattern that goes back over the text for each character takes minutes.
    assert time.process_time() - started < 10
    assert all(len(str(problem)) < 1000 for problem in result.problems)


def test_a_thousand_steps_that_name_what_is_not_there() -> None:
    steps = "".join(
        f"  - {{id: s{i}, component: rows.maker, mode: read, needs: [q{i}]}}\n" for i in range(1000)
    )
    started = time.process_time()
    result = compile_text(f"{HEAD}steps:\n{steps}")
    assert time.process_time() - started < 20
    assert len(result.problems) == 1000
    assert all(len(str(problem)) < 500 for problem in result.problems)


def test_a_long_cycle_is_shortened() -> None:
    steps = "".join(
        f"  - {{id: s{i}, component: rows.maker, mode: read, needs: [s{(i + 1) % 1000}]}}\n"
        for i in range(1000)
    )
    [problem] = compile_text(f"{HEAD}steps:\n{steps}").problems
    assert problem.message.startswith("steps wait for each other: s0 -> s1 -> ")
    assert problem.message.endswith(
        " -> … -> s991 -> s992 -> s993 -> s994 -> s995 -> s996 -> s997 -> s998 -> s999 -> s0"
    )


def test_only_some_of_many_cycles_are_reported() -> None:
    steps = ""
    for i in range(60):
        needs = [f"s{j}" for j in range(i)] or ["s59"]
        steps += f"  - {{id: s{i}, component: rows.maker, mode: read, needs: {needs}}}\n"
    problems = compile_text(f"{HEAD}steps:\n{steps}").problems
    assert len(problems) == 20
    assert all("steps wait for each other" in problem.message for problem in problems)
