"""The program in an empty directory, and in a project that `osiris init` made."""

import shutil
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Osiris


@pytest.fixture
def osiris(tmp_path: Path) -> Osiris:
    """The program in an empty directory."""
    return Osiris(tmp_path)


@pytest.fixture(scope="session")
def _initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("initialised")
    done = Osiris(root)("init", "project")
    assert done.code == 0, done.err
    return root / "project"


@pytest.fixture
def project(_initialised: Path, tmp_path: Path) -> Osiris:
    """The program in a project of its own: `pipeline.yaml`, two CSV files, four steps."""
    root = tmp_path / "project"
    shutil.copytree(_initialised, root)
    return Osiris(root)


SAMPLE = """\
oml_version: 0.1.0
name: sample
params:
  rows: {type: integer, default: 20}
steps:
  - {id: make, component: sample.source, mode: read, config: {rows: "${params.rows}"}}
  - {id: pass, component: sample.mapper, mode: transform, config: {}}
  - {id: keep, component: sample.sink, mode: write, config: {}}
"""

BRANCHES = """\
oml_version: 0.1.0
name: branches
steps:
  - {id: good, component: sample.source, mode: read, config: {rows: 10}}
  - {id: keep-good, component: sample.sink, mode: write, config: {}, needs: [good]}
  - {id: bad, component: sample.source, mode: read, config: {fault: config, fault_after: 4}}
  - {id: keep-bad, component: sample.sink, mode: write, config: {}, needs: [bad]}
"""

SLOW = """\
oml_version: 0.1.0
name: slow
steps:
  - {id: make, component: sample.source, mode: read, config: {rows: 100000, delay: 0.05}}
  - {id: keep, component: sample.sink, mode: write, config: {}}
"""

SECRET = """\
oml_version: 0.1.0
name: secret
steps:
  - {id: make, component: sample.secret_source, mode: read, config: {connection: "@sample.vault"}}
  - {id: keep, component: sample.sink, mode: write, config: {}}
"""

CONNECTIONS = """\
connections:
  sample:
    vault: {host: "${VAULT_HOST:-vault.invalid}", token: "${VAULT_TOKEN}"}
"""


@pytest.fixture
def sample(tmp_path: Path) -> Osiris:
    """The program in a project with pipelines of the sample components, good and bad."""
    root = tmp_path / "sample"
    root.mkdir()
    pipelines = {"sample": SAMPLE, "branches": BRANCHES, "slow": SLOW, "secret": SECRET}
    for name, text in pipelines.items():
        (root / f"{name}.yaml").write_text(text)
    (root / "osiris.yaml").write_text("name: sample\n")
    (root / "osiris_connections.yaml").write_text(CONNECTIONS)
    return Osiris(root, {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'sample_package'}"})


SHOP = "connections:\n  mysql:\n    shop: {user: u}\n    stock: {user: u}\n"


@pytest.fixture
def shop(osiris: Osiris) -> Osiris:
    """The program in a project with two connections, a run and a file."""
    (osiris.cwd / "osiris.yaml").touch()
    (osiris.cwd / "osiris_connections.yaml").write_text(SHOP)
    (osiris.cwd / "logs" / "run_20260101T000000Z_abcd").mkdir(parents=True)
    (osiris.cwd / "data.csv").touch()
    return osiris
