"""The runner's long part: it starts the worker, watches over it and keeps the journal.

Standard library only: it runs before anything is installed, and goes on when the worker is dead.
"""

import os
import resource
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from osiris.core.output_log import OutputLog
from osiris.core.process_settings import settle_process
from osiris.remote.child_process import ChildProcess, fork, program
from osiris.remote.dependency_check import (
    install_command,
    install_environment,
    lock_of,
    wrong_packages,
)
from osiris.remote.descendants import adopt_orphans, kill_descendants
from osiris.remote.journal import Journal
from osiris.remote.left_files import copies, left_files
from osiris.remote.oom import oom_kills
from osiris.remote.rpc_protocol import PROTOCOL, PrepareCommand, Supervision, json_bytes
from osiris.remote.session_paths import SessionPaths

_AFTER_TERM = 2.0
_KILLING = 10.0


class Supervisor:
    """Runs one worker from its start to its end, whatever happens to it.

    Args:
        paths: the session's files.
        prepare: the run's prepare command.
        lock: descriptor of the lock that says that this process lives.

    """

    def __init__(self, paths: SessionPaths, prepare: PrepareCommand, lock: int) -> None:
        self._lock = lock
        self._paths = paths
        self._prepare = prepare
        self._limits = Supervision(**prepare.supervision)
        self._journal = Journal(paths.journal)
        self._told: set[str] = set()
        self._child: ChildProcess | None = None
        self._survivors = False
        self._reason: str | None = None
        self._stopping_since: float | None = None
        self._started = time.monotonic()
        self._next_beat = self._started + self._limits.heartbeat
        self._lease_seen: tuple[int, float] = (0, self._started)

    def run(self) -> None:
        """Do everything; the journal's last record and exit.json say how it went."""
        adopt_orphans()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the secrets
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._terminated)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        killed_before = oom_kills()
        python = ".".join(map(str, sys.version_info[:3]))
        self._journal.add("opened", {"protocol": PROTOCOL, "python": python, "pid": os.getpid()})
        code = self._install()
        if code == 0:
            code = self._work()
        self._close(code, oom=oom_kills() > killed_before)

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        self._reason = self._reason or "terminated"

    # --- the two children ---

    def _install(self) -> int:
        """Install what is missing, where that is allowed; return 0 when the worker can start."""
        wrong = wrong_packages(self._prepare.requires)
        if not wrong or not self._prepare.install_deps:
            return self._refuse(wrong)
        self._log(f"installing {', '.join(wrong)}")
        sys.path.insert(0, str(self._paths.packages))
        requirements = self._paths.proxy / "requirements.txt"
        requirements.write_text(lock_of(self._prepare.lock, wrong), "utf-8")
        command = install_command(requirements, self._paths.packages)
        child = self._new_child()
        child.start(program(command, install_environment(), self._paths.root))
        code = self._attend(child)
        return self._refuse(wrong_packages(self._prepare.requires)) or code

    def _refuse(self, wrong: dict[str, str | None]) -> int:
        if not wrong:
            return 0
        self._journal.add("missing", {"packages": wrong})
        self._reason = self._reason or "dependencies"
        return 1

    def _work(self) -> int:
        self._log("the worker starts")
        child = self._new_child()
        pipes = child.record_pipes(self._take_record)

        def mine() -> list[int]:
            return [*child.descriptors(), self._lock, self._journal.fileno()]

        child.start(fork(lambda: self._worker(*pipes), mine, self._paths.root), pipes)
        return self._attend(child)

    def _worker(self, records: int, control: int) -> None:
        prefer_as_oom_victim()
        settle_process(os.environ)
        from osiris.remote.proxy_worker import (  # noqa: PLC0415 - needs packages that may just have been installed
            run_worker,
        )

        run_worker(self._paths, records, control)

    def _new_child(self) -> ChildProcess:
        secrets = [os.environ.get(name, "") for name in self._prepare.secrets]
        return ChildProcess(
            partial(self._journal.add, "log"),
            lambda name: OutputLog(name, secrets, self._limits.output_bytes),
        )

    def _attend(self, child: ChildProcess) -> int:
        self._child = child
        code = child.attend(self._tick)
        child.signal_group(signal.SIGKILL)
        self._survivors = not kill_descendants(_KILLING)
        child.close()
        return code

    def _take_record(self, line: bytes, record: dict[str, Any]) -> None:
        data = record["data"]
        if record["type"] == "event" and data.get("event") == "artifact_created":
            self._told.add(str(data.get("path")))
        self._journal.add_bytes(line, record["ts"])

    def _log(self, message: str) -> None:
        line = {"level": 10, "logger": "osiris.runner", "message": message, "traceback": None}
        self._journal.add("log", line)

    # --- what is looked after while a child runs ---

    def _tick(self) -> None:
        self._journal.flush()
        now = time.monotonic()
        self._beat()
        self._reason = self._reason or self._why_stop(now)
        if self._reason is not None and self._child is not None:
            self._stop(self._child, now)

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + self._limits.heartbeat
            self._journal.add("heartbeat", {})

    def _why_stop(self, now: float) -> str | None:
        deadline = self._limits.deadline
        if self._paths.cancel.exists():
            return "cancelled"
        if deadline is not None and now - self._started > deadline:
            return "deadline"
        if self._journal.stuck:
            return "disk_full"
        with suppress(OSError):
            stamp = self._paths.lease.stat().st_mtime_ns
            if stamp != self._lease_seen[0]:
                self._lease_seen = (stamp, now)
        return "lease" if now - self._lease_seen[1] > self._limits.lease else None

    def _stop(self, child: ChildProcess, now: float) -> None:
        """Ask the child to end, then tell it, then end it."""
        if self._stopping_since is None:
            self._stopping_since = now
            child.ask_to_stop()
        late = now - self._stopping_since - self._limits.grace
        if late > _AFTER_TERM:
            child.signal_group(signal.SIGKILL)
        elif late > 0:
            child.signal_group(signal.SIGTERM)

    # --- the end ---

    def _close(self, code: int, *, oom: bool) -> None:
        layout = self._paths.layout
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        left = left_files(layout.root, layout.artifacts, self._told, self._beat)
        left["targets"] = copies(layout.root, self._paths.targets, self._beat)
        closed = {
            "exit_code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "oom": oom and code != 0,
            "reason": self._reason,
            "survivors": self._survivors,
            "max_rss_bytes": usage.ru_maxrss * 1024,
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            "left": left,
        }
        self._journal.add("closed", closed)
        self._journal.close()
        write_exit(self._paths.exit, closed)


def refuse(paths: SessionPaths, problem: str) -> None:
    """Write a journal that says why there is no worker."""
    journal = Journal(paths.journal)
    journal.add("problem", {"text": problem})
    journal.add(
        "closed",
        {
            "exit_code": 1,
            "signal": None,
            "oom": False,
            "reason": None,
            "max_rss_bytes": 0,
            "cpu_seconds": 0.0,
            "left": {},
        },
    )
    journal.close()


def write_exit(path: Path, closed: dict[str, Any]) -> None:
    """Write exit.json atomically; without it the journal's last record has to do."""
    part = path.with_name(path.name + ".part")
    with suppress(OSError):
        with part.open("wb") as file:
            file.write(json_bytes(closed) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def prefer_as_oom_victim() -> None:
    """Let the kernel end this process rather than the runner when memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
