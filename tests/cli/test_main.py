"""The command as a whole: its help, its exit codes, its two streams."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from osiris.cli.main import VERBS, cli, run_command
from osiris.cli.options import EXIT_CODES
from osiris.core.errors import error_classes
from osiris.core.run_options import StepOutputs
from osiris.version import VERSION
from tests.cli.program import Osiris, plain

HEAVY = ("pydantic", "pyarrow", "rich", "yaml", "dotenv", "sqlglot", "duckdb", "numpy", "pymysql")


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path[-1])
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from _commands(inner, (*path, name))


COMMANDS = dict(_commands(cli, ("osiris",)))


def _examples() -> Iterator[tuple[str, str]]:
    for path, command in COMMANDS.items():
        for line in (command.epilog or "").splitlines():
            if line.startswith("  $ "):
                yield path, line.removeprefix("  $ ")


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    code = (
        "import sys; from osiris.cli.main import outcome; "
        f"outcome({list(arguments)!r}); "
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr); "
        "print(sorted(m for m in sys.modules if m.startswith('osiris')), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    heavy, ours = done.stderr.splitlines()
    assert heavy == "[]"
    assert set(re.findall(r"[\w.]+", ours)) == {
        "osiris",
        "osiris.cli",
        "osiris.cli.invocation",
        "osiris.cli.lazy_group",
        "osiris.cli.main",
        "osiris.cli.streams",
        "osiris.cli.options",
        "osiris.cli.sandbox_options",
        "osiris.core",
        "osiris.core.errors",
        "osiris.core.process_settings",
        "osiris.version",
    }


def test_help_goes_to_stdout_and_names_every_verb(osiris: Osiris) -> None:
    done = osiris("--help")
    assert (done.code, done.err) == (0, "")
    for name, verb in VERBS.items():
        assert re.search(rf"^  {name} +{re.escape(verb.summary)}$", done.out, re.MULTILINE)


def test_the_version(osiris: Osiris) -> None:
    assert osiris("--version").out == f"osiris {VERSION}\n"


def test_no_command_is_a_usage_error_that_shows_the_help(osiris: Osiris) -> None:
    done = osiris()
    assert done.code == 2
    assert done.out == ""
    assert "Commands:" in done.err


@pytest.mark.parametrize("path", COMMANDS)
def test_every_help_has_examples_and_exit_codes(path: str) -> None:
    command = COMMANDS[path]
    text = command.get_help(click.Context(command, info_name=path))
    assert f"  $ {path.split(maxsplit=1)[0]}" in text
    assert "Exit codes:" in text
    assert "--help" in text
    assert isinstance(command, click.Group) or "--json" in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("path,example", list(_examples()))
def test_examples_parse(path: str, example: str) -> None:
    for line in re.split(r" && ", example.partition(" > ")[0]):
        words = shlex.split(line)
        if words[0] == "cd":
            continue
        assert words[0] == "osiris", path
        words = words[1:]
        if words[0] == "-C":
            words = words[2:]
        command: click.Command = cli
        while isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), words.pop(0))
            assert inner is not None
            command = inner
        with command.make_context(line, words):
            pass


def test_the_exit_codes_in_the_help_are_those_of_the_errors() -> None:
    documented = set(map(int, re.findall(r"(?:^  |; )(\d+)\b", EXIT_CODES, re.MULTILINE)))
    errors = {cls.exit_code for cls in error_classes().values()}
    assert errors <= documented
    assert documented - {0} <= errors


def test_step_outputs_are_those_of_the_engine() -> None:
    option = next(p for p in run_command.params if p.name == "step_outputs")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(StepOutputs)


@pytest.mark.parametrize(
    "arguments,words",
    [
        (("nope",), "No such command 'nope'"),
        (("run", "--nope"), "--nope"),
        (("compile",), "Missing argument 'PIPELINE'"),
        (("-C", "nowhere", "run"), "Directory 'nowhere' does not exist"),
        (("run", "x.yaml", "--jobs", "0"), "--jobs"),
        (("run", "x.yaml", "--step-outputs", "xml"), "'auto', 'csv', 'parquet', 'none'"),
        (("run", "x.yaml", "--param", "x"), "'x' is not NAME=VALUE"),
        (("run", "x.yaml", "--param", "x=1", "--param", "x=2"), "'x' is given twice"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    osiris: Osiris, arguments: tuple[str, ...], words: str
) -> None:
    done = osiris(*arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    as_json = osiris(*arguments, "--json")
    assert as_json.code == 2
    if as_json.out:  # the option must have been read to be known
        assert as_json.document["error"]["code"] == "usage.invalid"
        assert words in as_json.document["error"]["message"]
        assert as_json.err == ""


def test_an_error_is_a_message_and_a_hint_on_stderr(osiris: Osiris) -> None:
    done = osiris("compile", "gone.yaml")
    assert (done.code, done.out) == (3, "")
    assert re.fullmatch(r"error: gone\.yaml does not exist\nhint: .+\n", done.err)


def test_an_error_as_json_is_one_document_on_stdout(osiris: Osiris) -> None:
    done = osiris("compile", "gone.yaml", "--json")
    assert (done.code, done.err) == (3, "")
    error = done.document["error"]
    assert error["code"] == "pipeline.invalid"
    assert error["kind"] == "config"
    assert error["exit_code"] == 3
    assert error["message"] == "gone.yaml does not exist"
    assert error["hint"]


def test_a_closed_pipe_is_no_failure(project: Osiris) -> None:
    done = project.shell("osiris schema | head -c 10; echo; echo ${PIPESTATUS[0]}")
    assert done.out.splitlines()[-1] == "0"
    assert done.err == ""


def test_a_full_disk_below_stdout_is_one(project: Osiris) -> None:
    done = project.shell("osiris schema > /dev/full")
    assert done.code == 4
    assert "cannot write to standard output: No space left on device" in done.err
    assert "Traceback" not in done.err


def test_closed_streams_do_no_harm(project: Osiris) -> None:
    assert project.shell("osiris components list >&-").code == 0
    assert project.shell("osiris compile gone.yaml 2>&-").code == 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_encoding_of_the_terminal_will_do(osiris: Osiris, encoding: str) -> None:
    done = osiris("components", "show", "filesystem.csv_writer", PYTHONIOENCODING=encoding)
    assert (done.code, done.err) == (0, "")
    as_json = osiris(
        "components", "show", "filesystem.csv_writer", "--json", PYTHONIOENCODING=encoding
    )
    summary = as_json.document["summary"]
    assert summary in osiris("components", "list", "--json").out


def test_colours_are_for_terminals_and_can_be_turned_off(osiris: Osiris) -> None:
    shown = osiris.terminal("compile", "gone.yaml").out
    assert "\x1b[" in shown
    assert "error: gone.yaml does not exist" in plain(shown)
    assert "\x1b" not in osiris.terminal("compile", "gone.yaml", NO_COLOR="1").out
    assert "\x1b" not in osiris.terminal("compile", "gone.yaml", TERM="dumb").out
    assert "\x1b" not in osiris("compile", "gone.yaml").err
