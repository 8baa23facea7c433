"""`osiris validate`: every mistake in every pipeline, at once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from osiris.api import check_pipeline
from osiris.cli import options
from osiris.cli.invocation import Invocation
from osiris.cli.problems import counted, problem_lines
from osiris.cli.screen import document, result
from osiris.compiler.problem import Problem
from osiris.core.errors import InputError


@dataclass
class Checked:
    """One pipeline and what is wrong with it."""

    path: Path
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as an item of the JSON document."""
        return {
            "path": str(self.path),
            "ok": not self.problems,
            "problems": [problem.to_dict() for problem in self.problems],
            "warnings": [problem.to_dict() for problem in self.warnings],
        }


@click.command(
    epilog=options.epilog(
        "osiris validate pipeline.yaml",
        "osiris validate pipelines/*.yaml --json",
        "osiris validate pipeline.yaml --param since=2024-01-01",
    )
)
@options.pipeline_argument(several=True)
@options.params
@options.as_json
@click.pass_obj
def validate_command(
    invocation: Invocation,
    /,
    *,
    pipelines: tuple[Path, ...],
    params: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check pipelines and report every mistake, each with file, line and column.

    Makes the same checks as `osiris compile` and writes nothing. Ends with 3 when there is a
    mistake. As JSON: {"ok", "pipelines": [{"path", "ok", "problems", "warnings"}]}.
    """
    values = options.parsed_params(params)
    checked = [_check(invocation.path(path), values, invocation.named) for path in pipelines]
    bad = [one for one in checked if one.problems]
    if as_json:
        document({"ok": not bad, "pipelines": [one.to_dict() for one in checked]})
    else:
        _show(checked)
    return InputError.exit_code if bad else 0


def _check(path: Path, params: dict[str, str], project: Path | None) -> Checked:
    try:
        found = check_pipeline(path, params=params, project=project)
    except InputError as error:
        problem = Problem(str(path), None, None, "", error.message, error.hint)
        return Checked(path, [problem])
    return Checked(path, found.problems, found.warnings)


def _show(checked: list[Checked]) -> None:
    for one in checked:
        for line in problem_lines(one.problems):
            result(line)
        for line in problem_lines(one.warnings, warning=True):
            result(line)
    bad = [one for one in checked if one.problems]
    if bad:
        total = sum(len(one.problems) for one in bad)
        result(f"{counted(total, 'problem')} in {len(bad)} of {counted(len(checked), 'pipeline')}")
    else:
        are = "is" if len(checked) == 1 else "are"
        result(f"{counted(len(checked), 'pipeline')} {are} valid")
