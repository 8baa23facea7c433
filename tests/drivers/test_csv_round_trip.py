"""What the CSV writer writes, the CSV extractor reads back: value by value, and through a run."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from osiris.components.component import Mode
from osiris.core.csv_format import CsvOptions, CsvSink
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import DataError
from osiris.core.manifest import Step
from osiris.core.run_options import StepOutputs
from osiris.core.step_config import StepConfig, sha256_hex
from tests.support.driver_run import DriverRun, read_scan
from tests.support.pipelines import PipelineBuilder, run_sample

EXTRACTOR = DriverRegistry().component("filesystem.csv_extractor")

_TEXT = st.text(st.sampled_from('a0 ,;"\n\rž#\\N\t'), max_size=6)
_DAYS = st.integers(-719162, 2932896)
_MICROS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "string": (pa.string(), _TEXT),
    "boolean": (pa.bool_(), st.booleans()),
    "tinyint": (pa.int8(), st.integers(-(1 << 7), (1 << 7) - 1)),
    "bigint": (pa.int64(), st.integers(-(1 << 63), (1 << 63) - 1)),
    "ubigint": (pa.uint64(), st.integers(0, (1 << 64) - 1)),
    "double": (pa.float64(), st.floats(allow_nan=False)),
    "float": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "decimal(38,10)": (pa.decimal128(38, 10), st.decimals(-(10**27), 10**27, places=10)),
    "decimal(5,0)": (pa.decimal128(5, 0), st.decimals(-99999, 99999, places=0)),
    "date": (pa.date32(), _DAYS),
    "time": (pa.time64("us"), st.integers(0, 86_399_999_999)),
    "timestamp": (pa.timestamp("us"), _MICROS),
    "timestamptz": (pa.timestamp("us", "UTC"), _MICROS),
}


def _array(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if pa.types.is_temporal(kind):
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array(values, storage).view(kind)
    return pa.array(values, kind)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, str], pa.Table]:
    """Draw the declared types and a table of them."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    rows = draw(st.integers(0, 8))
    columns = {}
    for index, name in enumerate(kinds):
        kind, values = COLUMNS[name]
        cells = st.lists(st.one_of(st.none(), values), min_size=rows, max_size=rows)
        columns[f"c{index}"] = _array(kind, draw(cells))
    return {f"c{i}": name for i, name in enumerate(kinds)}, pa.table(columns)


@settings(deadline=None, max_examples=80)
@given(
    drawn=tables(),
    quoting=st.sampled_from(["strings", "minimal", "all"]),
    delimiter=st.sampled_from(",;\t| "),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    null_text=st.sampled_from(["", "\\N", "NULL"]),
    newline=st.sampled_from(["lf", "crlf"]),
    header=st.booleans(),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[dict[str, str], pa.Table],
    newline: str,
    quoting: str,
    **dialect: Any,
) -> None:
    declared, table = drawn
    if newline == "crlf" and not dialect["header"]:
        # DuckDB takes a line end in a quoted cell of the first record for the file's: an error.
        first = "".join(str(cell) for row in table.slice(0, 1).to_pylist() for cell in row.values())
        assume(set(first).isdisjoint("\r\n"))
    directory = tmp_path_factory.mktemp("csv")
    file = io.BytesIO()
    sink = CsvSink(file, table.schema, CsvOptions(newline=newline, quoting=quoting, **dialect))
    for batch in table.to_batches(max_chunksize=3):
        sink.write(batch)
    sink.close()
    (directory / "t.csv").write_bytes(file.getvalue())
    columns = [{"name": name, "type": kind} for name, kind in declared.items()]
    scan = DriverRun(directory).run(EXTRACTOR, {}, path="t.csv", columns=columns, **dialect)["df"]
    assert read_scan(scan).equals(table)
    assert scan.count() == table.num_rows


@pytest.mark.parametrize("kind", ["double", "float", "integer", "decimal(5,2)"])
@pytest.mark.parametrize("text", ["1_0", "0x1", "1e400", "٣"])
def test_what_other_languages_call_a_number_is_none(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "t.csv").write_text(f"n,x\n1,{text}\n")
    scan = DriverRun(tmp_path).run(EXTRACTOR, {}, path="t.csv", columns={"x": kind})["df"]
    with pytest.raises(DataError, match=rf"t\.csv:2: column 'x': '{text}' does not fit"):
        read_scan(scan)


LINES = ["\r", "\n", "\r\n", "x\ry"]


@pytest.mark.parametrize("cell", LINES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [True, False])
def test_a_line_end_in_the_first_cell_is_not_the_files(
    tmp_path: Path, cell: str, end: str, header: bool
) -> None:
    """Read as it is, or an error: never fewer rows."""
    rows = [("1", cell), ("2", "y")]
    text = "".join(f'{n},"{x}"{end}' for n, x in ([("n", "x")] if header else []) + rows)
    (tmp_path / "t.csv").write_bytes(text.encode())
    columns = [{"name": name, "type": "string"} for name in "nx"]
    scan = DriverRun(tmp_path).run(EXTRACTOR, {}, path="t.csv", columns=columns, header=header)[
        "df"
    ]
    try:
        found = [tuple(row.values()) for row in read_scan(scan).to_pylist()]
    except DataError:
        assert (header, end) == (False, "\r\n")
    else:
        assert found == rows


# --- through the engine ---


def _add(
    builder: PipelineBuilder, step_id: str, component: str, needs: str | None = None, **config: Any
) -> None:
    mode = {"extractor": Mode.READ, "processor": Mode.TRANSFORM, "csv_writer": Mode.WRITE}
    made = StepConfig(
        id=step_id,
        component=component,
        mode=next(m for name, m in mode.items() if component.endswith(name)),
        config=config,
        connection=None,
    )
    data = rfc8785.dumps(made.model_dump(mode="json")) + b"\n"
    builder.cfgs[step_id] = data
    builder.steps.append(
        Step(
            id=step_id,
            component=component,
            mode=made.mode,
            inputs={} if needs is None else {"df": needs},
            cfg_sha256=sha256_hex(data),
        )
    )


def _pipeline(query: str) -> PipelineBuilder:
    builder = PipelineBuilder()
    columns = {"id": "integer"}
    _add(builder, "read", "filesystem.csv_extractor", path="in-*.csv", columns=columns)
    _add(builder, "shape", "duckdb.processor", "read", query=query)
    _add(builder, "write", "filesystem.csv_writer", "shape", path="out.csv")
    return builder


NEED_ALL = [
    "FROM df ORDER BY id",
    "SELECT a.id, b.name FROM df a JOIN df b USING (id) ORDER BY id",
]
NEED_LITTLE = [
    "SELECT id, name FROM df LIMIT 2",
    "SELECT count(*) AS n FROM df WHERE false",
]
NEED_NO_ID = [
    "SELECT name FROM df ORDER BY name",
    "SELECT count(*) AS n FROM df",
    "SELECT name FROM df LIMIT 1",
    "SELECT id FROM df WHERE false",
]
KEPT = ["auto", "csv", "parquet", "none"]


@pytest.mark.parametrize("query", NEED_ALL + NEED_LITTLE)
def test_a_run_reads_shapes_and_writes_files(tmp_path: Path, query: str) -> None:
    (tmp_path / "in-1.csv").write_text("id,name\n1,x\n2,\n")
    (tmp_path / "in-2.csv").write_text('id,name\n3,"y,z"\n')
    evidence = run_sample(tmp_path, _pipeline(query))
    assert evidence.result.ok, evidence.status["error"]
    complete = {e["step_id"]: e for e in evidence.events("step_complete")}
    assert complete["read"]["rows_out"] == 3
    assert complete["shape"]["rows_in"] == {"df": 3}
    written = len((tmp_path / "out.csv").read_text().splitlines()) - 1
    assert complete["write"]["rows_written"] == complete["shape"]["rows_out"] == written


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("query", NEED_NO_ID)
def test_what_no_one_uses_does_not_matter_whatever_is_kept(
    tmp_path: Path, query: str, kept: str
) -> None:
    (tmp_path / "in-1.csv").write_text("id,name\n1,x\n2,y\nbroken,z\n")
    evidence = run_sample(tmp_path, _pipeline(query), step_outputs=StepOutputs(kept))
    assert evidence.result.ok
    assert (tmp_path / "out.csv").exists()
    log = evidence.result.layout.log.read_text()
    assert ("read: its output is not kept" in log) is (kept != "none")
    assert not list((evidence.root / "artifacts" / "read").iterdir())


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("line", ["1,x\n" * 30_000, ""])
@pytest.mark.parametrize("query", ["SELECT id FROM df LIMIT 1", None])
def test_a_value_that_may_be_used_fails_the_step_whatever_is_kept(
    tmp_path: Path, query: str | None, line: str, kept: str
) -> None:
    """How far a LIMIT reads is chance; a table that no step reads is read all the same."""
    (tmp_path / "in-1.csv").write_text("id,name\n" + line + "broken,z\n")
    builder = PipelineBuilder()
    if query is None:
        columns = {"id": "integer"}
        _add(builder, "read", "filesystem.csv_extractor", path="in-*.csv", columns=columns)
    else:
        builder = _pipeline(query)
    evidence = run_sample(tmp_path, builder, step_outputs=StepOutputs(kept))
    assert evidence.state("read") == "failed"
    assert "'broken' does not fit integer" in evidence.status["error"]["message"]


