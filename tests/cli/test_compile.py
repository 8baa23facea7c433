"""`osiris compile`: what it writes, where, and whether that is up to date."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Osiris


def test_it_says_what_it_made(sample: Osiris) -> None:
    done = sample("compile", "secret.yaml")
    assert (done.code, done.err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert facts["compiled"] == "secret, 2 steps"
    assert (sample.cwd / facts["manifest"]).is_file()
    assert facts["fingerprint"].startswith("sha256:")
    assert facts["needs"] == "VAULT_TOKEN"


def test_as_json(sample: Osiris) -> None:
    done = sample("compile", "sample.yaml", "--param", "rows=3", "--json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert set(document) == {
        "name",
        "manifest",
        "fingerprint",
        "params",
        "variables",
        "steps",
        "warnings",
    }
    assert document["params"] == {"rows": 3}
    assert document["steps"] == ["make", "pass", "keep"]
    cfg = Path(document["manifest"]).parent / "cfg" / "make.json"
    assert json.loads(cfg.read_text())["config"] == {"rows": 3}


def test_warnings_go_to_stderr(sample: Osiris) -> None:
    connections = sample.cwd / "osiris_connections.yaml"
    connections.write_text(connections.read_text() + "  nobody: {x: {host: h}}\n")
    done = sample("compile", "secret.yaml")
    assert done.code == 0
    assert "osiris_connections.yaml:4:" in done.err
    assert "warning: " in done.err
    as_json = sample("compile", "secret.yaml", "--json")
    assert as_json.err == ""
    assert len(as_json.document["warnings"]) == 1


def test_out_names_the_directory(sample: Osiris) -> None:
    out = sample.cwd / "compiled"
    done = sample("compile", "sample.yaml", "--out", "compiled", "--json")
    assert done.document["manifest"] == "compiled/manifest.yaml"
    assert {path.name for path in out.rglob("*.*")} == {
        "manifest.yaml",
        "make.json",
        "pass.json",
        "keep.json",
    }
    assert not (sample.cwd / "logs").exists()
    logged = Path(sample("compile", "sample.yaml", "--json").document["manifest"])
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert path.read_bytes() == (logged.parent / path.relative_to(out)).read_bytes()
    assert sample("run", "compiled/manifest.yaml").code == 0


def test_out_holds_no_step_that_is_gone(sample: Osiris) -> None:
    assert sample("compile", "branches.yaml", "--out", "compiled").code == 0
    assert sample("compile", "sample.yaml", "--out", "compiled").code == 0
    names = {path.stem for path in (sample.cwd / "compiled" / "cfg").iterdir()}
    assert names == {"make", "pass", "keep"}


def test_out_takes_nothing_that_is_not_its_own(sample: Osiris) -> None:
    mine = sample.cwd / "cfg" / "mine.json"
    mine.parent.mkdir()
    mine.write_text("{}")
    assert sample("compile", "sample.yaml", "--out", ".").code == 0
    assert mine.read_text() == "{}"


def test_out_that_cannot_be_written(sample: Osiris) -> None:
    (sample.cwd / "file").write_text("")
    assert sample("compile", "sample.yaml", "--out", "file").code == 2
    done = sample("compile", "sample.yaml", "--out", "file/below")
    assert done.code == 4
    assert "cannot write the compiled pipeline" in done.err


@pytest.mark.parametrize("out", [(), ("--out", "compiled")])
def test_check_tells_whether_it_is_up_to_date(sample: Osiris, out: tuple[str, ...]) -> None:
    manifest = Path(sample("compile", "sample.yaml", *out, "--json").document["manifest"])
    before = sorted(path for path in sample.cwd.rglob("*"))
    done = sample("compile", "sample.yaml", *out, "--check")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("is what sample.yaml compiles to now\n")
    text = (sample.cwd / "sample.yaml").read_text()
    (sample.cwd / "sample.yaml").write_text(text.replace("default: 20", "default: 21"))
    done = sample("compile", "sample.yaml", *out, "--check", "--json")
    assert done.code == 1
    assert done.document == {
        "ok": False,
        "manifest": str(manifest),
        "differences": [
            {"file": "manifest.yaml", "what": "different"},
            {"file": "cfg/make.json", "what": "different"},
        ],
    }
    stale = sample("compile", "sample.yaml", *out, "--check")
    assert stale.code == 1
    assert "cfg/make.json: different" in stale.out
    assert sorted(path for path in sample.cwd.rglob("*")) == before


def test_check_looks_at_the_pipeline_of_that_name(sample: Osiris) -> None:
    """What was compiled last may be another pipeline."""
    assert sample("compile", "sample.yaml").code == 0
    assert sample("compile", "slow.yaml").code == 0
    assert sample("compile", "sample.yaml", "--check").code == 0


def test_check_without_anything_to_compare(sample: Osiris) -> None:
    done = sample("compile", "sample.yaml", "--check")
    assert done.code == 3
    assert "hint: " in done.err
    done = sample("compile", "sample.yaml", "--out", "compiled", "--check", "--json")
    assert done.code == 1
    assert {one["what"] for one in done.document["differences"]} == {"missing"}
