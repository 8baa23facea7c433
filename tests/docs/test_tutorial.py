"""The tutorial, done as it says: each command is run, and what it prints is what is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What differs from one run to the next.
_VARYING = (
    (re.compile(r"\b(run|compile)_\d{8}T\d{6}Z_[0-9a-f]{4}"), r"\1_ID"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "CLOCK"),
    (re.compile(r"\bsha256:[0-9a-f]{64}"), "HASH"),
    (re.compile(r" +"), " "),
    # Whether a step had begun when its input failed is chance.
    (re.compile(r"(skipped \(\S+\) - - -) (-|TIME)"), r"\1 MAYBE"),
    (re.compile(r"(completed (?:- |[\d,]+ )+(?:\d+ B|-)) TIME [\d,]+"), r"\1 TIME RATE"),
)


def _commands() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for block in _CONSOLE.findall(TUTORIAL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def _steady(text: str) -> str:
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def test_the_tutorial_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "100")
    here = tmp_path
    for command, shown in _commands():
        if command.startswith("cd "):
            here /= command.removeprefix("cd ")
            continue
        # Progress goes to standard error, and the pages do not show it; errors are there, too.
        done = subprocess.run(
            ["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False
        )
        told = [line for line in done.stderr.splitlines() if line.startswith(("error", "hint"))]
        printed = _steady("\n".join([done.stdout, *told]))
        assert printed == _steady(shown), f"$ {command}\n{done.stdout}{done.stderr}"


def test_the_pipeline_is_the_one_that_init_writes() -> None:
    template = (ROOT / "osiris" / "cli" / "template" / "pipeline.yaml").read_text("utf-8")
    text = "".join(line for line in template.splitlines(keepends=True) if line[0] != "#")
    assert f"```yaml\n{text}```" in TUTORIAL
