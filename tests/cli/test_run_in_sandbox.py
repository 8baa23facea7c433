"""`osiris run --sandbox` and `--e2b` as a user types them: what is said, and what it ends with."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Osiris
from tests.e2b_server.envd_behaviour import wait_until
from tests.e2b_server.server import E2BServer, running_server
from tests.e2b_server.templates import with_this_python
from tests.support.debian import ensure_programs

CANARY = "canary-of-the-token"
PROBE = """\
oml_version: 0.1.0
name: probe
steps:
  - id: probe
    component: probe.source
    mode: read
    config:
      code: |
        import os
        rows = [os.environ.get("GREETING"), len(os.environ.get("TOKEN", "")), len(os.environ)]
        log.warning("the token is %s", os.environ.get("TOKEN"))
"""
READY = ("--e2b", "--e2b-template", "ready")


@pytest.fixture
def server() -> Iterator[E2BServer]:
    with running_server() as running:
        running.add_template("ready", with_this_python())
        yield running


@pytest.fixture
def cloud(sample: Osiris, server: E2BServer) -> Osiris:
    """The program in the project of sample pipelines, with an account of the server's."""
    (sample.cwd / "probe.yaml").write_text(PROBE)
    path = f"{sample.env['PYTHONPATH']}:{ROOT / 'tests' / 'remote' / 'probe_package'}"
    return Osiris(sample.cwd, {**server.environment(), "PYTHONPATH": path})


@pytest.fixture
def _bubblewrap() -> None:
    ensure_programs({"bwrap": "bubblewrap"})


def only_run(osiris: Osiris) -> Path:
    (run,) = (osiris.cwd / "logs").glob("run_*")
    return run


@pytest.mark.usefixtures("_bubblewrap")
@pytest.mark.parametrize(
    "options,adapter",
    [
        (("--sandbox", "sample.yaml"), "sandbox"),
        (("sample.yaml", "--sandbox"), "sandbox"),
        (("sample.yaml", "--sandbox=process", "--sandbox-memory", "2GiB"), "process"),
        (("sample.yaml", *READY), "e2b"),
    ],
)
def test_the_adapter_is_the_one_that_was_asked_for(
    cloud: Osiris, server: E2BServer, options: tuple[str, ...], adapter: str
) -> None:
    done = cloud("run", *options, "--json")
    assert done.code == 0, done.err
    assert (done.document["adapter"], done.document["state"]) == (adapter, "completed")
    assert not server.living()
    assert not (only_run(cloud) / ".sandbox").exists()


@pytest.mark.parametrize(
    "options,prefix", [(("--sandbox=process",), "[sandbox] "), (READY, "[E2B] ")]
)
def test_every_verbose_line_says_where(
    cloud: Osiris, options: tuple[str, ...], prefix: str
) -> None:
    done = cloud("run", "branches.yaml", *options, "--verbose")
    assert done.code == 1
    lines = done.err.splitlines()
    told = [line for line in lines if not line.startswith(("error:", "hint:"))]
    assert len(told) > 40
    assert [line for line in told if not line.startswith(prefix)] == []
    assert any("Traceback" in line for line in told)
    assert not any(prefix.strip() in line for line in done.out.splitlines())


@pytest.mark.parametrize(
    "options,words",
    [
        (("--e2b", "--sandbox"), "--sandbox and --e2b both say where to run"),
        (("--e2b-template", "x"), "--e2b-template does nothing without --e2b"),
        (("--e2b-install-deps", "--sandbox"), "--e2b-install-deps does nothing without --e2b"),
        (("--sandbox-memory", "1GiB", "--e2b"), "--sandbox-memory does nothing without --sandbox"),
        (("--keep-sandbox",), "--keep-sandbox does nothing without --sandbox or --e2b"),
        (("--e2b", "--e2b-env", "9X=1"), "--e2b-env '9X=1' is not NAME or NAME=VALUE"),
        (("--sandbox=docker",), "'docker' is not one of 'bubblewrap', 'process'"),
        (("--e2b", "--e2b-memory", "much"), "'much' is not an amount of memory"),
    ],
)
def test_options_that_do_not_go_together(
    cloud: Osiris, server: E2BServer, options: tuple[str, ...], words: str
) -> None:
    done = cloud("run", "sample.yaml", *options)
    assert done.code == 2
    assert words in done.err
    assert not (cloud.cwd / "logs").exists() or not list((cloud.cwd / "logs").glob("run_*"))
    assert not server.sandboxes()


def test_one_more_variable_is_passed_by_name(cloud: Osiris, server: E2BServer) -> None:
    """With its value from here it is a secret; one that stands on the command line is none."""
    passed = ("--e2b-env", "GREETING=good day", "--e2b-env", "TOKEN")
    done = cloud("run", "probe.yaml", *READY, *passed, "--verbose", TOKEN=CANARY)
    assert done.code == 0, done.err
    run = only_run(cloud)
    greeting, length, count = (
        (run / "artifacts" / "probe" / "output.csv").read_text().splitlines()[1:]
    )
    assert (greeting.strip('"'), length.strip('"')) == ("good day", str(len(CANARY)))
    assert int(count.strip('"')) < 10
    assert "the token is ***" in (run / "osiris.log").read_text()
    assert CANARY not in done.out + done.err
    assert server.log.places_of(CANARY) == []
    kept = [path for root in (run, server.sandboxes()[0].box.root) for path in root.rglob("*")]
    assert not [p for p in kept if p.is_file() and CANARY.encode() in p.read_bytes()]


def test_a_variable_that_is_not_set_ends_it_with_4(cloud: Osiris, server: E2BServer) -> None:
    done = cloud("run", "probe.yaml", *READY, "--e2b-env", "NO_SUCH_TOKEN")
    assert done.code == 4
    assert "environment variable NO_SUCH_TOKEN is not set" in done.err
    assert "hint: export NO_SUCH_TOKEN=…" in done.err
    assert not server.sandboxes()


def test_without_an_account_it_is_said_how_to_get_one(sample: Osiris) -> None:
    done = sample("run", "sample.yaml", "--e2b")
    assert done.code == 4
    assert "E2B_API_KEY is not set" in done.err
    assert "https://e2b.dev/dashboard" in done.err
    assert "`--sandbox` needs no account" in done.err


def test_a_template_without_the_packages_ends_it_with_4_and_the_list(cloud: Osiris) -> None:
    done = cloud("run", "sample.yaml", "--e2b")
    assert done.code == 4
    assert "pyarrow is missing" in done.err
    assert "hint: --e2b-install-deps" in done.err
    assert json.loads((only_run(cloud) / "status.json").read_text())["exit_code"] == 4


def test_where_there_is_no_bubblewrap_it_is_said_how_to_get_it(sample: Osiris) -> None:
    done = sample("run", "sample.yaml", "--sandbox", PATH=str(sample.cwd))
    assert done.code == 5
    assert "error: bubblewrap is not installed" in done.err
    assert "apt-get install bubblewrap" in done.err
    assert "--sandbox=process" in done.err


def test_a_sandbox_that_is_kept_is_told_and_can_be_reaped(cloud: Osiris, server: E2BServer) -> None:
    done = cloud("run", "sample.yaml", *READY, "--keep-sandbox")
    assert done.code == 0, done.err
    (kept,) = server.living()
    assert f"sandbox {kept.sandbox_id} is left running" in done.err
    assert f"{kept.sandbox_id} of run_" in cloud("sandboxes", "reap").out
    assert not server.living()


def test_the_files_of_a_sandbox_here_are_kept_and_hold_no_secret(sample: Osiris) -> None:
    done = sample("run", "secret.yaml", "--sandbox=process", "--keep-sandbox", VAULT_TOKEN=CANARY)
    assert done.code == 0, done.err
    run = only_run(sample)
    assert f"the sandbox's files are left in {run / '.sandbox'}" in done.err
    kept = [path for path in run.rglob("*") if path.is_file()]
    assert any(path.name == "journal.jsonl" for path in kept)
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "number,code",
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_host_that_is_stopped_leaves_nothing_that_cannot_be_reaped(
    cloud: Osiris, server: E2BServer, number: signal.Signals, code: int
) -> None:
    process = cloud.start("run", "slow.yaml", *READY)
    events = cloud.cwd / "logs"
    assert wait_until(
        lambda: any('"step_start"' in p.read_text() for p in events.glob("run_*/events.jsonl")),
        seconds=60,
    )
    (sandbox,) = server.living()
    if number is signal.SIGKILL:  # while it lives, it is nobody's to end
        assert cloud("sandboxes", "reap").out == "there is no sandbox of a dead run\n"
    began = time.monotonic()
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == code
    status = json.loads((only_run(cloud) / "status.json").read_text())
    (listed,) = cloud("logs", "list", "--json").document["runs"]
    if number is signal.SIGKILL:
        assert (status["state"], listed["state"]) == ("running", "crashed")
        assert [one.sandbox_id for one in server.living()] == [sandbox.sandbox_id]
        assert f"{sandbox.sandbox_id} of {only_run(cloud).name}: ended" in (
            cloud("sandboxes", "reap").out
        )
    else:
        assert (status["state"], listed["state"]) == ("cancelled", "cancelled")
        assert (status["exit_code"], status["steps"]["make"]["state"]) == (code, "skipped")
        assert cloud("sandboxes", "reap").out == "there is no sandbox of a dead run\n"
    assert sandbox.ended == "killed"
    assert not server.living()
    assert wait_until(lambda: not server.processes(sandbox))
