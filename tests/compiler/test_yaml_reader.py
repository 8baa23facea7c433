"""YAML from a stranger: typed as YAML 1.2, every position kept, every trick refused."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.document import Mark, Place
from osiris.compiler.problem import Problem, Report
from osiris.compiler.yaml_reader import Limits, read_yaml
from tests.compiler.pipelines import CARET, carets, positions

LOADERS = [yaml.CSafeLoader, yaml.SafeLoader]
both_loaders = pytest.mark.parametrize("loader", LOADERS, ids=["libyaml", "pure"])


def read(text: str | bytes, loader: type = yaml.CSafeLoader) -> tuple[Place | None, list[Problem]]:
    report = Report()
    data = text.replace(CARET, "").encode() if isinstance(text, str) else text
    return read_yaml(data, "f.yaml", report, loader=loader), report.errors


def plain(text: str, loader: type = yaml.CSafeLoader) -> Any:
    place, errors = read(text, loader)
    assert errors == []
    assert place is not None
    return place.node.plain()


@both_loaders
@pytest.mark.parametrize(
    "written,value",
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("12:30", "12:30"),
        ("010", "010"),
        ("00123", "00123"),
        ("1_000", "1_000"),
        ("0.1.0", "0.1.0"),
        ("0b11", "0b11"),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0", 0),
        ("-12", -12),
        ("+7", 7),
        ("9007199254740991", 9007199254740991),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("!!int 7", 7),
        ("!!null ''", None),
        ("=", "="),
        ("|\n  a\n   b\n", "a\n b\n"),
        (">-\n  a\n  b\n", "a b"),
        ('"caf\\u00e9 \\x01"', "café \x01"),
    ],
)
def test_scalars_have_the_types_of_yaml_1_2(loader: type, written: str, value: object) -> None:
    found = plain(f"key: {written}\n", loader)["key"]
    assert found == value
    assert type(found) is type(value)


@both_loaders
def test_keys_are_text_whatever_they_look_like(loader: type) -> None:
    text = "on: 1\nyes: 2\n2024: 3\nnull: 4\n1.5: 5\ntrue: 6\n"
    assert list(plain(text, loader)) == ["on", "yes", "2024", "null", "1.5", "true"]


@both_loaders
def test_anchors_and_merge_keys(loader: type) -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd: {<<: [{z: 1}, *a]}\n"
    data = plain(text, loader)
    assert data["b"] == {"y": 3, "x": 1}
    assert data["c"] == {"x": 1, "y": 2}
    assert data["d"] == {"z": 1, "x": 1, "y": 2}
    assert plain("'<<': 1\n", loader) == {"<<": 1}


@both_loaders
@pytest.mark.parametrize(
    "text,message",
    [
        ("a: 1\n‸a: 2\n", "a: key 'a' is already used in line 1"),
        ("a:\n  - {b: 1, ‸b: 2}\n", "a[0].b: key 'b' is already used in line 2"),
        ("a: [1, 2\nb‸: 3\n", "YAML syntax: "),
        ("a: b‸: c\n", "YAML syntax: mapping values are not allowed"),
        ("‸\ta: 1\n", "YAML syntax: a tab may not indent YAML (indent with spaces)"),
        ("a:\n‸\t- b\n", "YAML syntax: a tab may not indent YAML"),
        ("a: ‸@mysql.x\n", 'text may not begin with @ (quote it: "@mysql.x")'),
        ("a: ‸`x`\n", "text may not begin with `"),
        ("a: ‸%x\n", "text may not begin with %"),
        ("a: 1\n‸---\nb: 2\n", "a second document begins here"),
        ("‸", "the file is empty"),
        ("‸# only a comment\n", "the file is empty"),
        ("a: ‸!!python/object/apply:os.system [x]\n", "is not allowed"),
        ("a: ‸!!binary aGk=\n", "tag !!binary is not allowed"),
        ("a: ‸!custom x\n", "tag !custom is not allowed"),
        ("a: ‸!!set {x}\n", "tag !!set is not allowed"),
        ("a: ‸!!int x\n", "'x' is no !!int"),
        ("a: &x [‸*x]\n", "alias *x stands inside what it names"),
        ("a: ‸*missing\n", "alias *missing is not defined"),
        ("a: &x b\n‸*x : 1\n", "an alias cannot be a key"),
        ("‸&x a: b\n", "a key cannot be an anchor"),
        ("? ‸[a, b]\n: c\n", "a key must be text"),
        ("a: {<<: ‸1}\n", "<< merges mappings"),
        ("a: ‸.inf\n", "no number JSON can hold"),
        ("a: ‸.nan\n", "no number JSON can hold"),
        ("a: ‸1e999\n", "no number JSON can hold"),
        ("a: ‸9007199254740992\n", "too large to be kept exactly"),
        ("a: ‸" + "9" * 5000 + "\n", "too large to be kept exactly"),
        ('a: ‸"x\\0"\n', "the text holds a NUL"),
        ("a: ‸\x07\n", "character U+0007 is not allowed"),
        ("a: x‸\x84\n", "character U+0084 is not allowed"),
    ],
)
def test_what_is_refused_and_where(loader: type, text: str, message: str) -> None:
    _, errors = read(text, loader)
    assert positions(errors) == carets(text)
    assert message in str(errors[0])


def test_half_a_surrogate_pair_is_refused_by_both_parsers() -> None:
    for loader in LOADERS:
        place, errors = read('a: "\\ud800"\n', loader)
        assert len(errors) == 1
        assert place is None or place.node.plain() == {"a": "\ufffd"}


@pytest.mark.parametrize(
    "data,where,message",
    [
        (b"a: x\nbc: \xe9\n", (2, 5), "byte 0xe9 is not UTF-8"),
        (b"\xff\xfea\x00", (1, 1), "byte 0xff is not UTF-8"),
        (b"a: \xed\xa0\x80\n", (1, 4), "is not UTF-8"),
        ("é: ".encode() + b"\xff", (1, 4), "byte 0xff is not UTF-8"),
    ],
)
def test_bytes_that_are_not_utf_8(data: bytes, where: tuple[int, int], message: str) -> None:
    place, errors = read(data)
    assert place is None
    assert positions(errors) == [where]
    assert message in errors[0].message


def test_a_byte_order_mark_is_allowed_at_the_start() -> None:
    place, errors = read(b"\xef\xbb\xbfa: 1\n")
    assert errors == []
    assert place is not None
    assert place.node.plain() == {"a": 1}
    assert place.node.keys["a"] == Mark(1, 1)


@both_loaders
def test_nesting_is_limited(loader: type) -> None:
    for text in ("[" * 100_000, "- " * 100_000, "{a: " * 10_000, "&a [" * 10_000):
        place, errors = read(text, loader)
        assert place is None
        assert len(errors) == 1


@both_loaders
def test_nesting_through_aliases_is_limited(loader: type) -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100))
    place, errors = read(text, loader)
    assert place is None
    assert "nested deeper than 50 levels" in errors[0].message


@both_loaders
def test_an_alias_bomb_is_refused_before_it_is_expanded(loader: type) -> None:
    text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
    )
    place, errors = read(text, loader)
    assert place is None
    assert "more than 50000 values" in errors[0].message


def test_size_is_limited_before_anything_is_parsed() -> None:
    report = Report()
    assert read_yaml(b"a: 1\n", "f.yaml", report, limits=Limits(size=4)) is None
    assert "at most 4 are read" in report.errors[0].message


@both_loaders
@given(data=st.binary(max_size=200))
def test_random_bytes_give_a_tree_or_problems(loader: type, data: bytes) -> None:
    place, errors = read(data, loader)
    assert place is not None or errors


@given(
    data=st.text(
        alphabet=st.sampled_from(list("ab:- \n\t[]{},&*!|>'\"#%@`?<=~.0159\\xuU/é\u2028")),
        max_size=80,
    )
)
def test_random_yaml_means_the_same_to_both_parsers(data: str) -> None:
    found = [read(data.encode(), loader) for loader in LOADERS]
    (one, errors), (other, other_errors) = found
    if one is not None and other is not None:
        assert one.node.plain() == other.node.plain()
        assert bool(errors) == bool(other_errors)
