"""The page of a run as text: whole, escaped, masked, the same each time, nothing from outside."""

import base64
import gzip
import hashlib
import html
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris.core.masking import Masker
from osiris.report.html.run_page import run_page
from tests.parity import scenarios
from tests.report.test_read_run import DAMAGES
from tests.support.made_runs import MadeRun
from tests.support.pipelines import PipelineBuilder, run_sample

EVIL = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\u202egnp"


@pytest.fixture(scope="module")
def ten_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a real run of ten steps, one branch of which failed."""
    built = PipelineBuilder().add("orders", "source", rows=500, batch_rows=50)
    for name in ("clean", "count", "rank"):
        built.add(name, "mapper", "orders")
    built.add("join", "mapper", "clean", "rank").add("top", "mapper", "join", take=100)
    built.add("keep", "sink", "join").add("keep-top", "sink", "top")
    built.add("broken", "mapper", "count", fault="data").add("lost", "sink", "broken")
    return run_sample(tmp_path_factory.mktemp("ten"), built).root


def _events(page: str) -> dict[str, Any]:
    packed = re.search(r'<script id="event-data" type="text/plain">([^<]*)</script>', page)
    assert packed is not None
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return data


def test_the_page_of_a_real_run(ten_steps: Path) -> None:
    page = run_page(ten_steps)
    assert len(page.encode()) < 400_000
    for step in ("orders", "clean", "keep-top", "lost"):
        assert f"<bdi>{step}</bdi>" in page
    assert page.index('id="errors"') < page.index('id="steps"') < page.index('id="events"')
    assert "the sample refuses" in page or "the sample" in page
    assert page == run_page(ten_steps)
    lines = (ten_steps / "events.jsonl").read_text().splitlines()
    events = _events(page)
    assert len(events["events"]) == len(lines)
    names = [events["names"][event[1]] for event in events["events"]]
    assert names == [json.loads(line)["event"] for line in lines]


def test_the_policy_allows_the_page_itself_and_nothing_else(ten_steps: Path) -> None:
    page = run_page(ten_steps)
    policy = html.unescape(re.search(r'Security-Policy" content="([^"]+)"', page)[1])  # type: ignore[index]  # a missing policy is a failure all the same
    assert policy.startswith("default-src 'none'; ")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://", page)
    assert not re.search(r'\s(?:src|style|on\w+)="', page)


def test_the_rows_are_accounted_for(ten_steps: Path) -> None:
    page = run_page(ten_steps)
    assert "Nothing was lost;" in page
    assert page.count("all arrived") >= 8


def _evil_run(directory: Path) -> Path:
    made = {"path": "artifacts/a.csv", "bytes": 1, "sha256": EVIL, "rows": 1}
    warning = {"code": "x", "message": EVIL, "count": 1}
    run = MadeRun(
        {EVIL: [], "b": [EVIL]},
        component=EVIL,
        pipeline=EVIL,
        error={"code": EVIL, "message": EVIL, "hint": f"{EVIL}`{EVIL}`"},
        failed=frozenset({EVIL}),
        more_events=[
            {"event": EVIL, "step_id": EVIL, "x": EVIL},
            {"event": "artifact_created", "step_id": EVIL, **made},
            {"event": "data_warning", "step_id": EVIL, **warning},
        ],
        cfg={EVIL: EVIL},
    ).write(directory)
    (run / "artifacts").mkdir()
    (run / "artifacts" / "a.csv").write_text(f"{EVIL}\n{EVIL}\n")
    metric = {"metric": EVIL, "value": 1, "unit": EVIL, "tags": {"step": EVIL}}
    (run / "metrics.jsonl").write_text(json.dumps(metric))
    for name in ("osiris.log", "debug.log"):
        (run / name).write_text(EVIL)
    return run


def _evil_comparison() -> dict[str, Any]:
    side = {"session": EVIL, "adapter": EVIL, "state": EVIL}
    place = dict.fromkeys(("row", "column", "line", "byte"))
    aspect = {"section": EVIL, "aspect": EVIL, "title": EVIL, "a": EVIL, "b": EVIL}
    difference = {"aspect": EVIL, "title": EVIL, "where": EVIL, "a": EVIL, "b": None}
    return {
        "same": False,
        "a": side,
        "b": side,
        "aspects": [{**aspect, "same": False, "differences": 1}],
        "differences": [{**difference, "place": {**place, "a": EVIL, "b": EVIL, "note": EVIL}}],
    }


def test_text_from_outside_stays_text(tmp_path: Path) -> None:
    page = run_page(_evil_run(tmp_path / "run_evil"), comparison=_evil_comparison())
    assert "alert(1)" in page
    for tag in ("<img", "<script>alert"):
        assert tag not in page
    assert page.count("<script") == 2
    assert "\u202e" not in page
    assert "\\x202egnp" in page


def test_secrets_are_masked_wherever_they_are(tmp_path: Path) -> None:
    secret = 'p<ss"w&rd-🔑'
    run = MadeRun(
        {"a": []},
        pipeline=f"uses {secret}",
        error={"code": "x", "message": f"refused {secret}", "hint": None},
        more_events=[
            {"event": "odd", "step_id": "a", "deep": [{"er": secret}]},
            {
                "event": "artifact_created",
                "step_id": "a",
                "path": "artifacts/a.csv",
                "bytes": 1,
                "sha256": "",
                "rows": 1,
            },
        ],
        cfg={"password": secret, "query": f"line one\n-- {secret}\n"},
    ).write(tmp_path / "run_secret")
    (run / "artifacts").mkdir()
    (run / "artifacts" / "a.csv").write_text(f"x\n'{secret.replace(chr(34), '')}'\n{secret}\n")
    (run / "debug.log").write_text(f"said {secret}\n")
    page = run_page(run, Masker([secret]))
    for text in (html.unescape(page), json.dumps(_events(page), ensure_ascii=False)):
        assert secret not in text
    assert json.dumps(secret)[1:-1] not in json.dumps(_events(page))
    assert page.count("***") >= 6


def test_files_outside_the_run_are_not_shown(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("do not show this\n")
    paths = [
        "../outside.csv",
        str(outside),
        "artifacts/link.csv",
        "artifacts/../../outside.csv",
        "\0",
    ]
    events = [
        {"event": "artifact_created", "step_id": "a", "path": path, "bytes": 1, "sha256": str(n)}
        for n, path in enumerate(paths)
    ]
    run = MadeRun({"a": []}, more_events=events).write(tmp_path / "run_x")
    (run / "artifacts").mkdir()
    (run / "artifacts" / "link.csv").symlink_to(outside)
    page = run_page(run)
    assert "do not show this" not in page
    assert page.count("No preview") == len(paths)


def test_previews_of_tables(tmp_path: Path) -> None:
    events = [
        {
            "event": "artifact_created",
            "step_id": "a",
            "path": f"artifacts/{name}",
            "bytes": 1,
            "sha256": "",
        }
        for name in ("a.csv", "b.csv", "c.parquet", "d.parquet", "e.bin", "gone.csv")
    ]
    run = MadeRun({"a": []}, more_events=events).write(tmp_path / "run_x")
    made = run / "artifacts"
    made.mkdir()
    rows = "".join(f"{n};{n * n}\n" for n in range(50))
    (made / "a.csv").write_text(f"id;square\n{rows}")
    (made / "b.csv").write_text('"name","quote"\n"Ægir","say ""hi"", twice"\n')
    parquet.write_table(
        pa.table({"at": [1, None], "text": ["first", "second"]}), made / "c.parquet"
    )
    (made / "d.parquet").write_bytes(b"PAR1 not at all")
    (made / "e.bin").write_bytes(bytes(100))
    page = run_page(run)
    shown = re.sub(r"\s+", " ", re.sub(r"</?bdi>", "", page))
    assert '<th scope="col">id</th><th scope="col">square</th>' in shown
    assert "<td>7</td><td>49</td>" in shown
    assert "<td>8</td><td>64</td>" not in shown
    assert "say &#34;hi&#34;, twice" in shown
    assert "<td></td><td>second</td>" in shown
    for why in ("no Parquet file", "it is no text", "the file is gone"):
        assert why in shown


def test_a_run_that_goes_on_has_a_page(tmp_path: Path) -> None:
    run = MadeRun({"a": [], "b": ["a"]}).write(tmp_path / "run_x")
    status = json.loads((run / "status.json").read_text())
    alive = {"pid": os.getpid(), "process_start": None, "host": os.uname().nodename}
    (run / "status.json").write_text(json.dumps({**status, **alive, "state": "running"}))
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(lines[:2]))
    page = run_page(run)
    assert '<span class="state s-running">running</span>' in page


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.timeout(60)
def test_a_damaged_run_has_a_page(
    ten_steps: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    copy = tmp_path
    for name in ("manifest.yaml", "events.jsonl", "metrics.jsonl", "status.json", "debug.log"):
        copy = tmp_path / name / ten_steps.name
        shutil.copytree(ten_steps, copy)
        damage(copy / name)
        assert "</html>" in run_page(copy)
    for name in ("status.json", "events.jsonl", "manifest.yaml"):
        damage(copy / name)
    assert "unnamed pipeline" in run_page(copy)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 10_000 + "]" * 10_000, "- " * 30_000])
@pytest.mark.timeout(60)
def test_a_manifest_that_is_too_deep_is_not_read(tmp_path: Path, text: str) -> None:
    """PyYAML's C parser takes minutes for such, or overflows the stack."""
    run = MadeRun({"a": []}).write(tmp_path / "run_x")
    (run / "manifest.yaml").write_text(text)
    assert "</html>" in run_page(run)


def test_a_manifest_that_multiplies_itself_is_not_read(tmp_path: Path) -> None:
    run = MadeRun({"a": []}).write(tmp_path / "run_x")
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
    )
    (run / "manifest.yaml").write_text(f"{bomb}steps: *u\n")
    assert "</html>" in run_page(run)


@pytest.mark.parametrize(
    "name",
    [
        "cancelled",
        "fail fast",
        "fails in the middle",
        "missing cfg",
        "missing variable",
        "nothing kept",
        "parquet",
        "retried",
    ],
)
def test_runs_of_every_kind_have_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    page = run_page(scenarios.SCENARIOS[name].run(tmp_path / "project"))
    assert "</html>" in page
    assert "lost rows" not in page


def test_commands_in_hints_are_code_and_paths_may_break(tmp_path: Path) -> None:
    error = {"code": "x", "message": "data/a.csv: gone", "hint": "try `osiris logs <b>` & see"}
    page = run_page(MadeRun({"a": []}, error=error).write(tmp_path / "run_x"))
    assert "try <code>osiris logs &lt;b&gt;</code> &amp; see" in page
    assert "data/<wbr>a.<wbr>csv: gone" in page
