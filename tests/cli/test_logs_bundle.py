"""`osiris logs bundle` and `osiris logs html`: what leaves the project holds no secret of it."""

import base64
import gzip
import re
import zipfile
from pathlib import Path

import pytest

from tests.cli.program import Osiris

TOKEN = "canary-4711-token"


@pytest.fixture
def told(sample: Osiris) -> Osiris:
    """A project with a run behind a token, which somebody then wrote into its records."""
    assert sample("run", "secret.yaml", VAULT_TOKEN=TOKEN).code == 0
    (run,) = (path for path in (sample.cwd / "logs").glob("run_*") if path.is_dir())
    with (run / "debug.log").open("a") as log:
        log.write(f"token={TOKEN}\n")
    with (run / "events.jsonl").open("a") as events:
        events.write(f'{{"ts":"2026-01-01T00:00:00Z","event":"odd","token":"{TOKEN}"}}\n')
    return sample


def _text(path: Path) -> str:
    with zipfile.ZipFile(path) as file:
        return "\n".join(file.read(name).decode() for name in file.namelist())


def test_a_bundle_without_the_secret(told: Osiris) -> None:
    done = told("logs", "bundle", VAULT_TOKEN=TOKEN)
    assert done.code == 0, done.err
    (path,) = told.cwd.glob("run_*.zip")
    assert done.out.startswith(f"{path.name} (")
    assert done.out.endswith("no secret of 1)\n")
    assert "note: a secret in debug.log was masked" in done.err
    assert TOKEN not in _text(path)
    assert "token=***" in _text(path)
    again = told("logs", "bundle", "last", "-o", "again.zip", "--json", VAULT_TOKEN=TOKEN)
    assert again.document["masked"] == ["events.jsonl", "debug.log"]
    assert (told.cwd / "again.zip").read_bytes() == path.read_bytes()


def test_artifacts_only_for_those_who_want_them(told: Osiris) -> None:
    (made,) = told.cwd.glob("logs/run_*/artifacts/make")
    (made / "said.txt").write_text(f"token {TOKEN}")
    done = told("logs", "bundle", "-o", "a.zip", VAULT_TOKEN=TOKEN)
    number = len(list((told.cwd).glob("logs/run_*/artifacts/*/*")))
    assert f"note: {number} artifacts (" in done.err
    assert "left out; --with-artifacts puts them in" in done.err
    assert "artifacts/" not in " ".join(zipfile.ZipFile(told.cwd / "a.zip").namelist())
    done = told("logs", "bundle", "-o", "b.zip", "--with-artifacts", VAULT_TOKEN=TOKEN)
    assert done.code == 0, done.err
    assert "note: artifacts/make/said.txt is left out: a secret is in it" in done.err
    names = zipfile.ZipFile(told.cwd / "b.zip").namelist()
    assert [name.partition("/")[2] for name in names if "/artifacts/" in name] == [
        "artifacts/keep/ids.txt",
        "artifacts/make/output.csv",
    ]
    assert TOKEN not in _text(told.cwd / "b.zip")


def test_a_secret_that_is_not_known_here_is_no_proof(told: Osiris) -> None:
    done = told("logs", "bundle")
    assert done.code == 4
    assert "VAULT_TOKEN is not set here" in done.err
    assert list(told.cwd.glob("*.zip")) == []
    (told.cwd / ".env").write_text(f"VAULT_TOKEN={TOKEN}\n")
    assert told("logs", "bundle").code == 0
    assert TOKEN not in _text(next(told.cwd.glob("*.zip")))


def test_of_a_component_that_is_gone_everything_may_be_secret(told: Osiris) -> None:
    (cfg,) = told.cwd.glob("logs/run_*/cfg/make.json")
    cfg.write_text(cfg.read_text().replace("sample.secret_source", "gone.extractor"))
    refused = told("logs", "bundle")
    assert refused.code == 4
    assert "VAULT_TOKEN is not set here" in refused.err
    done = told("logs", "bundle", "--json", VAULT_TOKEN=TOKEN)
    assert done.document["masked"] == ["events.jsonl", "debug.log"]


def test_what_is_named_like_a_secret_is_one(told: Osiris) -> None:
    (told.cwd / ".env").write_text(f"OTHER_API_KEY={TOKEN}\nVAULT_TOKEN=another-token\n")
    assert told("logs", "bundle", "--json").document["masked"] == ["events.jsonl", "debug.log"]
    arguments = ("logs", "bundle", "-o", "again.zip", "--json")
    again = told(*arguments, PWD=str(told.cwd), HAS_TOKEN="false")
    assert "completed" in _text(Path(again.document["path"]))
    assert "manifest.yaml" not in again.document["masked"]


def test_secrets_of_connections_that_the_run_did_not_use_count(sample: Osiris) -> None:
    sample("run", "sample.yaml")
    (run,) = (sample.cwd / "logs").glob("run_*")
    (run / "debug.log").write_text("said hush\n")
    done = sample("logs", "bundle", "-o", "a.zip", "--json", VAULT_TOKEN="hush")
    assert done.document["masked"] == ["debug.log"]
    for damage in (b"connections: [", b"\xff\x00", b"connections: {a: {b: {password: [1]}}}", b""):
        (sample.cwd / "osiris_connections.yaml").write_bytes(damage)
        assert sample("logs", "bundle", "-o", "b.zip").code == 0


def test_the_page_is_masked_too(told: Osiris) -> None:
    done = told("logs", "html", VAULT_TOKEN=TOKEN)
    assert done.code == 0, done.err
    path = told.cwd / done.out.strip()
    assert path.parent.name == "logs"
    page = path.read_text()
    assert TOKEN not in page
    assert "token=***" in page
    packed = re.search(r'type="text/plain">([^<]+)<', page)
    assert packed is not None
    assert TOKEN not in gzip.decompress(base64.b64decode(packed[1])).decode()
    runs = told("logs", "list", "--json").document["runs"]
    assert len(runs) == 1
    assert told("logs", "gc", "--keep", "0").code == 0
    assert not path.exists()


def test_two_runs_on_one_page(sample: Osiris) -> None:
    for rows in ("3", "4"):
        sample("run", "sample.yaml", "--param", f"rows={rows}")
    one, other = (run["session"] for run in sample("logs", "list", "--json").document["runs"])
    done = sample("logs", "html", one, other, "--output", "both.html", "--json")
    assert done.code == 0, done.err
    page = (sample.cwd / "both.html").read_text()
    assert done.document == {"path": str(sample.cwd / "both.html"), "bytes": len(page.encode())}
    assert "The runs differ in" in page
    assert one in page
    assert other in page
    same = sample("logs", "html", one, one)
    assert same.code == 2
    assert "one and the same run" in same.err


def test_a_page_that_cannot_be_written_is_told(sample: Osiris) -> None:
    sample("run", "sample.yaml")
    done = sample("logs", "html", "-o", "osiris.yaml/page.html")
    assert done.code == 4
    assert "cannot write" in done.err
    assert sample("logs", "html", "nothing").code == 2


def test_open_shows_it_in_a_browser(sample: Osiris) -> None:
    sample("run", "sample.yaml")
    opened = sample.cwd / "opened"
    browser = sample.cwd / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    done = sample("logs", "html", "--open", BROWSER=f"{browser} %s")
    assert done.code == 0, done.err
    assert opened.read_text().startswith("file:///")
    assert opened.read_text().rstrip().endswith(done.out.strip())
