"""`osiris sandboxes` and `osiris e2b` against the loopback server."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from osiris.remote.ownership import Owner
from tests.cli.program import Osiris
from tests.e2b_server.faults import KILL, Fault
from tests.e2b_server.server import E2BServer, running_server


@pytest.fixture
def server() -> Iterator[E2BServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def cloud(osiris: Osiris, server: E2BServer) -> Osiris:
    return Osiris(osiris.cwd, server.environment())


def of_a_dead_run(server: E2BServer, run: str = "run_dead") -> str:
    """Make a sandbox whose process has ended; return its id."""
    program = (
        "from osiris.remote.ownership import Owner; import json; "
        f"print(json.dumps(Owner.this_process({run!r}, 1).to_metadata()))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    metadata = json.loads(said.stdout)
    return server.create({"templateID": "base", "metadata": metadata}).sandbox_id


def of_this_process(server: E2BServer) -> str:
    metadata = Owner.this_process("run_alive", 1).to_metadata()
    return server.create({"templateID": "base", "metadata": metadata}).sandbox_id


def test_sandboxes_are_listed_with_what_is_known_of_their_runs(
    cloud: Osiris, server: E2BServer
) -> None:
    dead, alive = of_a_dead_run(server), of_this_process(server)
    server.create({"templateID": "base", "metadata": {"of": "others"}})
    listed = cloud("sandboxes", "list", "--json").document["sandboxes"]
    assert {one["id"]: (one["run"], one["standing"]) for one in listed} == {
        dead: ("run_dead", "dead"),
        alive: ("run_alive", "running"),
    }
    shown = cloud("sandboxes", "list").out.splitlines()
    assert len(shown) == 3
    assert any(dead in line and "dead" in line for line in shown)


def test_only_what_is_dead_is_reaped(cloud: Osiris, server: E2BServer) -> None:
    dead, alive = of_a_dead_run(server), of_this_process(server)
    assert f"{dead} of run_dead: would be ended" in cloud("sandboxes", "reap", "--dry-run").out
    assert len(server.living()) == 2
    (reaped,) = cloud("sandboxes", "reap", "--json").document["reaped"]
    assert (reaped["id"], reaped["error"]) == (dead, None)
    assert [one.sandbox_id for one in server.living()] == [alive]
    assert cloud("sandboxes", "reap").out == "there is no sandbox of a dead run\n"


def test_one_that_cannot_be_ended_is_told(cloud: Osiris, server: E2BServer) -> None:
    dead = of_a_dead_run(server)
    server.faults.add(Fault(KILL, times=None, status=500))
    done = cloud("sandboxes", "reap")
    assert done.code == 5
    assert dead in done.out
    assert "cannot kill it" in done.out


def test_an_empty_account(cloud: Osiris) -> None:
    assert cloud("sandboxes", "list").out == "this account has no sandbox that Osiris made\n"
    assert cloud("sandboxes", "list", "--json").document == {"sandboxes": []}


@pytest.mark.parametrize("verb", [("sandboxes", "list"), ("sandboxes", "reap")])
def test_without_a_key(osiris: Osiris, verb: tuple[str, ...]) -> None:
    done = osiris(*verb)
    assert done.code == 4
    assert "E2B_API_KEY is not set" in done.err


def test_a_refused_key(cloud: Osiris) -> None:
    done = cloud("sandboxes", "list", E2B_API_KEY="e2b_wrong")
    assert done.code == 5
    assert "check the key in E2B_API_KEY" in done.err
    assert "e2b_wrong" not in done.err + done.out


def test_the_key_is_read_from_the_projects_env_file(cloud: Osiris, server: E2BServer) -> None:
    project = cloud.cwd / "project"
    project.mkdir()
    (project / "osiris.yaml").write_text("")
    (project / ".env").write_text(f"E2B_API_KEY={server.api_key}\n")
    keyless = {name: value for name, value in cloud.env.items() if name != "E2B_API_KEY"}
    done = Osiris(project, keyless)("sandboxes", "list", "--json")
    assert done.document == {"sandboxes": []}


def test_a_template_is_built_for_this_installation(cloud: Osiris, server: E2BServer) -> None:
    planned = cloud("e2b", "build-template", "--dry-run", "--json").document
    assert not server.builds
    assert any(one.startswith("pyarrow==") for one in planned["requirements"])
    done = cloud("e2b", "build-template", "--cpu", "4", "--memory", "2048", "--json")
    (build,) = server.builds
    assert done.document["template_id"] == build.template_id
    assert done.document["name"] == build.name == planned["name"] + "-4cpu-2048mb"
    assert (build.cpu_count, build.memory_mb) == (4, 2048)


def test_a_build_that_fails(cloud: Osiris, server: E2BServer) -> None:
    server.fail_builds("pip could not find pyarrow")
    done = cloud("e2b", "build-template")
    assert done.code == 5
    assert "pip could not find pyarrow" in done.err
