"""What a pipeline compiles to: links, order, bytes, fingerprints."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
import yaml

from osiris.compiler.compile_source import compile_source
from osiris.core.errors import PipelineError
from osiris.core.manifest import Manifest, Step
from osiris.core.step_config import StepConfig
from tests.compiler.pipelines import (
    COMPONENTS,
    CONNECTIONS,
    HEAD,
    SampleRegistry,
    compile_text,
)

READ = "component: rows.maker, mode: read"
SQL = "component: rows.sql, mode: transform, config: {query: SELECT 1}"


def write(path: str) -> str:
    return f"component: file.writer, mode: write, config: {{path: {path}}}"


def steps_of(*steps: str) -> tuple[Step, ...]:
    text = HEAD + "steps:\n" + "".join(f"  - {{{step}}}\n" for step in steps)
    return compile_text(text).require().manifest.steps


GOLDEN_SOURCE = """\
oml_version: 0.1.0
name: golden   # a comment
description: "Every part of a manifest: tabs\\t, quotes \\", é, \\U0001F600, \\u2028."
params:
  day: {type: date}
  rows: 3
steps:
  - id: write
    component: file.writer
    mode: write
    needs: [join]
    config: {path: "out/${params.day}.csv", delimiter: ";"}
    retry: {attempts: 3, delay: 500ms}
    timeout: 5m
  - id: shop
    component: shop.extractor
    mode: read
    config:
      connection: "@shop.main"
      limit: ${LIMIT:-10}
      table: orders
  - id: rows
    component: rows.maker
    mode: read
    needs: [shop]
    config: {rows: "${params.rows}"}
  - id: join
    component: rows.sql
    mode: transform
    inputs: {left: "${shop.df}", b-2: "${rows.df}"}
    config:
      query: |
        SELECT 1
"""
GOLDEN_CFGS = {
    "shop": (
        b'{"component":"shop.extractor","config":{"limit":"${LIMIT:-10}","table":"orders"},'
        b'"connection":{"fields":{"host":"db.example","password":"${SHOP_PASSWORD}",'
        b'"user":"reader"},"ref":"@shop.main"},"id":"shop","mode":"read"}\n'
    ),
    "rows": (
        b'{"component":"rows.maker","config":{"rows":3},"connection":null,"id":"rows",'
        b'"mode":"read"}\n'
    ),
    "join": (
        b'{"component":"rows.sql","config":{"query":"SELECT 1\\n"},"connection":null,'
        b'"id":"join","mode":"transform"}\n'
    ),
    "write": (
        b'{"component":"file.writer","config":{"delimiter":";","path":"out/2024-01-31.csv"},'
        b'"connection":null,"id":"write","mode":"write"}\n'
    ),
}
GOLDEN_MANIFEST = """\
# Compiled by osiris. The fingerprint covers every value: edit the pipeline, not this.
osiris_manifest: 1
name: "golden"
description: "Every part of a manifest: tabs\\t, quotes \\", é, 😀, \\u2028."
oml_version: "0.1.0"
fingerprint: "{fingerprint}"
fingerprints:
  compiler: "{compiler}"
  components: "{components}"
  connections: "sha256:6d38502fc9a89f97163409b41262a09dcf952a01dc5af3c0f3d97dda378d98b6"
  params: "sha256:f97b65b88572646ab9ddc929be74c1c8896be73be53b6439a377deacc8b738e3"
  pipeline: "sha256:84d980407be5bc4ea24bae03ac87385ed53bb84f83e7ec53f6643e849fb4382b"
params:
  day: "2024-01-31"
  rows: 3
variables:
  LIMIT: false
  SHOP_PASSWORD: true
steps:
- id: "shop"
  component: "shop.extractor"
  mode: "read"
  cfg_sha256: "{shop}"
- id: "rows"
  component: "rows.maker"
  mode: "read"
  after:
  - "shop"
  cfg_sha256: "{rows}"
- id: "join"
  component: "rows.sql"
  mode: "transform"
  inputs:
    b-2: "rows"
    left: "shop"
  cfg_sha256: "{join}"
- id: "write"
  component: "file.writer"
  mode: "write"
  inputs:
    df: "join"
  retry:
    attempts: 3
    delay: 0.5
  timeout: 300.0
  cfg_sha256: "{write}"
