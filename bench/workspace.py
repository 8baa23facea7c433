"""Where the benchmark works: a directory, in memory when there is room, and projects in it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import Command

OSIRIS = str(Path(sys.executable).with_name("osiris"))
_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory takes the disk out of the figures


@contextmanager
def workspace(needed: int) -> Iterator[Path]:
    """Give a directory, removed at the end; in memory when `needed` bytes are free there."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > needed
    where = str(_MEMORY) if roomy and os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="osiris-bench-", dir=where) as directory:
        yield Path(directory)


@dataclass(frozen=True)
class Project:
    """A directory with a pipeline, compiled, ready to be run again and again."""

    directory: Path
    env: Mapping[str, str]

    @classmethod
    def create(
        cls,
        directory: Path,
        steps: Sequence[Mapping[str, Any]],
        connection: Mapping[str, Any] | None = None,
        others: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> "Project":
        """Write the pipeline (and a MySQL connection named db_bench) and compile it.

        `others` are connections of other families, each by its family and named the same.
        """
        directory.mkdir(parents=True)
        env = {}
        pipeline = {"oml_version": "0.1.0", "name": directory.name, "steps": steps}
        _write_yaml(directory / "osiris.yaml", {"name": directory.name})
        _write_yaml(directory / "pipeline.yaml", pipeline)
        given = {**({"mysql": connection} if connection else {}), **(others or {})}
        described = {}
        for family, fields in given.items():
            variable = f"BENCH_{family.upper()}_PASSWORD"
            env[variable] = str(fields["password"])
            described[family] = {"db_bench": {**fields, "password": f"${{{variable}}}"}}
        if described:
            _write_yaml(directory / "osiris_connections.yaml", {"connections": described})
        project = cls(directory, env)
        project.compile()
        return project

    def compile(self) -> None:
        """Compile the pipeline; what it printed is shown when it fails."""
        subprocess.run(
            [OSIRIS, "compile", "pipeline.yaml"],
            cwd=self.directory,
            env={**os.environ, **self.env},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def run_command(self, *options: str) -> Command:
        """`osiris run --last-compile`, the records of earlier runs removed first."""
        argv = [OSIRIS, "run", "--last-compile", *options]
        name = f"osiris run {self.directory.name}"
        return Command(name, argv, self.directory, self.env, before=self._forget_runs)

    def _forget_runs(self) -> None:
        for run in self.directory.glob("logs/run_*"):
            shutil.rmtree(run)


def _write_yaml(path: Path, data: Mapping[str, Any]) -> None:
    # JSON is YAML.
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False))
