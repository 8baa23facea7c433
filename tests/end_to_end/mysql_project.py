"""A project with one MySQL connection, and pipelines that copy its tables into CSV files."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import osiris
from osiris.core.run import RunResult
from tests.conftest import Database

PASSWORD_VARIABLE = "E2E_PASSWORD"


@dataclass(frozen=True)
class MySQLProject:
    """A directory with connections to one database of the tests' server."""

    root: Path
    database: Database

    @classmethod
    def create(
        cls, root: Path, database: Database, changes: Mapping[str, Any] | None = None
    ) -> "MySQLProject":
        """Write the connections file; `changes` replace fields of the connection."""
        secret = f"${{{PASSWORD_VARIABLE}}}"
        fields = {**database.connection(), "password": secret, **(changes or {})}
        connections = {"connections": {"mysql": {"here": fields}}}
        (root / "osiris.yaml").write_text("name: e2e\n")
        (root / "osiris_connections.yaml").write_text(json.dumps(connections))
        return cls(root, database)

    @property
    def password(self) -> str:
        """The password of the tests' user."""
        return str(self.database.connection()["password"])

    def pipeline(self, sources: Iterable[tuple[str, dict[str, Any]]]) -> Path:
        """Write a pipeline that reads each source (name, config) into output/<name>.csv."""
        steps: list[dict[str, Any]] = []
        for name, config in sources:
            read = {"connection": "@mysql.here", **config}
            steps += [
                {
                    "id": f"read-{name}",
                    "component": "mysql.extractor",
                    "mode": "read",
                    "config": read,
                },
                {
                    "id": f"write-{name}",
                    "component": "filesystem.csv_writer",
                    "mode": "write",
                    "needs": [f"read-{name}"],
                    "config": {"path": f"output/{name}.csv"},
                },
            ]
        path = self.root / "pipeline.yaml"
        path.write_text(json.dumps({"oml_version": "0.1.0", "name": "e2e", "steps": steps}))
        return path

    def run(self, *sources: tuple[str, dict[str, Any]], password: str | None = None) -> RunResult:
        """Compile and run such a pipeline here."""
        secret = self.password if password is None else password
        return osiris.run_pipeline(
            self.pipeline(sources), project=self.root, env={PASSWORD_VARIABLE: secret}
        )

    def output(self, name: str) -> Path:
        """The published file of a source."""
        return self.root / "output" / f"{name}.csv"
