"""Compiled pipelines on disk: whole or not there, never trusted when read."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.canonical import fingerprint
from osiris.compiler.manifest_reader import parse_manifest
from osiris.compiler.manifest_writer import content_fingerprints, manifest_bytes
from osiris.compiler.store import (
    CONNECTIONS,
    Difference,
    differences,
    is_manifest,
    last_manifest,
    load_compiled,
    read_connections,
    read_pipeline,
    write_compiled,
)
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import (
    ConnectionConfigError,
    ManifestError,
    PipelineError,
    UnwritableOutputError,
)
from osiris.core.manifest import Manifest
from osiris.core.step_config import sha256_hex
from tests.compiler.pipelines import HEAD, compile_text

STEPS = """\
steps:
  - {id: a, component: rows.maker, mode: read}
  - {id: b, component: rows.maker, mode: read, needs: [a]}
  - {id: w, component: file.writer, mode: write, config: {path: x.csv}, timeout: 5s}
"""


@pytest.fixture
def compiled() -> CompiledPipeline:
    return compile_text(HEAD + STEPS).require()


def forged(manifest: Manifest, **changes: object) -> bytes:
    """Give the bytes of a changed manifest whose fingerprints fit: the work of someone who can."""
    changed = Manifest.model_validate({**manifest.model_dump(), **changes})
    parts = {**manifest.fingerprints, **content_fingerprints(changed)}
    fitting = {"fingerprints": parts, "fingerprint": fingerprint(parts)}
    return manifest_bytes(changed.model_copy(update=fitting))


def test_what_is_written_is_what_is_loaded(compiled: CompiledPipeline, tmp_path: Path) -> None:
    path = write_compiled(compiled, tmp_path)
    assert path.relative_to(tmp_path).parts[0] == "logs"
    assert path.parent.parent.name.startswith("compile_")
    loaded = load_compiled(path)
    assert loaded == dataclasses.replace(compiled, source=path)
    assert load_compiled(path.parent) == loaded
    assert differences(compiled, path) == []
    assert not list((tmp_path / "logs").glob(".*.part"))


def test_the_pointer_leads_to_the_last_compilation(
    compiled: CompiledPipeline, tmp_path: Path
) -> None:
    first = write_compiled(compiled, tmp_path)
    assert last_manifest(tmp_path) == first
    other = compile_text(HEAD.replace("sample", "other") + STEPS).require()
    second = write_compiled(other, tmp_path)
    assert last_manifest(tmp_path) == second
    assert last_manifest(tmp_path, "sample") == first
    assert last_manifest(tmp_path, "other") == second
    third = write_compiled(compiled, tmp_path)
    assert last_manifest(tmp_path, "sample") == third != first


def test_a_project_may_be_moved(compiled: CompiledPipeline, tmp_path: Path) -> None:
    write_compiled(compiled, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert load_compiled(last_manifest(tmp_path / "there")).manifest == compiled.manifest


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "{",
        "[]",
        "null",
        "\ufffd",
        "{}",
        '{"manifest": 1, "pipelines": {}}',
        '{"manifest": "logs/x", "pipelines": []}',
        '{"manifest": "/etc/passwd", "pipelines": {}}',
        '{"manifest": "../x", "pipelines": {}}',
        '{"manifest": "logs/../../x", "pipelines": {}}',
        '{"manifest": "logs/x\\u0000", "pipelines": {}}',
        '{"manifest": "logs/x", "pipelines": {"sample": "/etc/passwd"}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_pointer_is_an_error_and_is_replaced(
    pointer: str, compiled: CompiledPipeline, tmp_path: Path
) -> None:
    write_compiled(compiled, tmp_path)
    file = tmp_path / "logs" / ".last_compile.json"
    file.write_text(pointer, encoding="utf-8")
    with pytest.raises(ManifestError, match="is damaged") as caught:
        last_manifest(tmp_path)
    assert "osiris compile" in str(caught.value.hint)
    path = write_compiled(compiled, tmp_path)
    assert last_manifest(tmp_path) == path


def test_a_pointer_to_what_is_gone_and_none_at_all(
    compiled: CompiledPipeline, tmp_path: Path
) -> None:
    with pytest.raises(ManifestError, match="nothing was compiled"):
        last_manifest(tmp_path)
    path = write_compiled(compiled, tmp_path)
    with pytest.raises(ManifestError, match="pipeline 'zzz' was not compiled"):
        last_manifest(tmp_path, "zzz")
    path.unlink()
    with pytest.raises(ManifestError, match="does not exist"):
        last_manifest(tmp_path)


def test_a_missing_cfg_is_left_for_the_preflight(
    compiled: CompiledPipeline, tmp_path: Path
) -> None:
    path = write_compiled(compiled, tmp_path)
    (path.parent / "cfg" / "b.json").unlink()
    assert set(load_compiled(path).cfgs) == {"a", "w"}
    assert differences(compiled, path) == [Difference("cfg/b.json", "missing")]


def test_differences_by_file(compiled: CompiledPipeline, tmp_path: Path) -> None:
    path = write_compiled(compiled, tmp_path)
    (path.parent / "cfg" / "a.json").write_bytes(b"{}")
    (path.parent / "cfg" / "old.json").write_bytes(b"{}")
    path.write_bytes(path.read_bytes() + b"\n")
    assert differences(compiled, path) == [
        Difference("manifest.yaml", "different"),
        Difference("cfg/a.json", "different"),
        Difference("cfg/old.json", "not in the source"),
    ]
    assert differences(compiled, tmp_path / "nowhere" / "manifest.yaml") == [
        Difference(file, "missing")
        for file in ("manifest.yaml", "cfg/a.json", "cfg/b.json", "cfg/w.json")
    ]


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"id": "a"}'])
def test_a_changed_cfg_is_refused(data: bytes, compiled: CompiledPipeline, tmp_path: Path) -> None:
    path = write_compiled(compiled, tmp_path)
    (path.parent / "cfg" / "a.json").write_bytes(data)
    with pytest.raises(ManifestError, match=r"cfg/a\.json is not what was compiled"):
        load_compiled(path)


@pytest.mark.parametrize(
    "data,message",
    [
        (b"nonsense", "is no step config"),
        (b'{"id": "b", "component": "rows.maker", "mode": "read"}', "belongs to another step"),
        (b'{"id": "a", "component": "rows.sql", "mode": "read"}', "belongs to another step"),
        (b'{"id": "a", "component": "rows.maker", "mode": "write"}', "belongs to another step"),
    ],
)
def test_a_cfg_whose_sha_fits_must_still_be_the_steps(
    data: bytes, message: str, compiled: CompiledPipeline, tmp_path: Path
) -> None:
    steps = [step.model_dump() for step in compiled.manifest.steps]
    steps[0]["cfg_sha256"] = sha256_hex(data)
    path = write_compiled(compiled, tmp_path)
    path.write_bytes(forged(compiled.manifest, steps=steps))
    (path.parent / "cfg" / "a.json").write_bytes(data)
    with pytest.raises(ManifestError, match=message):
        load_compiled(path)


@pytest.mark.parametrize(
    "old,new,message",
    [
        ("timeout: 5.0", "timeout: 6.0", "was changed after it was compiled: its pipeline"),
        ('name: "sample"', 'name: "other"', "was changed after it was compiled"),
        ('df: "b"', 'df: "a"', "was changed after it was compiled"),
        ('fingerprint: "sha256:', 'fingerprint: "sha256:0', "was changed after"),
        ("osiris_manifest: 1", "osiris_manifest: 2", "is no manifest of format 1"),
        ("osiris_manifest: 1\n", "", "is no manifest of format 1"),
        (
            'mode: "write"',
            'mode: "wriet"',
            r"is damaged: .*:\d+:\d+: steps\[2\]\.mode",
        ),
        ('mode: "write"', 'mod: "write"', "needs the option 'mode'"),
        ("timeout: 5.0", "timeout: -1", "is damaged: .*timeout: should be greater than 0"),
        ('- id: "w"', '- id: "../../w"', r"is damaged: .*steps\[2\]\.id"),
        ('df: "b"', 'df: "zz"', "step 'w' needs 'zz', which does not come before it"),
        ('df: "b"', 'df: "w"', "step 'w' needs 'w', which does not come before it"),
        ('- id: "b"', '- id: "a"', "step 'a' is there twice"),
        ("steps:\n", "steps: [\n", "is no manifest: .*YAML syntax"),
    ],
)
def test_a_damaged_manifest_is_refused(
    old: str, new: str, message: str, compiled: CompiledPipeline, tmp_path: Path
) -> None:
    path = write_compiled(compiled, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ManifestError, match=message) as caught:
        load_compiled(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "step,change,message",
    [
        (0, {"inputs": {"df": "w"}}, "needs 'w', which does not come before it"),
        (1, {"inputs": {"df": "a"}}, "is a read step with 1 inputs"),
        (2, {"inputs": {}}, "is a write step with 0 inputs"),
        (2, {"after": ("w",)}, "needs 'w', which does not come before it"),
        (1, {"id": "a"}, "is there twice"),
    ],
)
def test_a_forged_manifest_that_cannot_run_is_refused(
    step: int, change: dict[str, object], message: str, compiled: CompiledPipeline
) -> None:
    steps = [one.model_dump() for one in compiled.manifest.steps]
    steps[step] = {**steps[step], **change}
    with pytest.raises(ManifestError, match=message):
        parse_manifest(forged(compiled.manifest, steps=steps), "manifest.yaml")


def test_a_forged_manifest_that_takes_the_table_of_a_write_step(
    compiled: CompiledPipeline,
) -> None:
    steps = [one.model_dump() for one in compiled.manifest.steps]
    last = {**steps[2], "id": "x", "mode": "transform", "inputs": {"df": "w"}}
    with pytest.raises(ManifestError, match="takes the table of a write step"):
        parse_manifest(forged(compiled.manifest, steps=[*steps, last]), "manifest.yaml")


@given(data=st.data())
def test_mutations_of_a_manifest_give_the_same_manifest_or_an_error(data: st.DataObject) -> None:
    compiled = compile_text(HEAD + STEPS).require()
    raw = bytearray(compiled.manifest_bytes)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(ManifestError):
        assert parse_manifest(bytes(raw), "manifest.yaml") == compiled.manifest


def make_directory(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("make", [make_directory, make_pipe, make_loop, make_device, make_large])
def test_what_is_no_file_is_refused_at_once(
    make: Callable[[Path], None], compiled: CompiledPipeline, tmp_path: Path
) -> None:
    odd = tmp_path / CONNECTIONS
    make(odd)
    with pytest.raises(PipelineError, match="cannot read"):
        read_pipeline(odd)
    with pytest.raises(ConnectionConfigError, match="cannot read"):
        read_connections(tmp_path)
    path = write_compiled(compiled, tmp_path)
    (path.parent / "cfg" / "a.json").unlink()
    make(path.parent / "cfg" / "a.json")
    with pytest.raises(ManifestError, match="cannot read"):
        load_compiled(path)


def test_reading_sources(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="does not exist"):
        read_pipeline(tmp_path / "none.yaml")
    assert read_connections(tmp_path) is None
    with pytest.raises(PipelineError, match="cannot read"):
        read_pipeline(tmp_path / "a\0b")
    with pytest.raises(ManifestError, match="does not exist"):
        load_compiled(tmp_path)
    (tmp_path / CONNECTIONS).write_bytes(b"connections: {}\n")
    assert read_connections(tmp_path) == (b"connections: {}\n", CONNECTIONS)


def test_a_manifest_is_told_from_a_pipeline(compiled: CompiledPipeline) -> None:
    assert is_manifest(compiled.manifest_bytes)
    assert is_manifest(b'{"osiris_manifest": 1}')
    assert is_manifest(b"\n'osiris_manifest' : [broken")
    assert not is_manifest((HEAD + STEPS).encode())
    assert not is_manifest(b"description: is no osiris_manifest: 1\n")


def test_an_unwritable_project(compiled: CompiledPipeline, tmp_path: Path) -> None:
    (tmp_path / "logs").write_bytes(b"a file where the directory belongs")
    with pytest.raises(UnwritableOutputError, match="cannot write the compiled pipeline"):
        write_compiled(compiled, tmp_path)


CHILD = """
import resource, signal, sys
from pathlib import Path
from osiris.compiler.store import write_compiled
from osiris.core.errors import UnwritableOutputError
from tests.compiler.pipelines import HEAD, compile_text
compiled = compile_text(HEAD + sys.argv[2]).require()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
try:
    write_compiled(compiled, Path(sys.argv[1]))
