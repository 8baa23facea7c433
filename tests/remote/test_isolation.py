"""What a step in the bubblewrap sandbox cannot see, do or use up."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.probes import found, probing
from tests.remote.test_local_sandbox import marked
from tests.support.pipelines import Evidence, run_with

pytestmark = pytest.mark.usefixtures("bubblewrap")
CANARY = "a canary of this machine"


def inside(tmp_path: Path, code: str, connection: Any = None, **choices: Any) -> Evidence:
    """Run code in a step in the sandbox."""
    builder = probing(code, connection)
    return run_with(sandbox_adapter(**choices), tmp_path / "project", builder, grace_seconds=1.0)


@pytest.fixture(autouse=True)
def project(tmp_path: Path) -> Path:
    """A project with things in it that are none of the sandbox's business."""
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / ".env").write_text(CANARY)
    (directory / "private.txt").write_text(CANARY)
    return directory


def test_nothing_of_the_project_or_the_home_is_there(tmp_path: Path, project: Path) -> None:
    home = Path.home()
    canary = home / f".canary-{os.getpid()}"
    canary.write_text(CANARY)
    try:
        evidence = inside(
            tmp_path,
            f"""
            import os
            rows = [open(name).read() if os.path.exists(name) else "-" for name in (
                {str(project / ".env")!r}, {str(project / "private.txt")!r}, {str(canary)!r},
            )]
            rows += [",".join(sorted(os.listdir({str(project)!r}))) or "empty"]
            """,
        )
    finally:
        canary.unlink()
    assert found(evidence) == ["-", "-", "-", "empty"]


def test_the_file_system_holds_no_secret_of_this_machine(tmp_path: Path) -> None:
    """Everything that can be read at all is looked at, but for what comes with the system."""
    evidence = inside(
        tmp_path,
        """
        import os
        rows = []
        skipped = {"/usr", "/proc", "/sys", "/dev", "/lib", "/lib64", "/bin", "/sbin"}
        for top in sorted(os.listdir("/")):
            if "/" + top not in skipped:
                rows.append("/" + top)
        rows += ["shadow" if os.path.exists("/etc/shadow") else "no shadow"]
        rows += sorted(os.listdir("/etc"))
        rows += ["processes: " + str(len([p for p in os.listdir("/proc") if p.isdigit()]))]
        """,
    )
    rows = found(evidence)
    assert "no shadow" in rows
    assert not {"ssh", "sudoers", "mysql", "gshadow", "machine-id"} & set(rows)
    assert int(rows[-1].partition(": ")[2]) < 12


@pytest.mark.parametrize(
    "target", ["/usr/bin/new", "/etc/new", "/new", "/srv/new", "/var/new", "{python}/new"]
)
def test_the_system_cannot_be_written(tmp_path: Path, target: str) -> None:
    evidence = inside(
        tmp_path,
        f"""
        import sys
        try:
            open({target!r}.format(python=sys.prefix), "w")
            rows = ["written"]
        except OSError as error:
            rows = [type(error).__name__]
        """,
    )
    assert found(evidence)[0] in {"OSError", "PermissionError", "FileNotFoundError"}


def test_its_own_places_can_be_written(tmp_path: Path) -> None:
    evidence = inside(
        tmp_path,
        """
        import os, tempfile
        for directory in (os.environ["HOME"], "/tmp", "/dev/shm", str(ctx.output_dir)):
            with tempfile.NamedTemporaryFile(dir=directory) as file:
                file.write(b"x")
        """,
    )
    assert evidence.result.ok


def test_it_is_nobody_special(tmp_path: Path) -> None:
    evidence = inside(
        tmp_path,
        """
        import os, socket
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        rows = [os.getuid(), socket.gethostname(), status["CapEff"].strip(), os.environ["HOME"]]
        """,
    )
    assert found(evidence) == ["1000", "sandbox", "0" * 16, "/home/user"]


@contextmanager
def listening() -> Iterator[int]:
    """A server on this machine that greets; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.sendall(b"hello")
                connection.close()

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


GREETED = """
import socket
try:
    rows = [socket.create_connection(("127.0.0.1", {port}), 3).recv(10).decode()]
except OSError as error:
    rows = [type(error).__name__]
