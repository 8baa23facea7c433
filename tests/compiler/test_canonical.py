"""Data as bytes: what is written reads back the same, in every reader of YAML."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.canonical import canonical_json, fingerprint, yaml_text
from osiris.compiler.problem import Report
from osiris.compiler.yaml_reader import read_yaml

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
mappings = st.dictionaries(texts | st.just("<<"), values, min_size=1, max_size=4)


@given(mappings)
def test_our_reader_reads_what_is_written(data: dict[str, Any]) -> None:
    report = Report()
    root = read_yaml(yaml_text(data).encode(), "f", report)
    assert report.errors == []
    assert root is not None
    assert root.node.plain() == data
    assert list(root.node.plain()) == list(data)


@given(mappings)
def test_other_readers_read_what_is_written(data: dict[str, Any]) -> None:
    assert yaml.safe_load(yaml_text(data)) == data


@pytest.mark.parametrize(
    "data,text",
    [
        ({"a": {}, "b": [], "c": None}, "a: {}\nb: []\nc: null\n"),
        ({"a": [[1, [2]], {"b": 3, "c": [4]}]}, "a:\n- - 1\n  - - 2\n- b: 3\n  c:\n  - 4\n"),
        ({"no": "yes", "a b": 1, "1": 2}, '"no": "yes"\n"a b": 1\n"1": 2\n'),
        ({"a": "x: y # z\n\x85\u2028\ufeff"}, 'a: "x: y # z\\n\\u0085\\u2028\\ufeff"\n'),
        ({"a": 1.5, "b": True, "c": "é😀"}, 'a: 1.5\nb: true\nc: "é😀"\n'),
        ({"a": "x" * 500}, f'a: "{"x" * 500}"\n'),
    ],
)
def test_the_form_is_fixed(data: dict[str, Any], text: str) -> None:
    assert yaml_text(data) == text


def test_canonical_json_is_that_of_rfc_8785() -> None:
    # The example of RFC 8785, section 3.2.2, less its number out of the range of JSON.
    data = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert (
        canonical_json(data)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )
    assert json.loads(canonical_json(data)) == data
    assert fingerprint({}) == (
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )
