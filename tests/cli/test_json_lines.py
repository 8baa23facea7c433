"""`--progress json`: every line on stderr is an object, also where no run begins."""

import json
import signal
from typing import Any

import pytest

from tests.cli.program import Osiris
from tests.support.waiting import wait_for

BROKEN = """\
oml_version: 0.1.0
name: broken
steps:
  - {id: make, component: sample.sauce, mode: read, config: {}}
"""


def lines(err: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in err.splitlines()]
    assert all({"ts", "type"} <= set(line) for line in found)
    return found


@pytest.mark.parametrize(
    "arguments,code,message",
    [
        (("run", "gone.yaml"), 3, "gone.yaml does not exist"),
        (("run",), 2, "nothing to run"),
        (("run", "--last-compile"), 3, "nothing was compiled"),
        (("run", "sample.yaml", "--jobs", "0"), 2, "0 is not in the range"),
        (("run", "sample.yaml", "--nothing"), 2, "No such option"),
        (("run", "sample.yaml", "--param", "rows=x"), 3, "1 problem"),
        (("run", "secret.yaml"), 4, "VAULT_TOKEN"),
        (("run", "secret.yaml", "--dry-run"), 4, "VAULT_TOKEN"),
        (("run", "sample.yaml", "--e2b"), 4, "E2B_API_KEY"),
        (("-C", "gone", "run", "sample.yaml"), 2, "does not exist"),
    ],
)
def test_what_ends_a_command_is_an_object(
    sample: Osiris, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = sample(*arguments, "--progress", "json")
    assert done.code == code
    (error,) = [line for line in lines(done.err) if line["type"] == "error"]
    assert message in error["message"]
    assert error["exit_code"] == code
    assert {"code", "kind", "hint", "where"} <= set(error)


def test_a_mistake_in_a_pipeline_has_its_place(sample: Osiris) -> None:
    (sample.cwd / "broken.yaml").write_text(BROKEN)
    (error,) = lines(sample("run", "broken.yaml", "--progress=json").err)
    assert error["where"] == "broken.yaml:4:27"
    assert error["problems"][0]["path"] == "steps[0].component"
    both = sample("run", "broken.yaml", "--progress=json", "--json")
    assert lines(both.err)[0]["code"] == both.document["error"]["code"] == "pipeline.problems"


def test_a_setting_asks_for_them_before_it_is_read(sample: Osiris) -> None:
    wrong = ("run", "sample.yaml", "--jobs", "none")
    assert not sample(*wrong).err.startswith("{")
    assert lines(sample(*wrong, OSIRIS_PROGRESS="json").err)
    (sample.cwd / "osiris.yaml").write_text("run: {progress: json}\n")
    assert lines(sample(*wrong).err)
    assert lines(sample("--project", sample.cwd, *wrong, cwd=sample.cwd.parent).err)
    assert not sample(*wrong, OSIRIS_PROGRESS="plain").err.startswith("{")
    assert not sample(*wrong, "--progress", "none").err.startswith("{")
    assert not sample("logs", "show", "run", OSIRIS_PROGRESS="json").err.startswith("{")


def test_a_message_from_outside_a_run(sample: Osiris) -> None:
    """What follows a run and cannot be reached."""
    arguments = ("run", "sample.yaml", "--progress", "json")
    done = sample(*arguments, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.code == 0
    assert lines(done.err)
    (sample.cwd / ".env").write_text("OPENLINEAGE_URL=no address\n")
    done = sample(*arguments)
    told = [line for line in lines(done.err) if line["type"] == "log"]
    assert any("OPENLINEAGE_URL" in line["message"] for line in told)
    plain = sample("run", "sample.yaml", "--progress", "none")
    assert plain.err.startswith("warning: OPENLINEAGE_URL is set")


def test_a_person_sees_of_other_libraries_what_went_wrong_in_the_end(sample: Osiris) -> None:
    arguments = ("run", "sample.yaml", "--progress", "none")
    done = sample(*arguments, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:1")
    assert done.code == 0
    (line,) = done.err.splitlines()
    assert line.startswith("warning: opentelemetry: Failed to export")


def test_what_begins_is_told_first(sample: Osiris) -> None:
    first, *_ = lines(sample("run", "sample.yaml", "--progress", "json").err)
    (run,) = (sample.cwd / "logs").glob("run_*")
    about = {"session": run.name, "directory": str(run), "adapter": "local"}
    assert first == {"ts": first["ts"], "type": "run", **about}


def test_a_signal_is_told_as_an_object(sample: Osiris) -> None:
    process = sample.start("run", "slow.yaml", "--progress", "json")
    wait_for(lambda: any((sample.cwd / "logs").glob("run_*/artifacts")))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    told = lines(err)
    assert process.returncode == 143
    assert any(line["type"] == "note" and "SIGTERM" in line["message"] for line in told)
    assert told[-1]["type"] == "error"
    assert told[-1]["code"] == "run.terminated"
