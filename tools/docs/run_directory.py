"""The reference of the run directory: every name in it."""

from pathlib import Path

from osiris.core.layout import CompileLayout, RunLayout
from tools.docs.markdown import code, page, summary, table

_INTRODUCTION = """
Everything a command leaves is below `logs/` of the project. A run's directory is there from the
first moment, and `status.json` in it is replaced when the run ends, whatever the end is.
"""


def render() -> str:
    """Write the page."""
    return page(
        "Run directory",
        _INTRODUCTION,
        [
            f"## logs/run_…/\n\n{_names(RunLayout)}",
            f"## logs/compile_…/\n\n{_names(CompileLayout)}",
        ],
    )


def _names(layout: type[RunLayout] | type[CompileLayout]) -> str:
    root = Path("root")
    made = layout(root)
    rows = []
    for name, attribute in vars(layout).items():
        if isinstance(attribute, property):
            path = getattr(made, name)
            if isinstance(path, Path):
                meaning = summary(attribute.fget)
                name_in_root = path.relative_to(root).as_posix()
                slash = "/" if meaning.startswith("Directory") else ""
                rows.append((code(name_in_root + slash), meaning))
    return table(("name", "holds"), rows)
