"""`osiris validate`: every mistake in every file, each with its place."""

import re

from tests.cli.program import Osiris, plain

BAD = """\
oml_version: 0.1.0
name: bad
steps:
  - {id: make, component: sample.sorce, mode: read, config: {}}
  - {id: keep, component: sample.sink, mode: write, config: {clams: 1}, needs: [mak]}
"""


def test_a_sound_pipeline(sample: Osiris) -> None:
    done = sample("validate", "sample.yaml")
    assert (done.code, done.out, done.err) == (0, "1 pipeline is valid\n", "")
    assert sample("validate", "sample.yaml", "slow.yaml").out == "2 pipelines are valid\n"
    assert not (sample.cwd / "logs").exists()


def test_all_mistakes_are_told_at_once(sample: Osiris) -> None:
    (sample.cwd / "bad.yaml").write_text(BAD)
    done = sample("validate", "bad.yaml", "sample.yaml", "gone.yaml")
    assert (done.code, done.err) == (3, "")
    lines = done.out.splitlines()
    assert lines[-1] == "4 problems in 2 of 3 pipelines"
    places = [line for line in lines if re.match(r"bad\.yaml:\d+:\d+: steps\[\d\]\.", line)]
    assert [line.split(":")[1] for line in places] == ["4", "5", "5"]
    assert "  hint: did you mean 'sample.source'?" in lines
    assert "gone.yaml: gone.yaml does not exist" in done.out


def test_as_json(sample: Osiris) -> None:
    (sample.cwd / "bad.yaml").write_text(BAD)
    done = sample("validate", "bad.yaml", "sample.yaml", "--json")
    assert (done.code, done.err) == (3, "")
    document = done.document
    assert document["ok"] is False
    bad, good = document["pipelines"]
    assert (good["path"], good["ok"], good["problems"]) == ("sample.yaml", True, [])
    assert set(bad["problems"][0]) == {"file", "line", "column", "path", "message", "hint"}
    assert sample("validate", "sample.yaml", "--json").document["ok"] is True


def test_params_are_checked_too(sample: Osiris) -> None:
    assert sample("validate", "sample.yaml", "--param", "rows=3").code == 0
    done = sample("validate", "sample.yaml", "--param", "rows=x")
    assert done.code == 3
    assert "--param: params.rows: " in done.out


def test_files_are_named_as_they_were_given(sample: Osiris) -> None:
    (sample.cwd / "bad.yaml").write_text(BAD)
    parent = sample.cwd.parent
    assert "sample/bad.yaml:4:" in sample("validate", "sample/bad.yaml", cwd=parent).out
    assert "sample/bad.yaml:4:" in sample("-C", "sample", "validate", "bad.yaml", cwd=parent).out
    done = sample("validate", sample.cwd / "bad.yaml", cwd=parent)
    assert f"{sample.cwd}/bad.yaml:4:" in done.out


def test_on_a_terminal(sample: Osiris) -> None:
    (sample.cwd / "bad.yaml").write_text(BAD)
    done = sample.terminal("validate", "bad.yaml")
    assert "\x1b[1mbad.yaml:4:" in done.out
    assert plain(done.out) == sample("validate", "bad.yaml").out


def test_a_name_cannot_steer_the_terminal(sample: Osiris) -> None:
    evil = BAD.replace("sample.sorce", '"\\e]0;owned\\a\\e[31mx"')
    (sample.cwd / "evil.yaml").write_text(evil)
    done = sample("validate", "evil.yaml")
    assert done.code == 3
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


def test_a_bad_project_file_is_told(sample: Osiris) -> None:
    marker = sample.cwd / "osiris.yaml"
    for text, words in (
        ("nam: x\n", "did you mean 'name'?"),
        ("name: [1]\n", "name must be text"),
        ("name: a\nname: b\n", "already used in line 1"),
        ("- a\n", "not a list"),
        ("name: 'x\n", "YAML syntax"),
    ):
        marker.write_text(text)
        done = sample("compile", "sample.yaml")
        assert done.code == 3, text
        assert words in done.err
        assert re.search(r"osiris\.yaml:\d+:\d+: ", done.err)
        assert sample("logs", "list").code == 0
    for text in ("", "# a remark\n", "\n", "name: x\n"):
        marker.write_text(text)
        assert sample("validate", "sample.yaml").code == 0, text
