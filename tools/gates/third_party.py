"""Gate: who may import which third-party package, exactly; what is not allowed is forbidden."""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from tools.gates.tree import Finding, SourceFile, Tree

RUNNER: Final = (
    "child_process",
    "dependency_check",
    "descendants",
    "journal",
    "journal_pump",
    "left_files",
    "oom",
    "process_init",
    "proxy_worker_runner",
    "rpc_protocol",
    "runner_command",
    "session_paths",
    "supervisor",
    "unpack",
)
"""Modules of osiris.remote that are standard library only."""

# A module may import what the LAST pattern that fits it allows; the standard library always.
ALLOWED: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("osiris*", frozenset()),
    ("osiris.cli*", frozenset({"click", "pydantic"})),
    ("osiris.compiler*", frozenset({"dotenv", "pydantic", "rfc8785", "sqlglot", "yaml"})),
    ("osiris.components*", frozenset({"pydantic"})),
    ("osiris.connections", frozenset({"pydantic"})),
    ("osiris.core*", frozenset({"pyarrow", "pydantic"})),
    ("osiris.discovery*", frozenset({"pyarrow"})),
    ("osiris.drivers*", frozenset({"pyarrow", "pydantic"})),
    ("osiris.drivers.duckdb*", frozenset({"duckdb", "pyarrow", "pydantic"})),
    ("osiris.drivers.csv*", frozenset({"duckdb", "pyarrow", "pydantic"})),
    ("osiris.drivers.filesystem*", frozenset({"pyarrow", "pydantic"})),
    ("osiris.drivers.mysql*", frozenset({"numpy", "pyarrow", "pydantic", "pymysql"})),
    ("osiris.drivers.postgres*", frozenset({"numpy", "psycopg", "pyarrow", "pydantic"})),
    ("osiris.drivers.supabase*", frozenset({"httpx", "pyarrow", "pydantic"})),
    ("osiris.project", frozenset({"dotenv"})),
    ("osiris.parity*", frozenset({"pyarrow", "pydantic"})),
    ("osiris.remote*", frozenset({"pyarrow", "pydantic"})),
    ("osiris.remote.e2b_sandbox", frozenset({"e2b", "httpx"})),
    # The runner's half works before anything is installed.
    *((f"osiris.remote.{module}", frozenset[str]()) for module in RUNNER),
    ("osiris.core.output_log", frozenset()),
    ("osiris.telemetry*", frozenset({"pydantic", "sqlglot"})),
    ("osiris.telemetry.lineage", frozenset({"openlineage"})),
    ("osiris.telemetry.step_lineage", frozenset({"openlineage", "pydantic"})),
    ("osiris.telemetry.tracing", frozenset({"opentelemetry"})),
    ("osiris.report*", frozenset({"pydantic"})),
    ("osiris.report.bundle_artifacts", frozenset({"pyarrow"})),
    ("osiris.report.html.*", frozenset({"jinja2", "markupsafe", "pyarrow", "pydantic", "yaml"})),
)


def check(tree: Tree) -> Iterator[Finding]:
    """Find imports of third-party packages that the table does not allow."""
    for file in tree.code:
        if not file.path.startswith("osiris/"):
            continue
        allowed = [packages for pattern, packages in ALLOWED if fnmatchcase(file.module, pattern)]
        for package, line in _imports(file):
            if package not in allowed[-1]:
                names = ", ".join(sorted(allowed[-1])) or "nothing"
                message = f"{file.module} imports {package}; it may import {names}"
                yield file.finding("third_party", line, message)


def _imports(file: SourceFile) -> Iterator[tuple[str, int]]:
    for node in ast.walk(file.syntax):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        for package in (name.split(".")[0] for name in names):
            if package not in sys.stdlib_module_names and package != "osiris":
                yield package, node.lineno