"""


def golden() -> Any:
    return compile_text(GOLDEN_SOURCE, params={"day": "2024-01-31"}).require()


def test_the_bytes_of_a_compiled_pipeline() -> None:
    compiled = golden()
    assert compiled.cfgs == GOLDEN_CFGS
    shas = {name: hashlib.sha256(data).hexdigest() for name, data in GOLDEN_CFGS.items()}
    # What depends on the version and on pydantic's JSON Schema is put in; the rest is golden.
    parts = compiled.manifest.fingerprints
    expected = GOLDEN_MANIFEST.format(
        fingerprint=compiled.manifest.fingerprint,
        compiler=parts["compiler"],
        components=parts["components"],
        **shas,
    )
    assert compiled.manifest_bytes.decode() == expected


def test_fingerprints_are_sha_256_over_canonical_json() -> None:
    manifest = golden().manifest
    own = rfc8785.dumps(manifest.fingerprints)
    assert manifest.fingerprint == f"sha256:{hashlib.sha256(own).hexdigest()}"
    params = rfc8785.dumps({"day": "2024-01-31", "rows": 3})
    assert manifest.fingerprints["params"] == f"sha256:{hashlib.sha256(params).hexdigest()}"
    assert set(manifest.fingerprints) == {
        "compiler",
        "components",
        "connections",
        "params",
        "pipeline",
    }


def test_other_yaml_readers_read_the_same_manifest() -> None:
    compiled = golden()
    data = yaml.safe_load(compiled.manifest_bytes)
    assert Manifest.model_validate(data) == compiled.manifest
    for step in compiled.manifest.steps:
        config = StepConfig.from_bytes(compiled.cfgs[step.id])
        assert (config.id, config.component, config.mode) == (step.id, step.component, step.mode)
        assert hashlib.sha256(compiled.cfgs[step.id]).hexdigest() == step.cfg_sha256


@pytest.mark.parametrize(
    "old,new",
    [
        ("# a comment", "#another"),
        ("name: golden   ", "name: 'golden' "),
        (
            'path: "out/${params.day}.csv", delimiter: ";"',
            "delimiter: ';', path: 'out/${params.day}.csv'",
        ),
        ("rows: 3\n", "rows: 3   \n\n"),
        ("timeout: 5m", "timeout: 300"),
        ("delay: 500ms", "delay: 0.5, backoff: 2"),
        ('"@shop.main"', "'@shop'"),
        ('{left: "${shop.df}", b-2: "${rows.df}"}', '{b-2: "${rows.df}", left: "${shop.df}"}'),
        ("query: |\n        SELECT 1", 'query: "SELECT 1\\n"'),
        ("name: golden   # a comment\ndescription", "description"),
    ],
)
def test_how_it_is_written_changes_nothing(old: str, new: str) -> None:
    assert old in GOLDEN_SOURCE
    text = GOLDEN_SOURCE.replace(old, new)
    if "name: golden" not in text and "name: 'golden'" not in text:
        text += "name: golden\n"
    other = compile_text(text, params={"day": "2024-01-31"}).require()
    assert other.manifest_bytes == golden().manifest_bytes
    assert other.cfgs == golden().cfgs


@pytest.mark.parametrize(
    "old,new,parts",
    [
        ("name: golden", "name: other", {"pipeline"}),
        ("timeout: 5m", "timeout: 6m", {"pipeline"}),
        ("needs: [join]", "needs: [shop]", {"pipeline"}),
        ("table: orders", "table: items", {"pipeline"}),
        ("  rows: 3", "  rows: 4", {"params", "pipeline"}),
        ("@shop.main", "@shop.other", {"connections", "pipeline"}),
    ],
)
def test_what_it_means_changes_the_fingerprint(old: str, new: str, parts: set[str]) -> None:
    assert old in GOLDEN_SOURCE
    text = GOLDEN_SOURCE.replace(old, new)
    other = compile_text(text, params={"day": "2024-01-31"}).require().manifest
    own = golden().manifest
    changed = {k for k, value in own.fingerprints.items() if other.fingerprints[k] != value}
    assert changed == parts
    assert other.fingerprint != own.fingerprint


def test_a_param_that_is_not_used_still_counts() -> None:
    text = GOLDEN_SOURCE.replace("  rows: 3", "  rows: 3\n  spare: 1")
    own = compile_text(text, params={"day": "2024-01-31"}).require().manifest
    other = compile_text(text, params={"day": "2024-01-31", "spare": "2"}).require().manifest
    assert own.fingerprint != other.fingerprint


def test_the_specification_of_a_component_counts_but_not_its_explanations() -> None:
    class Changed(SampleRegistry):
        def __init__(self, config: Any) -> None:
            self.config = config

        def __getitem__(self, name: str) -> Any:
            found = super().__getitem__(name)
            if name != "rows.maker":
                return found
            return type(found)(name, found.modes, self.config, "x:X", "Other words.")

    def fingerprint(registry: SampleRegistry) -> str:
        result = compile_source(
            GOLDEN_SOURCE.encode(),
            filename="p",
            connections=(CONNECTIONS.encode(), "c"),
            params={"day": "2024-01-31"},
            registry=registry,
        )
        return result.require().manifest.fingerprints["components"]

    config: Any = COMPONENTS["rows.maker"].config
    documented = type("Documented", (config,), {"__doc__": "Other words."})
    stricter = type("Stricter", (config,), {"__annotations__": {"extra": int}, "extra": 1})
    assert fingerprint(SampleRegistry()) == fingerprint(Changed(documented))
    assert fingerprint(SampleRegistry()) != fingerprint(Changed(stricter))


def test_the_name_of_the_file_is_in_no_output() -> None:
    def compiled(filename: str) -> Any:
        return compile_source(
            GOLDEN_SOURCE.encode(),
            filename=filename,
            connections=(CONNECTIONS.encode(), filename),
            params={"day": "2024-01-31"},
            registry=SampleRegistry(),
        ).require()

    assert compiled("a.yaml") == compiled("somewhere/else/b.yaml")


def test_steps_are_in_an_order_in_which_they_can_run_and_ties_are_as_declared() -> None:
    steps = steps_of(
        f"id: w, {write('w')}, needs: [t]",
        f"id: t, {SQL}, needs: [b, a]",
        f"id: z, {READ}",
        f"id: b, {READ}",
        f"id: a, {READ}, needs: [z]",
    )
    assert [step.id for step in steps] == ["z", "b", "a", "t", "w"]


def test_needs_become_inputs_or_an_order_in_time() -> None:
    steps = steps_of(
        f"id: a, {READ}",
        f"id: b, {READ}, needs: [a]",
        f"id: wa, {write('a')}, needs: [a]",
        f"id: wb, {write('b')}, needs: [wa, b]",
        f"id: t, {SQL}, needs: [wb, b, a]",
        f"id: u, {SQL}, needs: [t]",
        f"id: late, {READ}, needs: [wb, wa]",
    )
    found = {step.id: (step.inputs, step.after) for step in steps}
    assert found == {
        "a": ({}, ()),
        "b": ({}, ("a",)),
        "wa": ({"df": "a"}, ()),
        "wb": ({"df": "b"}, ("wa",)),
        "t": ({"a": "a", "b": "b"}, ("wb",)),
        "u": ({"df": "t"}, ()),
        "late": ({}, ("wa", "wb")),
    }


def test_a_step_that_names_nothing_takes_the_step_before_it() -> None:
    steps = steps_of(f"id: a, {READ}", f"id: t, {SQL}", f"id: w, {write('w')}", f"id: b, {READ}")
    assert [step.inputs for step in steps] == [{}, {"df": "a"}, {"df": "t"}, {}]


def test_inputs_name_the_tables() -> None:
    steps = steps_of(f"id: a, {READ}", f"id: t, {SQL}, inputs: {{left: '${{a.df}}'}}")
    assert steps[1].inputs == {"left": "a"}


@pytest.mark.parametrize(
    "written,seconds",
    [("30", 30), ("0.5", 0.5), ("'1.5s'", 1.5), ("250ms", 0.25), ("5m", 300), ("1h", 3600)],
)
def test_durations(written: str, seconds: float) -> None:
    [step] = steps_of(
        f"id: a, {READ}, timeout: {written}, retry: {{attempts: 2, delay: {written}}}"
    )
    assert step.timeout == seconds
    assert step.retry is not None
    assert step.retry.delay == seconds


def test_yes_and_no_mean_what_the_option_needs() -> None:
    text = f"""{HEAD}steps:
  - id: a
    component: shop.extractor
    mode: read
    config: {{connection: '@shop', table: no, strict: yes, limit: "10"}}
"""
    compiled = compile_text(text).require()
    config = json.loads(compiled.cfgs["a"])["config"]
    assert config == {"table": "no", "strict": "yes", "limit": "10"}
    bound = COMPONENTS["shop.extractor"].config.model_validate(
        {**config, "connection": {"user": "x"}}
    )
    assert bound.model_dump(include={"table", "strict", "limit"}) == {
        "table": "no",
        "strict": True,
        "limit": 10,
    }


def test_require_lists_every_problem() -> None:
    result = compile_text("name: 1\nsteps: []\n")
    with pytest.raises(PipelineError) as caught:
        result.require()
    assert caught.value.message.count("\n") == len(result.problems) == 3
    assert all(str(problem) in caught.value.message for problem in result.problems)
