"""Settings: the option, the environment, .env, osiris.yaml, the default, in this order."""

from pathlib import Path

import pytest

from tests.cli.program import Osiris


def with_variables(osiris: Osiris, env: dict[str, str]) -> Osiris:
    return Osiris(osiris.cwd, {**osiris.env, **env})


def shown(osiris: Osiris, **env: str) -> dict[str, tuple[object, str]]:
    done = with_variables(osiris, env)("config", "show", "--json")
    assert done.code == 0, done.err
    return {one["name"]: (one["value"], one["origin"]) for one in done.document["settings"]}


@pytest.fixture
def settled(sample: Osiris) -> Osiris:
    """A project whose osiris.yaml and .env set something."""
    (sample.cwd / "osiris.yaml").write_text("name: sample\nrun:\n  jobs: 3\n  step_outputs: csv\n")
    (sample.cwd / ".env").write_text("OSIRIS_STEP_OUTPUTS=parquet\nOSIRIS_FAIL_FAST=yes\n")
    return sample


def test_each_says_where_it_comes_from(settled: Osiris) -> None:
    found = shown(settled, OSIRIS_FAIL_FAST="false")
    assert found["jobs"] == (3, "osiris.yaml:3")
    assert found["step_outputs"] == ("parquet", "OSIRIS_STEP_OUTPUTS in .env")
    assert found["fail_fast"] == (False, "OSIRIS_FAIL_FAST")
    assert found["sandbox"] == (None, "default")


def test_a_table_for_people(settled: Osiris) -> None:
    done = settled("config", "show", "--origin", OSIRIS_JOBB="2")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["SETTING", "VALUE", "ORIGIN"]
    assert lines[1] == ["jobs", "3", "osiris.yaml:3"]
    assert "OSIRIS_JOBB is no setting; did you mean 'OSIRIS_JOBS'?" in done.err


def kept(osiris: Osiris, *options: str, **env: str) -> set[str]:
    """Run the sample and return the names of the outputs that were kept of its first step."""
    done = with_variables(osiris, env)("run", "sample.yaml", *options, "--json")
    assert done.code == 0, done.err
    step = Path(done.document["directory"]) / "artifacts" / "make"
    return {path.name for path in step.glob("*")}


def test_a_run_goes_by_them(settled: Osiris) -> None:
    assert kept(settled) == {"output.parquet"}
    assert kept(settled, OSIRIS_STEP_OUTPUTS="csv") == {"output.csv"}
    assert kept(settled, "--step-outputs", "none", OSIRIS_STEP_OUTPUTS="csv") == set()
    (settled.cwd / ".env").unlink()
    assert kept(settled) == {"output.csv"}


def adapter(osiris: Osiris, *options: str, **env: str) -> str:
    done = with_variables(osiris, env)("run", "sample.yaml", *options, "--json")
    assert done.code == 0, done.err
    return str(done.document["adapter"])


def test_the_place_of_a_run_is_a_setting_too(sample: Osiris) -> None:
    (sample.cwd / "osiris.yaml").write_text("run: {sandbox: process, e2b_template: mine}\n")
    assert adapter(sample) == "process"
    assert adapter(sample, "--sandbox=none") == "local"
    assert adapter(sample, OSIRIS_SANDBOX="none") == "local"
    done = sample("run", "sample.yaml", "--e2b")
    assert "E2B_API_KEY" in done.err
    done = sample("run", "sample.yaml", OSIRIS_E2B="1")
    assert "E2B_API_KEY" in done.err


@pytest.mark.parametrize(
    "text,message",
    [
        ("run: {jobs: many}", "osiris.yaml:1: jobs: 'many' is not a valid integer"),
        ("run: {jobs: 0}", "osiris.yaml:1: jobs: 0 is not in the range"),
        ("run: {jobs: [1]}", "jobs must be one value, not a list"),
        ("run: {job: 1}", "did you mean 'jobs'?"),
        ("run: 3", "run must be a mapping"),
        ("runs: {}", "unknown key 'runs'"),
        ("run: {step_outputs: xml}", "'xml' is not one of"),
    ],
)
def test_a_wrong_setting_is_told(sample: Osiris, text: str, message: str) -> None:
    (sample.cwd / "osiris.yaml").write_text(text)
    done = sample("run", "sample.yaml")
    assert done.code == 3
    assert message in done.err
    assert not list((sample.cwd / "logs").glob("run_*"))


def test_a_wrong_variable_is_told(sample: Osiris) -> None:
    done = sample("run", "sample.yaml", OSIRIS_JOBS="x")
    assert done.code == 3
    assert "OSIRIS_JOBS: jobs: 'x' is not a valid integer" in done.err


def test_how_a_run_is_shown_is_a_setting(sample: Osiris) -> None:
    def told(*options: str, **env: str) -> str:
        done = with_variables(sample, env)("run", "sample.yaml", *options)
        assert done.code == 0, done.err
        return "json" if done.err.startswith('{"ts":') else "none" if not done.err else "plain"

    assert told() == "plain"
    (sample.cwd / "osiris.yaml").write_text("run: {progress: none}\n")
    assert told() == "none"
    (sample.cwd / ".env").write_text("OSIRIS_PROGRESS=json\n")
    assert told() == "json"
    assert told(OSIRIS_PROGRESS="plain") == "plain"
    assert told("--progress", "none", OSIRIS_PROGRESS="plain") == "none"
    assert shown(sample)["progress"] == ("json", "OSIRIS_PROGRESS in .env")
