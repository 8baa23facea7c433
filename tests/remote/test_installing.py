"""What a sandbox lacks is told before any step, or installed: that version, that hash, no other."""

import dataclasses
import hashlib
import textwrap
import zipfile
from pathlib import Path

import pytest

from osiris.components.component import Mode
from osiris.core.manifest import Step
from osiris.core.step_config import StepConfig, sha256_hex
from osiris.remote.dependency_lock import LockError, Target, hash_lock
from tests.remote.e2b_runs import QUICK, Runs
from tests.support.pipelines import PipelineBuilder

NEEDY = """
import pyarrow as pa
from osiris.components.component import Component, ComponentConfig, Mode

class NeedyConfig(ComponentConfig):
    '''Nothing to choose.'''

class NeedySourceDriver:
    '''Says which version of its dependency it has, and where from.'''

    def run(self, *, step_id, config, inputs, ctx):
        import osiris_tiny
        return {"df": pa.table({"text": [osiris_tiny.VERSION, osiris_tiny.__file__]})}

SOURCE = Component(
    name="needy.source",
    modes=frozenset({Mode.READ}),
    config=NeedyConfig,
    driver="osiris_needy:NeedySourceDriver",
    summary="Needs a package.",
)
"""
TINY = "VERSION = '1.5'\n"


def distribution(site: Path, name: str, version: str, more: str = "", points: str = "") -> None:
    """Write a distribution's metadata as an installer would."""
    directory = site / f"{name.replace('-', '_')}-{version}.dist-info"
    directory.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
    (directory / "METADATA").write_text(head)
    if points:
        (directory / "entry_points.txt").write_text(points)


def wheel(directory: Path, source: str) -> Path:
    """Write the wheel of osiris-tiny 1.5."""
    directory.mkdir()
    path = directory / "osiris_tiny-1.5-py3-none-any.whl"
    info = "osiris_tiny-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("osiris_tiny.py", source)
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: osiris-tiny\nVersion: 1.5\n"
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that has the needy component and what it needs; the only packages there are."""
    site = tmp_path / "site"
    needs = "Requires-Dist: osiris-tiny\n"
    points = "[osiris.components]\nneedy.source = osiris_needy:SOURCE\n"
    distribution(site, "osiris-needy", "1.0", needs, points)
    distribution(site, "osiris-tiny", "1.5")
    (site / "osiris_needy.py").write_text(textwrap.dedent(NEEDY))
    (site / "osiris_tiny.py").write_text(TINY)
    monkeypatch.syspath_prepend(site)
    wheels = wheel(tmp_path / "wheels", TINY).parent
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def needy() -> PipelineBuilder:
    builder = PipelineBuilder()
    config = StepConfig(id="need", component="needy.source", mode=Mode.READ, config={})
    data = config.model_dump_json().encode() + b"\n"
    builder.cfgs["need"] = data
    step = Step(id="need", component="needy.source", mode=Mode.READ, cfg_sha256=sha256_hex(data))
    builder.steps.append(step)
    return builder


def pip(wheels: Path) -> dict[str, str]:
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


@pytest.mark.usefixtures("index")
def test_what_is_missing_is_listed_before_any_step(runs: Runs) -> None:
    evidence = runs(needy())
    assert evidence.result.exit_code == 4
    error = evidence.status["error"]
    assert error["code"] == "environment.missing_dependency"
    assert error["message"].endswith("osiris-tiny is missing")
    assert "--e2b-install-deps" in error["hint"]
    assert evidence.events("step_start") == []
    assert evidence.events("sandbox_worker_started") == []
    assert not runs.server.living()


def test_what_is_missing_is_installed_at_the_hosts_version(runs: Runs, index: Path) -> None:
    choices = dataclasses.replace(QUICK, install_deps=True, env=pip(index))
    evidence = runs(needy(), choices)
    assert evidence.result.exit_code == 0, evidence.status["error"]
    version, file = (evidence.root / "artifacts/need/output.csv").read_text().split()[1:]
    assert version.strip('"') == "1.5"
    assert "/.proxy/packages/" in file
    assert "installing osiris-tiny" in evidence.result.layout.debug_log.read_text()


@pytest.mark.usefixtures("index")
def test_a_package_with_another_hash_is_not_installed(runs: Runs, tmp_path: Path) -> None:
    """Whoever stands between the sandbox and its index gives it something else of that name."""
    evil = wheel(tmp_path / "evil", TINY + "print('gotcha')\n").parent
    choices = dataclasses.replace(QUICK, install_deps=True, env=pip(evil))
    evidence = runs(needy(), choices)
    assert evidence.result.exit_code == 4
    assert "osiris-tiny is missing" in evidence.status["error"]["message"]
    assert evidence.events("step_start") == []
    log = evidence.result.layout.log.read_text()
    assert "DO NOT MATCH THE HASHES" in log
    assert "gotcha" not in log


def test_the_wrong_version_is_told(runs: Runs, index: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "osiris_tiny-1.5.dist-info").rename(site / "osiris_tiny-2.0.dist-info")
    metadata = site / "osiris_tiny-2.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.5", "2.0"))
    choices = dataclasses.replace(QUICK, install_deps=True, env=pip(index))
    evidence = runs(needy(), choices)
    assert evidence.result.exit_code == 4
    assert evidence.status["error"]["code"] == "environment.lock"
    assert "osiris-tiny==2.0" in evidence.status["error"]["message"]


def test_a_lock_names_each_file_by_its_hash(index: Path) -> None:
    digest = hashlib.sha256(next(index.iterdir()).read_bytes()).hexdigest()
    target = Target.of(3, 11, "linux-x86_64", "glibc", "2.36")
    assert hash_lock({"osiris-tiny": "1.5"}, target) == [f"osiris-tiny==1.5 --hash=sha256:{digest}"]
    assert hash_lock({}, target) == []
    with pytest.raises(LockError, match=r"osiris-tiny==9\.9"):
        hash_lock({"osiris-tiny": "9.9"}, target)


def test_a_target_takes_wheels_that_its_c_library_can_load() -> None:
    old = Target.of(3, 12, "linux-x86_64", "glibc", "2.17")
    assert old.platforms[0] == "manylinux_2_17_x86_64"
    assert "manylinux_2_18_x86_64" not in old.platforms
    arm = Target.of(3, 11, "linux-aarch64", "glibc", "2.36")
    assert "manylinux2014_aarch64" in arm.platforms
    musl = Target.of(3, 11, "linux-x86_64", "", "")
    assert musl.platforms == ("linux_x86_64",)
