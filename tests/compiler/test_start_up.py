"""What compiling imports: start-up time is paid at every command."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pyarrow", "numpy", "pandas", "duckdb", "pymysql", "click", "rich", "sqlglot")
EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = """
import sys
from pathlib import Path
from osiris.compiler.compile_source import compile_source
from osiris.compiler.store import load_compiled, read_connections, read_pipeline, write_compiled
from osiris.components.registry import ComponentRegistry
project = Path(sys.argv[1])
compiled = compile_source(
    read_pipeline(project / "pipeline.yaml"),
    filename="pipeline.yaml",
    connections=read_connections(project),
    params={},
    registry=ComponentRegistry(),
).require()
load_compiled(write_compiled(compiled, Path(sys.argv[2])))
print(" ".join(name for name in sys.argv[3:] if name in sys.modules))
"""


@pytest.mark.parametrize("example,imported", [("movies", ""), ("demo", "sqlglot")])
def test_compiling_imports_nothing_heavy_without_need(
    example: str, imported: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(EXAMPLES / example), str(tmp_path), *HEAVY],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == imported