except UnwritableOutputError as error:
    print(error.message)
"""


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path), STEPS],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large" in done.stdout
    assert list((tmp_path / "logs").iterdir()) == []


KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
from osiris.compiler.store import write_compiled
from tests.compiler.pipelines import HEAD, compile_text
compiled = compile_text(HEAD + sys.argv[2]).require()
def kill():
    while not list(Path(sys.argv[1]).glob("logs/compile_*")):
        time.sleep(0.0005)
    time.sleep(float(sys.argv[3]))
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
while True:
    write_compiled(compiled, Path(sys.argv[1]))
"""


@pytest.mark.parametrize("delay", [0, 0.0003, 0.001, 0.003, 0.01, 0.03])
def test_killed_while_writing_what_is_there_is_whole(delay: float, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), STEPS, str(delay)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    directories = list((tmp_path / "logs").glob("compile_*"))
    assert directories
    for directory in directories:
        assert len(load_compiled(directory / "compiled").cfgs) == 3
    if (tmp_path / "logs" / ".last_compile.json").exists():
        assert load_compiled(last_manifest(tmp_path)).cfgs


def test_compilations_at_the_same_moment_do_not_meet(
    compiled: CompiledPipeline, tmp_path: Path
) -> None:
    paths = [write_compiled(compiled, tmp_path) for _ in range(20)]
    assert len(set(paths)) == 20
    pointer = json.loads((tmp_path / "logs" / ".last_compile.json").read_text(encoding="utf-8"))
    assert pointer["manifest"] == paths[-1].relative_to(tmp_path).as_posix()
