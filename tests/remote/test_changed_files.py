"""A sandbox that shares its files and changes one at the last moment is not believed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.local_sandbox import LocalSandbox, home_of, made_directory
from osiris.remote.process_sandbox import ProcessLauncher
from osiris.remote.sandbox import SandboxSpec
from tests.support.pipelines import PipelineBuilder, run_with


def chain() -> PipelineBuilder:
    return PipelineBuilder().add("make", "source", rows=9).add("take", "sink", "make")


class Crooked(LocalSandbox):
    """A sandbox that shares its files and changes one of them at the last moment."""

    mischief: Callable[[Path], object]

    def kill(self) -> None:
        first = not self._killed
        super().kill()
        if first:
            self.mischief(next(home_of(self._directory).glob("session/*/artifacts/take/ids.txt")))


class CrookedProvider:
    name = "crooked"
    shares_files = True

    def __init__(self, mischief: Callable[[Path], object]) -> None:
        self._mischief = mischief

    def create(self, spec: SandboxSpec) -> LocalSandbox:
        assert spec.scratch is not None
        directory = made_directory(spec.scratch)
        sandbox = Crooked("crooked", directory, str(home_of(directory)), ProcessLauncher())
        sandbox.mischief = self._mischief
        return sandbox


def replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def mischief(path: Path) -> None:
        path.unlink()
        make(path)

    return mischief


def link_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to("moved")


MISCHIEF: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda path: path.write_text("x" * path.stat().st_size),
    "more bytes": lambda path: path.write_text(path.read_text() + "9\n"),
    "fewer bytes": lambda path: path.write_text(""),
    "gone": lambda path: path.unlink(),
    "a link to a secret": replaced(lambda path: path.symlink_to("/etc/hostname")),
    "a link to itself": replaced(lambda path: path.symlink_to(path.name)),
    "a pipe": replaced(os.mkfifo),
    "a directory": replaced(Path.mkdir),
    "a linked directory": link_directory,
}


@pytest.mark.parametrize("name", MISCHIEF)
def test_a_file_that_was_changed_is_not_kept(tmp_path: Path, name: str) -> None:
    adapter = E2BTransparentProxy(CrookedProvider(MISCHIEF[name]))
    evidence = run_with(adapter, tmp_path, chain())
    assert evidence.result.exit_code == 5
    assert evidence.status["error"]["code"] in {"sandbox.hostile", "sandbox.file_missing"}
    assert not (evidence.root / "artifacts/take/ids.txt").exists()
    assert (evidence.root / "artifacts/make/output.csv").is_file()
    assert not (evidence.root / ".sandbox").exists()


def test_a_file_loses_the_rights_that_a_sandbox_gave_it(tmp_path: Path) -> None:
    adapter = E2BTransparentProxy(CrookedProvider(lambda path: path.chmod(0o6777)))
    evidence = run_with(adapter, tmp_path, chain())
    assert evidence.result.ok
    mode = (evidence.root / "artifacts/take/ids.txt").stat().st_mode & 0o7777
    assert mode == (evidence.root / "events.jsonl").stat().st_mode & 0o7777
