"""Debian's Chromium, driven by Playwright: one browser a session, a page of its own a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.debian import ensure_programs, find_program

# Nothing but the page itself: no updates, no look-ups, no sandbox of its own (root cannot have it).
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
FIRST_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
"""What to evaluate for the milliseconds until a page first showed something."""
PATIENCE: Final = 60_000.0
"""Milliseconds that anything on a page may take on a loaded machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, installing it first where that is possible; see `ensure_programs`."""
    ensure_programs({"chromium": "chromium"})
    path = find_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE)
        yield browser
        browser.close()


@dataclass
class View:
    """A page that is watched: what it asked for beyond itself, and what it complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, file: Path) -> "View":
        """Open a file and wait until its events are there; return self."""
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready=events]")
        return self


@contextmanager
def view(browser: Browser, *, width: int = 1280, dark: bool = False) -> Iterator[View]:
    """Give a watched page of a width, in the light or the dark."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(PATIENCE)
    watched = View(context.new_page())
    watched.page.on("request", lambda request: watched.requests.append(request.url))
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on(
        "console",
        lambda message: (
            watched.complaints.append(message.text)
            if message.type in {"error", "warning"}
            else None
        ),
    )
    yield watched
    context.close()
