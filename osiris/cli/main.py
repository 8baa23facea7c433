"""The `osiris` command: its verbs, and the one place where the process ends."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from osiris.cli import options, streams
from osiris.cli.invocation import Invocation
from osiris.cli.lazy_group import LazyGroup, Verb
from osiris.cli.sandbox_options import SandboxCommand, sandbox_options
from osiris.core.process_settings import settle_process
from osiris.version import VERSION

_INTERRUPTED = 130

VERBS = {
    "init": Verb("osiris.cli.init:init_command", "Start a project that runs at once."),
    "validate": Verb(
        "osiris.cli.validate:validate_command", "Check pipelines and report every mistake."
    ),
    "compile": Verb("osiris.cli.compile:compile_command", "Turn a pipeline into a manifest."),
    "run": Verb("osiris.cli.main:run_command", "Run a pipeline or a compiled manifest."),
    "logs": Verb("osiris.cli.logs:logs_group", "List runs and show what happened in one."),
    "parity": Verb("osiris.cli.parity:parity_command", "Compare what two runs left behind."),
    "discover": Verb(
        "osiris.cli.discover:discover_command", "Say what can be read: tables, files."
    ),
    "connections": Verb("osiris.cli.connections:connections_group", "List and test connections."),
    "components": Verb("osiris.cli.components:components_group", "List and explain components."),
    "sandboxes": Verb(
        "osiris.cli.sandboxes:sandboxes_group", "List sandboxes in the cloud; end forgotten ones."
    ),
    "e2b": Verb("osiris.cli.e2b:e2b_group", "Build a template for runs in E2B's cloud."),
    "config": Verb("osiris.cli.config:config_group", "Show the settings and their origin."),
    "completion": Verb(
        "osiris.cli.completion:completion_command", "Print a shell's script for completion."
    ),
    "explain": Verb("osiris.cli.explain:explain_command", "Say what an error code means."),
    "schema": Verb("osiris.cli.schema:schema_command", "Print the JSON Schema of pipelines."),
}


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=options.epilog(
        "osiris init movies && cd movies",
        "osiris run pipeline.yaml",
        "osiris logs show last",
    ),
)
@click.option(
    "-C",
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Work in this project, as if started there. "
    "[default: the nearest directory above that holds an osiris.yaml]",
)
@click.version_option(VERSION, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, project: Path | None) -> None:
    """Compile data pipelines into fingerprinted manifests and run them.

    Results go to standard output; progress, logs and errors to standard error.
    Every command takes --json and --help.
    """
    ctx.obj = Invocation(project)


@cli.command(
    "run",
    cls=SandboxCommand,
    epilog=options.epilog(
        "osiris run pipeline.yaml",
        "osiris run pipeline.yaml --param since=2024-01-01 --jobs 2",
        "osiris compile pipeline.yaml && osiris run --last-compile",
        "osiris run pipeline.yaml --dry-run --json",
        "osiris run pipeline.yaml --sandbox",
    ),
)
@click.argument(
    "target", metavar="[PIPELINE | MANIFEST]", type=click.Path(path_type=Path), required=False
)
@click.option("--last-compile", is_flag=True, help="Run what was compiled last.")
@options.params
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps that may run at once. [default: the cores, at most 4]",
)
@click.option("--fail-fast/--no-fail-fast", help="Stop everything at the first failed step.")
@click.option(
    "--step-outputs",
    type=click.Choice(["auto", "csv", "parquet", "none"]),
    default="auto",
    show_default=True,
    help="What is kept of the tables between steps, below artifacts/STEP/.",
)
@sandbox_options
@click.option("--dry-run", is_flag=True, help="Run nothing; say what would run.")
@click.option("-v", "--verbose", is_flag=True, help="Show every event and message as it comes.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "live", "plain", "json", "none"]),
    default="auto",
    show_default=True,
    help="How the run is shown on stderr: a live table, lines for people, or lines of JSON.",
)
@options.as_json
@click.pass_obj
def run_command(invocation: Invocation, /, target: Path | None, **choices: Any) -> int:
    """Run a pipeline, or a manifest that was compiled before.

    A PIPELINE is compiled first; a MANIFEST runs as it is. Everything that happens is recorded in
    logs/run_…/ of the project: status.json, events.jsonl, metrics.jsonl, logs, configs, artifacts.

    With --progress json each line on stderr is an object {"ts", "type", …}: "run" {"session",
    "directory", "adapter"} when it begins, "event" and "metric" as they are recorded, "progress"
    {"step_id", "rows", "bytes"} so far, "log" {"level", "logger", "message", "traceback"},
    "problem", a warning of the compiler, "note" {"message"}, and at the end "error" {"code",
    "kind", "message", "hint", "where", "exit_code"} when something other than a step failed.
    """
    from osiris.cli.stop_signals import (  # noqa: PLC0415 - `osiris --help` must not pay for it
        stop_at_signals,
    )

    cancel = stop_at_signals()
    from osiris.cli.run import execute_run  # noqa: PLC0415 - as above, and after the handlers

    return execute_run(invocation, target, cancel, **choices)


def outcome(arguments: list[str]) -> int:
    """Run the program and return its exit code; whatever goes wrong is shown, never raised."""
    as_json = "--json" in arguments
    try:
        code = cli.main(arguments, prog_name="osiris", standalone_mode=False)
    except click.ClickException as error:
        from osiris.cli.failure import show_usage  # noqa: PLC0415 - as above
        from osiris.cli.wanted_progress import speak_as_wanted  # noqa: PLC0415 - as above

        speak_as_wanted(arguments)
        return show_usage(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the program's boundary: a bug ends in a message and 70
        from osiris.cli.failure import show  # noqa: PLC0415 - as above
        from osiris.cli.wanted_progress import speak_as_wanted  # noqa: PLC0415 - as above

        speak_as_wanted(arguments)
        verbose = "--verbose" in arguments or "-v" in arguments
        return show(error, as_json=as_json, trace=verbose or bool(os.environ.get("OSIRIS_DEBUG")))
    return code if isinstance(code, int) else 0


def end_process(code: int) -> NoReturn:
    """End the process as `sys.exit` does, but do not take the interpreter apart first.

    After a run that takes longer than `osiris --help`. Threads that are not done are waited for.
    """
    current = threading.current_thread()
    if any(thread is not current and not thread.daemon for thread in threading.enumerate()):
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 - multiprocessing ends its children so
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or there is none
            stream.flush()
    os._exit(code)


def main() -> NoReturn:
    """Run the program with the process's arguments and end the process."""
    settle_process(os.environ)
    streams.occupy_standard_descriptors()
    end_process(outcome(sys.argv[1:]))
