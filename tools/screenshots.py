"""`python -m tools.screenshots`: the pictures of the documentation, made of real runs.

Runs examples/demo twice, the second time with a review that is no number, in a copy that is thrown
away, and photographs the report in Debian's Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from tests.support.browser import chromium, view

ROOT: Final = Path(__file__).parents[1]
IMAGES: Final = ROOT / "docs" / "images"
OSIRIS: Final = Path(sys.executable).with_name("osiris")
HEIGHT: Final = 1000


def main() -> int:
    """Make every picture; return 0."""
    IMAGES.mkdir(exist_ok=True)
    with _project() as project, chromium() as browser:
        _run(project)
        _picture(browser, _page(project), IMAGES / "report.png")
        _picture(browser, _page(project), IMAGES / "report-dark.png", dark=True)
        with (project / "data" / "reviews.csv").open("a") as file:
            file.write("1,many,Eve\n")
        _run(project)
        _picture(browser, _page(project), IMAGES / "report-failed-phone.png", width=390)
    return 0


@contextmanager
def _project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory, "demo")
        ignored = shutil.ignore_patterns("logs", "output")
        shutil.copytree(ROOT / "examples" / "demo", project, ignore=ignored)
        yield project


def _run(project: Path) -> None:
    subprocess.run([OSIRIS, "run", "pipeline.yaml"], cwd=project, capture_output=True, check=False)


def _page(project: Path) -> Path:
    page = project / "report.html"
    subprocess.run(
        [OSIRIS, "logs", "html", "--output", page], cwd=project, capture_output=True, check=True
    )
    return page


def _picture(
    browser: Browser, page: Path, image: Path, *, width: int = 1280, dark: bool = False
) -> None:
    with view(browser, width=width, dark=dark) as watched:
        watched.open(page).page.screenshot(
            path=image,
            clip={"x": 0, "y": 0, "width": width, "height": HEIGHT},
            full_page=True,
            animations="disabled",
        )
    print(f"{image.relative_to(ROOT)}: {image.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
