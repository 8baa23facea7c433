"""Making sandboxes in E2B: once, with exactly what was asked, and never one too many."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from osiris.core.errors import MissingVariableError
from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_sandbox import (
    E2BSandbox,
    E2BSandboxDirectory,
    E2BSandboxProvider,
    build_template,
)
from osiris.remote.e2b_template import Resources, TemplatePlan
from osiris.remote.errors import (
    SandboxBusyError,
    SandboxError,
    SandboxUnavailableError,
    SandboxUnreachableError,
)
from osiris.remote.ownership import Owner
from osiris.remote.sandbox import SandboxSpec
from osiris.remote.sandbox_reaper import Standing, reap
from osiris.version import DISTRIBUTION
from tests.e2b_server.envd_behaviour import wait_until
from tests.e2b_server.faults import CREATE, KILL, Fault
from tests.e2b_server.sandboxes import TemplateImage
from tests.e2b_server.server import E2BServer, running_server

NO_WAITING = (0.01, 0.01)


@pytest.fixture
def server() -> Iterator[E2BServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def account(server: E2BServer) -> E2BAccount:
    return E2BAccount.from_environment(server.environment())


@pytest.fixture
def made() -> Iterator[list[E2BSandbox]]:
    """Kill what is put in here."""
    sandboxes: list[E2BSandbox] = []
    yield sandboxes
    for sandbox in sandboxes:
        sandbox.kill()


def create(
    account: E2BAccount, made: list[E2BSandbox], spec: SandboxSpec | None = None, **options: Any
) -> E2BSandbox:
    chosen = E2BOptions(**{"backoff": NO_WAITING, **options})
    made.append(E2BSandboxProvider(account, chosen).create(spec or SandboxSpec("run_x")))
    return made[-1]


def test_without_a_key_there_is_no_account() -> None:
    with pytest.raises(MissingVariableError, match="E2B_API_KEY is not set") as caught:
        E2BAccount.from_environment({"E2B_API_KEY": "  "})
    assert caught.value.exit_code == 4
    assert "https://" in (caught.value.hint or "")


def test_the_key_is_never_shown(account: E2BAccount) -> None:
    assert account.api_key not in repr(account)


@pytest.mark.parametrize(
    "env,proxy",
    [
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:2"}, "http://p:2"),
        ({"ALL_PROXY": "http://p:3"}, "http://p:3"),
        ({"HTTPS_PROXY": "http://p:1", "E2B_API_URL": "http://127.0.0.1:1"}, None),
        ({}, None),
    ],
)
def test_the_proxy_comes_from_the_environment(env: dict[str, str], proxy: str | None) -> None:
    assert E2BAccount.from_environment({"E2B_API_KEY": "k", **env}).proxy == proxy


def test_a_sandbox_is_made_once_with_what_was_asked(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
) -> None:
    spec = SandboxSpec(
        "run_20240101T000000Z_ab12",
        metadata={"osiris_pipeline": "movies"},
        ttl_seconds=123,
        hosts=(("192.0.2.7", 3306), ("localhost", 3306)),
    )
    create(account, made, spec)
    owner = Owner.this_process(spec.run_id, 1)
    (request,) = server.log.creations()
    asked = request.json()
    assert request.headers["idempotency-key"] == owner.idempotency_key
    assert asked["timeout"] == 123
    assert asked["envVars"] == {}
    assert asked["metadata"] == {"osiris_pipeline": "movies", **owner.to_metadata()}
    network = asked["network"]
    assert network["allowOut"] == ["127.0.0.1/32", "192.0.2.7/32", "localhost"]
    assert network["denyOut"] == ["0.0.0.0/0"]
    assert asked.get("allow_internet_access") is not False
    assert len(server.log.control_plane()) == 1
    made[-1].renew(60)
    assert "idempotency-key" not in server.log.control_plane()[-1].headers


def test_where_no_step_needs_a_network_there_is_none(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
) -> None:
    create(account, made)
    asked = server.log.creations()[0].json()
    assert asked["allow_internet_access"] is False


def test_installing_needs_the_package_index_and_nothing_else(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
) -> None:
    create(account, made, install_deps=True)
    network = server.log.creations()[0].json()["network"]
    names = {one for one in network["allowOut"] if not one.endswith("/32")}
    assert names == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.parametrize("after", [True, False])
def test_a_refused_creation_is_tried_again_and_makes_one_sandbox(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox], status: int, *, after: bool
) -> None:
    fault = server.faults.add(Fault(CREATE, times=2, status=status, after=after))
    create(account, made)
    assert fault.hits == 2
    assert len(server.sandboxes()) == 1
    keys = {r.headers["idempotency-key"] for r in server.log.creations()}
    assert len(keys) == 1


@pytest.mark.parametrize("cut", ["rst", "fin"])
def test_a_creation_whose_answer_is_lost_makes_one_sandbox(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox], cut: str
) -> None:
    fault = Fault(CREATE, cut_response=10, ending=cut)
    server.faults.add(fault)
    create(account, made)
    assert fault.hits == 1
    assert len(server.sandboxes()) == 1


@pytest.mark.parametrize(
    "status,expected",
    [
        (429, SandboxBusyError),
        (503, SandboxBusyError),
        (504, SandboxUnreachableError),
        (401, SandboxUnavailableError),
        (403, SandboxUnavailableError),
        (400, SandboxUnavailableError),
    ],
)
def test_a_creation_that_is_refused_for_good(
    server: E2BServer,
    account: E2BAccount,
    made: list[E2BSandbox],
    status: int,
    expected: type[SandboxError],
) -> None:
    server.faults.add(Fault(CREATE, times=None, status=status, message="because"))
    with pytest.raises(expected, match=r"E2B: cannot create a sandbox: .*because") as caught:
        create(account, made)
    assert caught.value.hint or status == 400
    assert not server.sandboxes()


def test_a_creation_that_seems_to_fail_leaves_no_sandbox(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
) -> None:
    server.faults.add(Fault(CREATE, times=None, status=504, after=True))
    with pytest.raises(SandboxUnreachableError):
        create(account, made)
    assert len(server.sandboxes()) == 1
    assert not server.living()


def test_a_refused_key_and_a_missing_template(
    server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
) -> None:
    wrong = E2BAccount.from_environment({**server.environment(), "E2B_API_KEY": "e2b_00"})
    with pytest.raises(SandboxUnavailableError, match="Invalid API key") as caught:
        create(wrong, made)
    assert "E2B_API_KEY" in (caught.value.hint or "")
    assert "e2b_00" not in caught.value.message
    with pytest.raises(SandboxUnavailableError, match="template 'none' not found"):
        create(account, made, template="none")


def test_nothing_listens(made: list[E2BSandbox]) -> None:
    env = {"E2B_API_KEY": "e2b_00", "E2B_API_URL": "http://127.0.0.1:9"}
    with pytest.raises(SandboxUnreachableError):
        create(E2BAccount.from_environment(env), made, backoff=())


PLAN = TemplatePlan(("pyarrow==26.0.0", "pydantic==2.12.0"), "3.11")
BIG = SandboxSpec("run_big", cpus=3.5, memory_bytes=4096 * 1024 * 1024 - 1)


class TestTemplates:
    def test_the_one_that_was_built_is_used_when_it_is_there(
        self, server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
    ) -> None:
        create(account, made, plan=PLAN)
        server.add_template(PLAN.name, TemplateImage("t-built"))
        create(account, made, SandboxSpec("run_y"), plan=PLAN)
        used = [s.template.template_id for s in server.sandboxes()]
        assert used == ["base", "t-built"]

    def test_the_one_that_was_asked_for_is_used(
        self, server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
    ) -> None:
        server.add_template("mine", TemplateImage("t-mine"))
        create(account, made, template="mine", plan=PLAN)
        assert server.sandboxes()[0].template.template_id == "t-mine"
        assert len(server.log.control_plane()) == 1

    def test_resources_need_a_template_that_has_them(
        self, server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
    ) -> None:
        with pytest.raises(SandboxUnavailableError, match="4 processors and 4096 MiB") as caught:
            create(account, made, BIG, plan=PLAN)
        assert caught.value.hint == "osiris e2b build-template --cpu 4 --memory 4096"
        assert build_template(
            account,
            PLAN.with_resources(Resources(4, 4096)),
            lambda _line: None,
            timeout=30,
        )
        create(account, made, BIG, plan=PLAN)
        used = server.sandboxes()[-1].template
        assert (used.cpu_count, used.memory_mb) == (4, 4096)

    def test_resources_beside_a_template_are_refused(
        self, account: E2BAccount, made: list[E2BSandbox]
    ) -> None:
        with pytest.raises(SandboxUnavailableError, match="has its own processors") as caught:
            create(account, made, BIG, template="mine")
        assert "--e2b-cpu" in (caught.value.hint or "")


class TestBuilding:
    def test_a_template_holds_what_is_installed_here(
        self, server: E2BServer, account: E2BAccount
    ) -> None:
        plan = TemplatePlan.of_installation()
        pinned = dict(line.split("==") for line in plan.requirements)
        assert pinned["pyarrow"] == version("pyarrow")
        assert {"pydantic", "pydantic-core", "duckdb", "pymysql", "numpy"} <= set(pinned)
        assert not {"osiris", DISTRIBUTION} & set(pinned)
        said: list[str] = []
        template_id = build_template(account, plan, said.append, timeout=30)
        (build,) = server.builds
        assert (build.template_id, build.name) == (template_id, plan.name)
        assert build.image == f"python:{plan.python}"
        commands = [" ".join(step["args"]) for step in build.steps if step["type"] == "RUN"]
        assert any(plan.install_command in command for command in commands)
        assert any("finished" in line for line in said)

    def test_the_name_follows_from_what_is_in_it(self) -> None:
        others = [
            TemplatePlan(PLAN.requirements, "3.12"),
            TemplatePlan(("pyarrow==26.0.1", "pydantic==2.12.0"), "3.11"),
            PLAN.with_resources(Resources(cpus=2)),
            PLAN.with_resources(Resources(memory_mb=2)),
        ]
        names = {plan.name for plan in [PLAN, *others]}
        assert len(names) == 5
        assert all(re.fullmatch(r"osiris-[0-9a-f]{16}(-\d+cpu)?(-\d+mb)?", name) for name in names)

    def test_a_build_that_fails_is_an_error(self, server: E2BServer, account: E2BAccount) -> None:
        server.fail_builds("no such version: pyarrow")
        with pytest.raises(SandboxUnavailableError, match="no such version: pyarrow"):
            build_template(account, PLAN, lambda _line: None, timeout=30)


class TestReaping:
    def test_what_lives_is_left_alone(
        self, server: E2BServer, account: E2BAccount, made: list[E2BSandbox]
    ) -> None:
        create(account, made)
        stranger = Owner("run_far", 1, "0" * 32, 1, 1)
        self.create_as(server, stranger.to_metadata())
        self.create_as(server, {"made_by": "osiris"})
        self.create_as(server, {})
        directory = E2BSandboxDirectory(account)
        standings = {found.owner.run_id: found.standing for found in directory.find()}
        assert standings == {"run_x": Standing.RUNNING, "run_far": Standing.ELSEWHERE}
        assert reap(directory) == []
        assert len(server.living()) == 4

    def test_what_a_killed_process_left_is_ended(
        self, server: E2BServer, account: E2BAccount
    ) -> None:
        program = (
            "import os, signal; from osiris.remote.e2b_options import E2BAccount; "
            "from osiris.remote.e2b_sandbox import E2BSandboxProvider; "
            "from osiris.remote.sandbox import SandboxSpec; "
            "E2BSandboxProvider(E2BAccount.from_environment(os.environ)).create("
            "SandboxSpec('run_dead')); os.kill(os.getpid(), signal.SIGKILL)"
        )
        env = {**os.environ, **server.environment()}
        killed = subprocess.run([sys.executable, "-c", program], env=env, check=False)
        assert killed.returncode == -9
        (left,) = server.living()
        directory = E2BSandboxDirectory(account)
        (found,) = directory.find()
        assert found.standing is Standing.DEAD
        assert found.to_dict()["run"] == "run_dead"
        (reaped,) = reap(directory)
        assert (reaped.sandbox.id, reaped.error) == (left.sandbox_id, None)
        assert wait_until(lambda: not server.living())

    def test_one_that_resists_does_not_stop_the_rest(
        self, server: E2BServer, account: E2BAccount
    ) -> None:
        here = Owner.this_process("run_x", 1)
        for number in range(3):
            dead = Owner(f"run_{number}", 1, here.machine, here.pid, here.start + 1)
            self.create_as(server, dead.to_metadata())
        server.faults.add(Fault(KILL, skip=1, status=500))
        reaped = reap(E2BSandboxDirectory(account))
        assert [type(one.error) for one in reaped].count(SandboxUnreachableError) == 1
        assert len(server.living()) == 1

    def test_an_account_with_many_sandboxes_is_listed_whole(
        self, server: E2BServer, account: E2BAccount
    ) -> None:
        dead = Owner("run_many", 1, "0" * 32, 1, 1).to_metadata()
        for _ in range(5):
            self.create_as(server, dead)
        for sandbox in server.living():
            assert sandbox.metadata == dead
        assert len(E2BSandboxDirectory(account).find()) == 5

    def create_as(self, server: E2BServer, metadata: dict[str, str]) -> None:
        server.create({"templateID": "base", "metadata": metadata})
