"""`osiris parity`: two runs of the command line compared, by id, part, directory and `last`."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import osiris as library
from tests.cli.program import Osiris, plain


def run_ids(osiris: Osiris) -> list[str]:
    runs = osiris("logs", "list", "--json").document["runs"]
    return [run["session"] for run in reversed(runs)]


@pytest.fixture
def two(sample: Osiris) -> Osiris:
    """A project with two runs of one pipeline."""
    assert sample("run", "branches.yaml", "--jobs", "1").code == 1
    assert sample("run", "branches.yaml", "--jobs", "4").code == 1
    return sample


def spoil(two: Osiris, run: str) -> None:
    """Change a value of what a step of the run made, and a message in its status."""
    root = two.cwd / "logs" / run
    path = root / "artifacts/good/output.csv"
    path.write_text(path.read_text().replace("row 7", "row X"))
    status = json.loads((root / "status.json").read_text())
    status["error"]["message"] = "all\nis \x1b[31mwell "
    (root / "status.json").write_text(json.dumps(status))


def test_two_runs_that_are_the_same(two: Osiris) -> None:
    a, b = run_ids(two)
    done = two("parity", a, b, "--fail-if-diff")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\nthe runs are the same in all 21 aspects\n")
    for section in (
        *("Config handling", "Event flow", "Metrics"),
        *("File structure", "Driver execution", "Error handling"),
    ):
        assert f"\n{section}\n" in done.out
    rows = re.findall(r"^  \S.* (\S+)$", done.out, re.MULTILINE)
    assert rows == ["same"] * 21


def test_differences_are_told_with_their_place(two: Osiris) -> None:
    a, b = run_ids(two)
    spoil(two, b)
    done = two("parity", a, b)
    assert (done.code, done.err) == (0, "")
    text = done.out
    assert re.search(r"^  artifacts/ .* differs$", text, re.MULTILINE)
    assert "\nartifacts/: artifacts/good/output.csv\n  A  " in text
    assert "\n  first at row 8, column text, line 9\n  A  row 7\n  B  row X\n" in text
    assert "\nstatus on error: error.message\n  A  the sample refuses\n" in text
    assert '\n  B  "all\\nis \\u001b[31mwell "\n' in text
    assert text.endswith("\nthe runs differ in 2 of 21 aspects\n")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text


def test_the_exit_code_is_6_when_it_is_asked_for(two: Osiris) -> None:
    a, b = run_ids(two)
    assert two("parity", a, b, "--fail-if-diff").code == 0
    spoil(two, a)
    assert two("parity", a, b).code == 0
    assert two("parity", a, b, "--fail-if-diff").code == 6
    done = two("parity", a, b, "--fail-if-diff", "--json")
    assert (done.code, done.err) == (6, "")
    assert done.document["same"] is False


def test_the_document(two: Osiris) -> None:
    a, b = run_ids(two)
    spoil(two, b)
    document = two("parity", a, b, "--json").document
    assert set(document) == {"same", "a", "b", "aspects", "differences"}
    assert document["a"] == {
        "session": a,
        "directory": str(two.cwd / "logs" / a),
        "pipeline": "branches",
        "adapter": "local",
        "state": "failed",
        "osiris_version": library.__version__,
    }
    assert len(document["aspects"]) == 21
    rows = {row["aspect"]: row for row in document["aspects"]}
    assert rows["artifacts"] | {"a": "", "b": ""} == {
        "section": "file_structure",
        "aspect": "artifacts",
        "title": "artifacts/",
        "same": False,
        "a": "",
        "b": "",
        "differences": 1,
    }
    differing = {row["aspect"] for row in document["aspects"] if not row["same"]}
    assert differing == {"artifacts", "status_on_error"}


def test_the_differences_in_the_document(two: Osiris) -> None:
    a, b = run_ids(two)
    spoil(two, b)
    artifact, status = two("parity", a, b, "--json").document["differences"]
    assert artifact["place"] == {
        "row": 8,
        "column": "text",
        "line": 9,
        "byte": None,
        "a": "row 7",
        "b": "row X",
        "note": None,
    }
    assert re.fullmatch(r"\d+ bytes, sha256 [0-9a-f]{64}", artifact["a"])
    assert artifact["where"] == "artifacts/good/output.csv"
    assert status == {
        "section": "error_handling",
        "aspect": "status_on_error",
        "title": "status on error",
        "where": "error.message",
        "a": "the sample refuses",
        "b": "all\nis \x1b[31mwell ",
        "place": None,
    }


def test_the_ways_to_name_a_run(two: Osiris, tmp_path: Path) -> None:
    a, b = run_ids(two)
    moved = shutil.copytree(two.cwd / "logs" / a, tmp_path / "moved")
    for names in (
        (a, "last"),
        (a.rpartition("_")[2], b),
        (f"logs/{a}", f"./logs/{b}/"),
        (moved, "last"),
        ("../moved", "last"),
    ):
        done = two("parity", *names, "--json")
        assert done.document["same"] is True, names
        assert done.document["a"]["session"] == a
        assert done.document["b"]["session"] == b
    elsewhere = two("-C", two.cwd, "parity", f"logs/{a}", "last", "--json", cwd=tmp_path)
    assert elsewhere.document["same"] is True


@pytest.mark.parametrize(
    "names,words",
    [
        (("last", "last"), "proves nothing"),
        (("nope", "last"), "there is no run 'nope'"),
        (("run_", "last"), "may be"),
        ((".", "last"), "holds no records of a run"),
        (("x" * 5000, "last"), "there is no run"),
        (("", "last"), "there is no run"),
        (("last",), "Missing argument 'RUN_B'"),
    ],
)
def test_what_is_no_run_ends_with_2(two: Osiris, names: tuple[str, ...], words: str) -> None:
    done = two("parity", *names)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_copy_of_a_run_is_called_one(two: Osiris, tmp_path: Path) -> None:
    a, b = run_ids(two)
    copy = shutil.copytree(two.cwd / "logs" / a, tmp_path / "copy")
    assert "\nnote: both are records of one run; " in two("parity", a, copy).out
    assert "note:" not in two("parity", a, b).out


def test_a_run_that_goes_on_is_not_compared(two: Osiris) -> None:
    with two.start("run", "slow.yaml") as running:
        try:
            while len(run_ids(two)) < 3:
                assert running.poll() is None
            a, _, c = run_ids(two)
            done = two("parity", a, c)
        finally:
            running.kill()
    assert (done.code, done.out) == (2, "")
    assert f"{c} is still running" in done.err
    killed = two("parity", a, c, "--fail-if-diff", "--json")
    assert killed.code == 6
    differing = {row["aspect"] for row in killed.document["aspects"] if not row["same"]}
    assert {"status", "run_events", "other_files"} <= differing


def test_many_differences_are_counted(two: Osiris) -> None:
    a, b = run_ids(two)
    for number in range(300):
        (two.cwd / "logs" / b / "artifacts" / f"{number}.csv").touch()
    done = two("parity", a, b)
    assert re.search(r"^  artifacts/ .* 300 differ$", done.out, re.MULTILINE)
    assert "artifacts/: and 295 more; --json lists the first hundred\n" in done.out
    document = two("parity", a, b, "--json").document
    assert len(document["differences"]) == 100


def test_on_a_terminal_what_differs_is_coloured(two: Osiris) -> None:
    a, b = run_ids(two)
    spoil(two, b)
    screen = two.terminal("parity", a, b)
    shown: Any = screen.out
    assert re.search(r"\x1b\[31m\x1b\[1m  artifacts/", shown)
    assert "the runs differ in 2 of 21 aspects" in plain(shown)


def test_from_python(two: Osiris, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = run_ids(two)
    monkeypatch.chdir(two.cwd)
    comparison = library.compare_runs(a, "last")
    assert isinstance(comparison, library.Comparison)
    assert comparison.same
    comparison.raise_if_different()
    spoil(two, b)
    different = library.compare_runs(two.cwd / "logs" / a, b, project=two.cwd)
    assert [row.aspect.id for row in different.differing] == ["artifacts", "status_on_error"]
    with pytest.raises(library.OsirisError, match=r"differ: artifacts/, status on error") as raised:
        different.raise_if_different()
    assert (raised.value.code, raised.value.exit_code) == ("parity.different", 6)