@pytest.mark.parametrize("kept", ["csv", "none"])
@pytest.mark.parametrize(
    "value, why",
    [
        ("'infinity'::DATE", "the date is infinite"),
        ("TIME '24:00'", "24:00:00 is no time of a day"),
    ],
)
def test_a_value_that_csv_cannot_hold_does_not_matter_to_who_does_not_write_it(
    tmp_path: Path, value: str, why: str, kept: str
) -> None:
    builder = PipelineBuilder()
    (tmp_path / "in-1.csv").write_text("id,name\n1,x\n")
    _add(builder, "read", "filesystem.csv_extractor", path="in-*.csv")
    query = f"SELECT {value} AS d FROM df"
    _add(builder, "ever", "duckdb.processor", "read", query=query)
    _add(
        builder,
        "count",
        "duckdb.processor",
        "ever",
        query="SELECT count(d) AS n FROM df",
    )
    _add(builder, "write", "filesystem.csv_writer", "count", path="out.csv")
    evidence = run_sample(tmp_path, builder, step_outputs=StepOutputs(kept))
    assert evidence.result.ok
    assert (tmp_path / "out.csv").read_text() == '"n"\n1\n'
    told = f"ever: its output is not kept: column 'd', row 1: {why}"
    assert (told in evidence.result.layout.log.read_text()) is (kept == "csv")


@pytest.mark.parametrize("query", NEED_ALL + NEED_LITTLE)
@pytest.mark.parametrize(
    "line, fault",
    [("x,y\n", "'x' does not fit integer"), ("7\n", "1 cells where 2"), ('7,"y\n', "quoted cell")],
)
@pytest.mark.parametrize("rows", [0, 50_000])
def test_a_broken_file_fails_the_step_that_reads_it(
    tmp_path: Path, query: str, line: str, fault: str, rows: int
) -> None:
    """Whoever finds it; a query that needs no broken value may have come to its end."""
    (tmp_path / "in-1.csv").write_text("id,name\n1,x\n")
    (tmp_path / "in-2.csv").write_text("id,name\n" + "2,x\n" * rows + line)
    evidence = run_sample(tmp_path, _pipeline(query))
    if "false" in query and line.startswith("x"):
        assert evidence.result.ok
        return
    assert evidence.result.exit_code == 1
    assert evidence.state("read") == "failed"
    if query in NEED_ALL:
        assert [evidence.state(step) for step in ("shape", "write")] == ["skipped", "skipped"]
        assert not (tmp_path / "out.csv").exists()
    error = evidence.status["error"]
    assert error["code"] == "data.invalid"
    assert fault in error["message"]
    assert f"in-2.csv:{rows + 2}" in error["message"]


def test_a_wrong_query_fails_its_own_step(tmp_path: Path) -> None:
    (tmp_path / "in-1.csv").write_text("id,name\n1,x\n")
    evidence = run_sample(tmp_path, _pipeline("SELECT name::INTEGER AS n FROM df"))
    assert evidence.state("shape") == "failed"
    assert evidence.state("write") == "skipped"
    assert evidence.status["error"]["code"] == "data.invalid"
