"""The page in a real browser: Debian's Chromium, on a desk and on a phone, by day and by night."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from osiris.parity.aspects import Aspect
from osiris.parity.compare import compare_directories
from osiris.report.html.run_page import run_page
from tests.support.axe import NoAxeError, axe_source, findings
from tests.support.browser import FIRST_PAINT, View, chromium, view
from tests.support.debian import MissingProgramError
from tests.support.made_runs import MadeRun, at
from tests.support.pipelines import PipelineBuilder, run_sample


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the module: Playwright's loop must not be running in other tests."""
    try:
        with chromium() as started:
            yield started
    except MissingProgramError as error:
        pytest.skip(f"no Chromium: {error}")


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    """The source of axe-core."""
    if pytestconfig.cache is None:
        pytest.skip("axe-core is kept in pytest's cache, which is switched off")
    try:
        return axe_source(pytestconfig.cache.mkdir("axe"))
    except NoAxeError as error:
        pytest.skip(f"axe-core cannot be had: {error}")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name: a run that failed, compared with one that did not; a long one; a large one."""
    root = tmp_path_factory.mktemp("pages")
    good = run_sample(root, _pipeline()).root
    failed = run_sample(root, _pipeline(fault="data", fault_after=40)).root
    made = {
        "good": run_page(good),
        "failed": run_page(failed),
        "compared": run_page(failed, comparison=compare_directories(failed, good).to_dict()),
        "wide": run_page(_wide(root / "run_wide")),
        "long": run_page(_long(root / "run_long")),
        "large": run_page(_large(root / "run_large")),
    }
    for name, text in made.items():
        (root / f"{name}.html").write_text(text)
    return {name: root / f"{name}.html" for name in made}


def _pipeline(**broken: Any) -> PipelineBuilder:
    built = PipelineBuilder().add("orders", "source", rows=300).add("people", "source", rows=30)
    built.add("join", "mapper", "orders", "people", **broken).add("top", "mapper", "join", take=9)
    return built.add("keep", "sink", "join").add("keep-top", "sink", "top")


def _long(directory: Path) -> Path:
    """A run of 200 steps: ten chains of twenty that meet in the end."""
    needs: dict[str, list[str]] = {}
    for chain in range(10):
        names = [f"chain-{chain}-step-{n}" for n in range(20)]
        needs |= {names[0]: []} | {b: [a] for a, b in pairwise(names)}
    needs["chain-9-step-19"] = [f"chain-{chain}-step-19" for chain in range(9)]
    return MadeRun(needs, failed=frozenset({"chain-3-step-7"})).write(directory)


def _wide(directory: Path) -> Path:
    """A run of steps with long names and large figures."""
    names = ["x" * 64, "a-name-of-many-words-that-does-not-end-before-it-has-to"]
    needs = {names[0]: [], names[1]: [names[0]]}
    return MadeRun(needs, failed=frozenset(names[:1]), rows=9_876_543_210).write(directory)


def _large(directory: Path) -> Path:
    """A run with 100,000 events."""
    kinds = ("sandbox_heartbeat", "cfg_opened", "step_retry", "artifact_created")
    events = (
        {
            "ts": at(n / 10),
            "event": kinds[n % len(kinds)],
            "step_id": f"s{n % 3}",
            "number": n,
            "path": f"artifacts/some/longer/path/part-{n:06d}.csv",
            "bytes": n * 1000,
        }
        for n in range(99_993)
    )
    return MadeRun({"s0": [], "s1": ["s0"], "s2": ["s1"]}, more_events=events).write(directory)


@pytest.fixture
def seen(browser: Browser) -> Iterator[View]:
    """A page that must neither complain nor ask for anything but itself."""
    with view(browser) as watched:
        yield watched
        assert watched.complaints == []
        assert [url for url in watched.requests if not url.startswith(("file:", "blob:"))] == []
        assert len([url for url in watched.requests if url.startswith("file:")]) == 1


def _count(seen: View) -> str:
    return seen.page.locator("#event-count").inner_text()


def test_the_first_thing_is_what_went_wrong(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["failed"]).page
    heading = page.locator("main h2").first
    assert heading.inner_text() == "What went wrong"
    error = page.locator("article.error")
    assert "the sample" in error.inner_text()
    error.get_by_role("link", name="join").click()
    assert page.url.endswith("#step-3")
    assert page.locator("tr:target th").inner_text().startswith("join")
    assert page.locator(".graph .box.s-failed").count() == 1


def test_events_are_searched_and_filtered(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["good"]).page
    total = int(_count(seen).split()[0])
    page.keyboard.press("/")
    page.keyboard.type("step_complete join")
    assert _count(seen) == f"1 of {total}"
    assert "rows_out" in page.locator("#event-list .ev .r").inner_text()
    page.keyboard.press("Escape")
    assert _count(seen) == f"{total} events"
    page.locator("#event-name").select_option(label="step_start")
    assert _count(seen) == f"6 of {total}"
    page.locator("#event-step").select_option(label="keep")
    assert _count(seen) == f"1 of {total}"
    page.locator("#event-name").select_option(label="every kind")
    page.locator("table.steps a[data-step=top]").click()
    chosen = page.locator("#event-list .ev .s").all_inner_texts()
    assert chosen
    assert set(chosen) == {"top"}


def test_an_event_is_chosen_by_mouse_and_keys(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["good"]).page
    page.locator("#event-list .ev").nth(2).click()
    detail = page.locator("#event-detail")
    assert "manifest_materialized" in detail.inner_text()
    page.locator("#event-list").focus()
    page.keyboard.press("Home")
    assert "run_start" in detail.inner_text()
    shown = json.loads(detail.locator("pre").inner_text())
    assert shown["pipeline"] == "sample"
    page.keyboard.press("End")
    assert "run_complete" in detail.inner_text()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("PageUp")
    # What is drawn follows the keys by a frame.
    page.wait_for_function(
        "document.getElementById(document.getElementById('event-list')"
        ".getAttribute('aria-activedescendant'))?.ariaSelected === 'true'"
    )


def test_everything_is_reached_by_keyboard(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["good"]).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"A", "SUMMARY", "BUTTON", "event-search", "event-list", "event-detail"} <= reached
    summary = page.locator("#artifacts summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#artifacts details[open] table.data").count() == 1


def test_all_of_a_kind_is_opened_at_once(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["good"]).page
    page.locator("[data-all=configs]").click()
    assert page.locator("#configs details:not([open])").count() == 0
    assert "sample.source" in page.locator("#configs").inner_text()
    page.locator("[data-all=configs]").click()
    assert page.locator("#configs details[open]").count() == 0


def test_a_comparison_is_shown(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["compared"]).page
    assert page.locator(".verdict").inner_text().startswith("The runs differ in ")
    assert page.locator("table.parity tr.differs").count() >= 3
    names = page.locator("table.parity tbody th[scope=row]").all_inner_texts()
    assert names == [aspect.title for aspect in Aspect]
    told = page.locator("#parity details summary .dim").all_inner_texts()
    assert set(told) <= set(names)
    page.locator("#parity details summary").first.click()
    assert page.locator("#parity details[open] dd").count() >= 2


@pytest.mark.timeout(300)
def test_200_steps_stay_usable(seen: View, pages: dict[str, Path]) -> None:
    page = seen.open(pages["long"]).page
    assert page.evaluate(FIRST_PAINT) < 5000
    assert page.locator(".graph .box").count() == 200
    assert page.locator(".gantt li").count() == 200
    box = page.locator(".graph a[aria-label^='chain-3-step-7 ']")
    box.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("tr:target .s-failed")


@pytest.mark.timeout(300)
def test_100000_events_stay_usable(seen: View, pages: dict[str, Path]) -> None:
    """The bars of a quiet machine are in bench; here what must hold on a busy one."""
    assert pages["large"].stat().st_size < 4_000_000
    page = seen.open(pages["large"]).page
    assert page.evaluate(FIRST_PAINT) < 5000
    assert _count(seen) == "100,000 events"
    assert page.locator("#event-list .ev").count() < 100
    search = page.locator("#event-search")
    search.fill("part-077777")
    assert _count(seen) == "1 of 100,000"
    search.fill("")
    page.locator("#event-list").focus()
    page.keyboard.press("End")
    assert "part-099992" in page.locator("#event-detail").inner_text()
    page.locator("#event-name").select_option(label="step_retry")
    assert _count(seen).endswith(" of 100,000")


@pytest.mark.parametrize("name", ["failed", "long"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.timeout(300)
def test_it_fits_a_phone_by_day_and_by_night(
    browser: Browser, pages: dict[str, Path], name: str, dark: bool
) -> None:
    with view(browser, width=360, dark=dark) as watched:
        page = watched.open(pages[name]).page
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        ink = page.evaluate("getComputedStyle(document.body).color")
        bright = [sum(map(int, text[4:-1].split(","))) for text in (back, ink)]
        assert (bright[0] < bright[1]) is dark
        for edge in ("h1", "#event-search", ".tiles"):
            box = page.locator(edge).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
        assert watched.complaints == []


def test_on_a_phone_words_stay_whole(browser: Browser, pages: dict[str, Path]) -> None:
    """The comparison needs no scrolling; names of components and files break behind dots only."""
    with view(browser, width=390) as watched:
        page = watched.open(pages["compared"]).page
        table = page.locator('[aria-label="Table of the comparison"]')
        assert table.evaluate("e => e.scrollWidth <= e.clientWidth")
        names = page.locator(".parity tbody th[scope=row]")
        lines = names.evaluate_all(
            "all => all.map(e => { const text = document.createRange();"
            " text.selectNodeContents(e); return text.getClientRects().length })"
        )
        assert len(lines) > 20
        for text, number in zip(names.all_inner_texts(), lines, strict=True):
            assert number <= len(text.split())
        kind = page.locator(".steps tbody small").first
        assert kind.inner_text().startswith("sample.")
        assert kind.locator("wbr").count() == 1


_OUTSIDE = """() => [...document.querySelectorAll('table.steps tbody, table.steps tbody :not(wbr)')]
    .filter(e => { const box = e.getBoundingClientRect();
        return box.width === 0 || box.left < 0 || box.right > innerWidth
            || e.tagName === 'TD' && e.scrollWidth > e.clientWidth; })
    .map(e => e.outerHTML)"""


@pytest.mark.parametrize("name", ["failed", "wide"])
def test_on_a_phone_a_step_is_read_without_scrolling(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    """Every figure of it is there, with its label; nothing is wider than the screen."""
    with view(browser, width=360) as watched:
        page = watched.open(pages[name]).page
        region = page.locator('[aria-label="Table of the steps"]')
        assert region.evaluate("e => e.scrollWidth <= e.clientWidth")
        assert page.evaluate(_OUTSIDE) == []
        labels = page.locator(".steps tbody tr").first.locator("td[data-label]")
        heads = page.locator(".steps thead th.n").all_text_contents()
        told = labels.evaluate_all("all => all.map(e => getComputedStyle(e, '::before').content)")
        assert told == [f'"{head}"' for head in heads]
        # It is drawn as cards; to those who listen it stays a table.
        row = page.get_by_role("table").get_by_role("row").filter(has=page.get_by_role("rowheader"))
        assert row.count() == page.locator(".steps tbody tr").count()


@pytest.mark.parametrize("name,dark", [("failed", False), ("compared", True)])
@pytest.mark.timeout(300)
def test_axe_finds_nothing_serious(
    browser: Browser, pages: dict[str, Path], axe: str, name: str, dark: bool
) -> None:
    with view(browser, dark=dark) as watched:
        page = watched.open(pages[name]).page
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        page.locator("#event-list .ev").first.click()
        found = findings(page, axe)
        assert found == [], json.dumps(found, indent=1)


def test_without_script_all_but_the_events_is_there(
    browser: Browser, pages: dict[str, Path]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["failed"].as_uri())
    assert page.get_by_text("The list of events needs JavaScript").is_visible()
    assert page.locator("table.steps tbody tr").count() == 6
    page.locator("#configs summary").first.click()
    assert page.locator("#configs details[open]").count() == 1
    context.close()
