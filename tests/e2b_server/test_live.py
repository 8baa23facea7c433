"""The same scenarios against E2B itself: what the loopback server imitates must be true there.

Needs an account (E2B_API_KEY) and costs a few cents; run by `make live`.
"""

import io
import os
import time
from collections.abc import Iterator

import e2b
import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.remote.e2b_adapter import e2b_adapter
from osiris.remote.e2b_options import E2BAccount
from osiris.remote.e2b_sandbox import (
    E2BSandbox,
    E2BSandboxDirectory,
    E2BSandboxProvider,
    build_template,
)
from osiris.remote.e2b_template import TemplatePlan
from osiris.remote.errors import SandboxFileMissingError, SandboxGoneError
from osiris.remote.sandbox import SandboxProvider, SandboxSpec
from tests.contracts.adapter_contract import AdapterContract
from tests.contracts.sandbox_contract import SandboxContract
from tests.e2b_server.envd_behaviour import EnvdBehaviour, PassTime

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def account() -> E2BAccount:
    return E2BAccount.from_environment(os.environ)


class TestEnvd(EnvdBehaviour):
    @pytest.fixture
    def sandbox(self, account: E2BAccount) -> Iterator[e2b.Sandbox]:
        with e2b.E2B(**account.parameters()).Sandbox.create(timeout=300) as made:
            yield made

    @pytest.fixture
    def pass_time(self) -> PassTime:
        return time.sleep


class TestSandboxContract(SandboxContract):
    @pytest.fixture
    def provider(self, account: E2BAccount) -> SandboxProvider:
        return E2BSandboxProvider(account)


class TestSandbox:
    @pytest.fixture
    def sandbox(self, account: E2BAccount) -> Iterator[E2BSandbox]:
        made = E2BSandboxProvider(account).create(SandboxSpec("run_live"))
        yield made
        made.kill()

    def test_the_port(self, account: E2BAccount, sandbox: E2BSandbox) -> None:
        path = sandbox.home + "/dir/x"
        data = os.urandom(20_000_000)
        sandbox.write(path, io.BytesIO(data))
        assert sandbox.read(path, 10_000_000, 8_000_000) == data[10_000_000:18_000_000]
        assert sandbox.run(["cat"], timeout=30, stdin=b"\xff\x00") == b"\xff\x00"
        assert b"".join(sandbox.follow(["seq", "3"])) == b"1\n2\n3\n"
        sandbox.start(["sh", "-c", f'printf %s "$SECRET" > {path}.env'], {"SECRET": "canary"})
        time.sleep(2)
        assert sandbox.read(path + ".env", 0, 100) == b"canary"
        with pytest.raises(SandboxFileMissingError):
            sandbox.read(path + ".none", 0, 1)
        sandbox.renew(120)
        assert sandbox.alive()
        assert sandbox.id in {found.id for found in E2BSandboxDirectory(account).find()}
        sandbox.kill()
        assert not sandbox.alive()
        with pytest.raises(SandboxGoneError):
            sandbox.run(["true"], timeout=10)

    def test_a_key_makes_one_sandbox(self, account: E2BAccount, sandbox: E2BSandbox) -> None:
        again = E2BSandboxProvider(account).create(SandboxSpec("run_live"))
        assert again.id == sandbox.id


@pytest.fixture(scope="module")
def template(account: E2BAccount) -> str:
    plan = TemplatePlan.of_installation()
    build_template(account, plan, lambda _line: None, timeout=900)
    return plan.name


class TestAdapter(AdapterContract):
    @pytest.fixture
    def adapter(self, template: str) -> ExecutionAdapter:
        return e2b_adapter(os.environ, template)
