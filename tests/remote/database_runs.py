"""Runs whose steps write into DuckDB files of the project, and what the files hold afterwards."""

import hashlib
import json
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import osiris
from osiris.core.cancel import CancelToken
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.records import Emit
from osiris.core.run import run_compiled
from osiris.core.run_options import RunOptions
from tests.support.duckdb_file import run_sql
from tests.support.pipelines import Evidence

OLD = (
    "CREATE TABLE t (id BIGINT PRIMARY KEY, text VARCHAR)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    "CREATE TABLE other (id BIGINT PRIMARY KEY, text VARCHAR)",
)
PLACE = "data/w.duckdb"


def source(rows: int = 5, **config: Any) -> dict[str, Any]:
    """A step that makes rows with ids from 0 on."""
    return {"component": "sample.source", "mode": "read", "config": {"rows": rows, **config}}


def write(needs: str, *after: str, **config: Any) -> dict[str, Any]:
    """A step that writes into the table `t` of the database, or into what `config` says."""
    return {
        "component": "duckdb.writer",
        "mode": "write",
        "needs": [needs, *after],
        "config": {"path": PLACE, "table": "t", **config},
    }


def read(query: str, *after: str, path: str = PLACE) -> dict[str, Any]:
    """A step that asks the database something, once others are done."""
    config = {"path": path, "query": query, "memory_limit": "512MB"}
    step = {"component": "duckdb.extractor", "mode": "read", "config": config}
    return {**step, "needs": list(after)} if after else step


def keep(needs: str) -> dict[str, Any]:
    """A step that publishes a table."""
    config = {"path": f"out/{needs}.csv"}
    return {
        "component": "filesystem.csv_writer",
        "mode": "write",
        "needs": [needs],
        "config": config,
    }


class Databases:
    """A project with a database in it; `path` is where that is."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.path = project / PLACE
        self.begin()

    def begin(self, *more: str, others: Iterable[str] = ()) -> None:
        """Make the database anew, copies of it as `data/<other>.duckdb`, and nothing else."""
        for path in self.project.glob("data/*"):
            path.unlink()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        run_sql(self.path, *OLD, *more)
        self.path.chmod(0o640)
        for name in others:
            shutil.copy(self.path, self.path.with_name(f"{name}.duckdb"))

    def run(
        self,
        adapter: ExecutionAdapter,
        steps: Mapping[str, dict[str, Any]],
        *,
        observer: Emit | None = None,
        cancel: CancelToken | None = None,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Evidence:
        """Run the steps and return what they left."""
        listed = [{"id": step_id, **step} for step_id, step in steps.items()]
        pipeline = self.project / "pipeline.json"
        pipeline.write_text(json.dumps({"oml_version": "0.1.0", "name": "dbs", "steps": listed}))
        made = osiris.compile_pipeline(pipeline, project=self.project, write=False).compiled
        result = run_compiled(
            made,
            adapter,
            project=self.project,
            env=dict(env or {}),
            options=RunOptions(**options),
            observer=observer,
            cancel=cancel,
        )
        return Evidence(result)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return run_sql(self.path, *statements)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def files(self) -> dict[str, tuple[bool, int, object]]:
        """Every file beside the database: whether it is a link, its mode, and its contents."""
        return {
            path.name: (path.is_symlink(), stat.S_IMODE(path.stat().st_mode), _contents(path))
            for path in sorted(self.path.parent.iterdir())
        }

    def rows(self, name: str, table: str = "t") -> list[tuple[Any, ...]]:
        """Return the rows of a table of one of the databases."""
        return run_sql(self.path.with_name(f"{name}.duckdb"), f"FROM {table} ORDER BY 1")


def _contents(path: Path) -> object:
    """Return the rows of each table, or the bytes of what is no database."""
    if b"DUCK" not in path.read_bytes()[:16]:
        return path.read_bytes()
    names = run_sql(path, "SELECT table_name FROM duckdb_tables() ORDER BY 1")
    return [(name, run_sql(path, f"FROM {name} ORDER BY ALL")) for (name,) in names]
