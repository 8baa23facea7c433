"""`python -m tools.docs`: write docs/reference from the code; `--check` only compares."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.docs import (
    commands,
    components,
    errors,
    events,
    llms,
    metrics,
    oml,
    parity,
    run_directory,
)
from tools.docs.contents import unlisted
from tools.docs.links import broken
from tools.docs.package import import_everything

ROOT = Path(__file__).parents[2]
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands.render,
    "components.md": components.render,
    "errors.md": errors.render,
    "events.md": events.render,
    "metrics.md": metrics.render,
    "oml.md": oml.render,
    "parity.md": parity.render,
    "run-directory.md": run_directory.render,
}


def differences(directory: Path, pages: Mapping[str, str]) -> list[str]:
    """Say which pages are missing, differ from what they should be, or have no source."""
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.md")}
    missing = [f"{name} is missing" for name in pages if name not in there]
    stale = [
        f"{name} differs from the code" for name in pages if there.get(name, "") != pages[name]
    ]
    extra = [f"{name} has no source" for name in there if name not in pages]
    return [*missing, *(s for s in stale if s.split()[0] in there), *sorted(extra)]


def _llms(*, writes: bool) -> list[str]:
    path, text = ROOT / "docs" / "llms.txt", llms.render()
    if writes:
        path.write_text(text, encoding="utf-8")
    stale = not path.exists() or path.read_text(encoding="utf-8") != text
    return ["docs/llms.txt differs from docs/README.md: make reference"] if stale else []


def main() -> int:
    """Write or check; return the exit code."""
    import_everything()
    pages = {name: render() for name, render in PAGES.items()}
    directory = ROOT / "docs" / "reference"
    writes = "--check" not in sys.argv[1:]
    if writes:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (directory / name).write_text(text, encoding="utf-8")
    problems = [f"docs/reference: {p}: make reference" for p in differences(directory, pages)]
    problems += [*broken(ROOT), *unlisted(ROOT / "docs"), *_llms(writes=writes)]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"docs: {len(pages)} pages say what the code says")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
