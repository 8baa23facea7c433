"""A directory that holds anything at all: never an exception, never a wait, never "the same"."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.parity.compare import compare_directories
from tests.parity.scenarios import SCENARIOS

RECORDS = ("events.jsonl", "metrics.jsonl", "status.json")
FILES = (*RECORDS, "osiris.log", "debug.log", "manifest.yaml", "cfg/make.json")
NAMES = [
    "ts",
    "session",
    "event",
    "step_id",
    "metric",
    "tags",
    "value",
    "steps",
    "state",
    "error",
    "message",
    "because",
    "x",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(project)
        return SCENARIOS["failing writer"].run(project)


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(100_000))


def _hole(path: Path) -> None:
    """Make a file of many gigabytes that takes no space."""
    with path.open("ab") as file:
        file.truncate(8 << 30)


def _deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def _nested(path: Path) -> None:
    """Nest as deep as can be parsed, and some more."""
    lines = ['{"event": ' * depth + "1" + "}" * depth for depth in (100, 900, 5000)]
    path.write_text("\n".join(lines))


def _wide(path: Path) -> None:
    path.write_text("".join(f'{{"event": "e{i}", "step_id": "s{i}"}}\n' for i in range(20_000)))


def _digits(path: Path) -> None:
    path.write_text('{"event": ' + "9" * 10_000 + "}\n{}\n[]\nnull\n")


def _surrogates(path: Path) -> None:
    path.write_text('{"event": "step_failed", "error": {"message": "\\ud800"}, "\\udfff": 1}\n')


SPOILERS: tuple[Callable[[Path], object], ...] = (
    *(_pipe, _device, _loop, _directory, _nothing, _zeros),
    *(_deep, _nested, _wide, _digits, _surrogates, Path.unlink),
)


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_something_else(
    original: Path, copy: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(copy / name)
    text_of_no_matter = name.endswith(".log") and (copy / name).is_file()
    for one, other in ((original, copy), (copy, original)):
        comparison = compare_directories(one, other)
        json.dumps(comparison.to_dict())
        assert not comparison.same or text_of_no_matter
    json.dumps(compare_directories(copy, copy).to_dict())


def test_files_that_are_too_large_are_not_the_same(original: Path, copy: Path) -> None:
    for name in RECORDS:
        _hole(copy / name)
    comparison = compare_directories(original, copy)
    assert not comparison.same
    (events,) = [row for row in comparison.differing if row.aspect.id == "event_count"]
    assert "more than the" in str(events.differences[0].b)


def test_unreadable_in_both_is_not_the_same(original: Path, copy: Path) -> None:
    """What is damaged, or too large, in both runs alike may be anything."""
    _zeros(copy / "events.jsonl")
    comparison = compare_directories(copy, shutil.copytree(copy, copy.parent / "twice"))
    assert [row.aspect.id for row in comparison.differing] == ["event_count"]
    assert original.is_dir()


def test_names_of_every_kind(original: Path, copy: Path) -> None:
    strange = [b"\xff.csv", b"new\nline", b"\x1b[31m", "\u202eabc".encode(), b"a" * 255]
    for name in strange:
        Path(os.fsdecode(os.path.join(os.fsencode(copy), b"artifacts", name))).touch()  # noqa: PTH118 - a path of bytes
    comparison = compare_directories(original, copy)
    assert comparison.differing[0].count == len(strange)


def test_two_directories_of_nothing(tmp_path: Path) -> None:
    """The first has no records at all, the second is not even there."""
    (tmp_path / "a").mkdir()
    comparison = compare_directories(tmp_path / "a", tmp_path / "b")
    json.dumps(comparison.to_dict())
    assert not comparison.same


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(RECORDS), lines=st.lists(JSON, min_size=1, max_size=5), data=st.data())
def test_records_of_any_shape(
    original: Path, tmp_path: Path, name: str, lines: list[object], data: st.DataObject
) -> None:
    """Records of any shape among the true ones: no exception, and not the same."""
    copy = tmp_path / "any"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy)
    if name == "status.json":
        told = {**json.loads((copy / name).read_text()), "new": lines}
        key = data.draw(st.sampled_from(sorted(told)))
        told[key] = lines[0]
        (copy / name).write_text(json.dumps(told))
    else:
        text = (copy / name).read_text().splitlines()
        at = data.draw(st.integers(0, len(text)))
        kept = text[at + data.draw(st.integers(0, 1)) :]
        added = [json.dumps(line) for line in lines]
        (copy / name).write_text("\n".join([*text[:at], *added, *kept]))
    for one, other in ((original, copy), (copy, original)):
        comparison = compare_directories(one, other)
        json.dumps(comparison.to_dict())
        assert not comparison.same


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_one_byte_of_what_must_be_the_same(
    original: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Any one byte of a manifest, config or artifact: changed, dropped or doubled."""
    copy = tmp_path / "byte"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy)
    compared = ("manifest.yaml", "cfg", "artifacts")
    files = [p for top in compared for p in sorted((copy / top).rglob("*")) if p.is_file()]
    path = data.draw(st.sampled_from([copy / "manifest.yaml", *files]))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    here = before[at : at + 1]
    instead = data.draw(st.sampled_from([b"", here * 2, bytes([here[0] ^ 1]), b"\0", b"\xff"]))
    path.write_bytes(before[:at] + instead + before[at + 1 :])
    comparison = compare_directories(original, copy)
    assert len(comparison.differing) == (path.read_bytes() != before)