rows += [",".join(sorted(name for _, name in socket.if_nameindex()))]
"""


def test_no_network_when_no_step_needs_one(tmp_path: Path) -> None:
    with listening() as port:
        evidence = inside(tmp_path, GREETED.format(port=port))
    assert found(evidence) == ["ConnectionRefusedError", "lo"]


def test_a_network_when_a_step_needs_one(tmp_path: Path) -> None:
    with listening() as port:
        connection = {"host": "127.0.0.1", "port": port}
        evidence = inside(tmp_path, GREETED.format(port=port), connection)
    assert found(evidence)[0] == "hello"
    (created,) = evidence.events("sandbox_created")
    assert created["hosts"] == [f"127.0.0.1:{port}"]


def test_only_the_runs_own_variables_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_CANARY", CANARY)
    evidence = inside(
        tmp_path,
        """
        import os
        rows = sorted(os.environ)
        processes = [p for p in os.listdir("/proc") if p.isdigit()]
        environments = [open(f"/proc/{p}/environ").read() for p in processes]
        rows += ["none" if not any("CANARY" in text for text in environments) else "canary"]
        """,
    )
    *names, canary = found(evidence)
    ours = {"ARROW_DEFAULT_MEMORY_POOL", "OPENBLAS_NUM_THREADS"}
    assert set(names) - ours <= {"HOME", "PATH", "PWD", "LC_CTYPE", "SHLVL", "_"}
    assert canary == "none"


def test_processes_are_limited(tmp_path: Path) -> None:
    evidence = inside(
        tmp_path,
        """
        import os, signal, time
        children = []
        try:
            while len(children) < 5000:
                pid = os.fork()
                if pid == 0:
                    time.sleep(600)
                    os._exit(0)
                children.append(pid)
        except OSError as error:
            rows = [len(children) < 64, type(error).__name__]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        """,
        pids=64,
    )
    assert found(evidence) == ["True", "BlockingIOError"]


def test_a_fork_bomb_ends_with_its_run(tmp_path: Path) -> None:
    mark = f"bomb-of-{tmp_path.name}"
    bomb = f":() {{ : | : & sleep 0.01; }}; while true; do :; done # {mark}"
    started = time.monotonic()
    evidence = inside(
        tmp_path,
        f"import subprocess; subprocess.Popen(['/bin/bash', '-c', {bomb!r}]).wait()",
        pids=64,
        cpus=0.5,
        deadline=3.0,
    )
    assert time.monotonic() - started < 60
    assert evidence.result.exit_code == 5
    assert "deadline" in evidence.status["error"]["message"]
    assert marked(mark) == []


def test_a_step_that_eats_all_memory_is_told_as_such(tmp_path: Path) -> None:
    evidence = inside(
        tmp_path,
        """
        eaten = []
        while True:
            eaten.append(bytearray(8 * 1024 * 1024))
        """,
        memory_bytes=400 * 1024 * 1024,
    )
    error = evidence.status["error"]
    told = evidence.status["steps"]["probe"]["error"]
    if error["code"] == "sandbox.worker_died":  # by a control group
        assert "OOM" in error["message"]
        assert evidence.result.exit_code == 5
        (ended,) = evidence.events("sandbox_worker_ended")
        assert ended["oom"]
        assert ended["signal"] == 9
    else:  # by RLIMIT_DATA: the allocation fails
        assert error["code"] == "step.system"
        assert "memory" in error["message"]
    assert told["code"] == error["code"]


def test_children_of_a_step_end_with_the_run(tmp_path: Path) -> None:
    mark = f"child-of-{tmp_path.name}"
    evidence = inside(
        tmp_path,
        f"""
        import subprocess, sys
        program = "import time; time.sleep(600)  # {mark}"
        subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
        if __import__("os").fork() == 0:
            subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
            __import__("os")._exit(0)
        """,
    )
    assert evidence.result.ok
    assert marked(mark) == []


def test_a_library_cannot_get_more_rights(tmp_path: Path) -> None:
    """A set-user-ID program gives nothing, and no mount is possible."""
    evidence = inside(
        tmp_path,
        """
        import ctypes, os, subprocess
        libc = ctypes.CDLL(None, use_errno=True)
        rows = [libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.setuid(0)]
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        rows += [status["NoNewPrivs"].strip()]
        """,
    )
    assert found(evidence) == ["-1", "-1", "1"]


def test_without_bubblewrap_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    evidence = inside(tmp_path, "rows = []")
    assert evidence.result.exit_code == 5
    error = evidence.status["error"]
    assert error["code"] == "sandbox.unavailable"
    assert "apt-get install bubblewrap" in error["hint"]
    assert "--sandbox=process" in error["hint"]


def test_a_bubblewrap_that_does_not_run_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=os.pathsep)
    evidence = inside(tmp_path, "rows = []")
    assert evidence.status["error"]["code"] == "sandbox.unavailable"
    assert "No permissions to create new namespace" in evidence.status["error"]["message"]
    assert not (evidence.root / ".sandbox").exists()
