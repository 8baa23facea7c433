"""CSV as a whole: quoting, NULL, delimiters, encodings, and the same bytes however batched."""

import csv
import io
from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.core.csv_format import CsvOptions, CsvSink
from osiris.core.errors import DataError

QUOTINGS = ("strings", "minimal", "all", "none")
TABLE = pa.table(
    {
        "id": pa.array([1, None, 3], pa.int64()),
        "text": ["plain", "", None],
        "n": pa.array([Decimal("1e-8"), None, Decimal(2)], pa.decimal128(18, 8)),
    }
)


def csv_bytes(table: pa.Table, *, rows: int | None = None, **options: Any) -> bytes:
    """Return a table as CSV, written in batches of at most `rows` rows."""
    file = io.BytesIO()
    sink = CsvSink(file, table.schema, CsvOptions(**options))
    for batch in table.to_batches(max_chunksize=rows):
        sink.write(batch)
    sink.close()
    return file.getvalue()


def read_back(data: bytes, **options: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True, **options))


def texts(*values: str | None) -> pa.Table:
    return pa.table({"a": pa.array(values, pa.string()), "z": [0] * len(values)})


# --- quoting and NULL ---


@pytest.mark.parametrize(
    "quoting, expected",
    [
        ("strings", '"id","text","n"\n1,"plain",0.00000001\n,"",\n3,,2.00000000\n'),
        ("minimal", 'id,text,n\n1,plain,0.00000001\n,"",\n3,,2.00000000\n'),
        ("all", '"id","text","n"\n"1","plain","0.00000001"\n,"",\n"3",,"2.00000000"\n'),
    ],
)
def test_what_each_quoting_quotes(quoting: str, expected: str) -> None:
    assert csv_bytes(TABLE, quoting=quoting).decode() == expected


@pytest.mark.parametrize("quoting", ["strings", "minimal", "all"])
@pytest.mark.parametrize("null_text", ["", "NULL", "\\N", "ž"])
def test_null_and_its_text_stay_apart(quoting: str, null_text: str) -> None:
    data = csv_bytes(texts(None, null_text, ""), quoting=quoting, null_text=null_text)
    cells = [line.rsplit(",", 1)[0] for line in data.decode().splitlines()[1:]]
    assert cells == [null_text, f'"{null_text}"', '""']


@pytest.mark.parametrize("text", ['"', ",", "\n", "\r", "a\r\nb", "", " a", "a ", '""', "NULL"])
def test_minimal_quotes_what_would_be_misread(text: str) -> None:
    data = csv_bytes(texts("x", text, "007"), quoting="minimal", null_text="NULL").decode()
    doubled = text.replace('"', '""')
    assert data == f'a,z\nx,0\n"{doubled}",0\n007,0\n'


@pytest.mark.parametrize("text", ['"', ",", "\n", "\r", "", "NULL"])
def test_a_text_that_needs_quotes_and_gets_none_names_its_cell(text: str) -> None:
    table = texts("x", None, text)
    with pytest.raises(DataError, match=r"column 'a', row 3: .* needs quotes"):
        csv_bytes(table, quoting="none", null_text="NULL", rows=1)


def test_a_long_text_that_needs_quotes_is_shown_in_part() -> None:
    with pytest.raises(DataError) as raised:
        csv_bytes(texts('"' + "x" * 100_000), quoting="none")
    assert len(raised.value.message) < 200


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a\nb"])
def test_names_are_quoted_like_texts(name: str) -> None:
    table = pa.table({name: [1], "z": [2]})
    for quoting in ("strings", "minimal", "all"):
        assert read_back(csv_bytes(table, quoting=quoting)) == [[name, "z"], ["1", "2"]]
    with pytest.raises(DataError, match="the header"):
        csv_bytes(table, quoting="none")
    assert csv_bytes(table, quoting="none", header=False) == b"1,2\n"


@pytest.mark.parametrize("quoting", QUOTINGS)
def test_no_rows_are_a_header(quoting: str) -> None:
    for table in (TABLE.slice(0, 0), TABLE.schema.empty_table()):
        names = csv_bytes(table, quoting=quoting).decode().replace('"', "")
        assert names == "id,text,n\n"
        assert csv_bytes(table, quoting=quoting, header=False) == b""


def test_no_columns_are_an_error() -> None:
    with pytest.raises(DataError, match="without columns"):
        CsvSink(io.BytesIO(), pa.schema([]), CsvOptions())


@pytest.mark.parametrize("quoting", QUOTINGS)
def test_one_column_of_nulls_loses_no_row(quoting: str, tmp_path: Path) -> None:
    """NULL alone is an empty line, which these readers take for a row."""
    data = csv_bytes(pa.table({"a": ["x", None, None, "y", None]}), quoting=quoting)
    assert data.count(b"\n") == 6
    assert [row or [""] for row in read_back(data)[1:]] == [["x"], [""], [""], ["y"], [""]]
    (tmp_path / "a.csv").write_bytes(data)
    options = "header=true, auto_detect=false, columns={'a': 'VARCHAR'}"
    rows = duckdb.execute(f"FROM read_csv('{tmp_path}/a.csv', {options})").fetchall()
    assert rows == [("x",), (None,), (None,), ("y",), (None,)]


# --- delimiters, line ends, encodings ---


@pytest.mark.parametrize("delimiter", list(",;\t|: /_#'&^~*"))
@pytest.mark.parametrize("quoting", ["strings", "minimal", "all"])
def test_every_delimiter(delimiter: str, quoting: str) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    table = pa.table(
        {
            "t": [time(1, 2, 3)],
            "m": pa.array([moment], pa.timestamp("s", "UTC")),
            "x": [f"a{delimiter}b"],
            "n": pa.array([Decimal("-1e-9")], pa.decimal128(18, 9)),
            "f": [1e-30],
            "b": [True],
        }
    )
    rows = read_back(csv_bytes(table, delimiter=delimiter, quoting=quoting), delimiter=delimiter)
    assert rows[1] == [
        "01:02:03.000000",
        "2024-01-02 03:04:05Z",
        f"a{delimiter}b",
        "-0.000000001",
        "1e-30",
        "true",
    ]


def test_a_time_cannot_stand_unquoted_between_colons() -> None:
    with pytest.raises(DataError, match=r"column 't', row 1: '01:02:03\.000000' needs quotes"):
        csv_bytes(pa.table({"t": [time(1, 2, 3)]}), delimiter=":", quoting="none")


@pytest.mark.parametrize("quoting", QUOTINGS)
def test_crlf_ends_every_line(quoting: str) -> None:
    data = csv_bytes(texts("x", "y"), newline="crlf", quoting=quoting)
    assert data.replace(b'"', b"") == b"a,z\r\nx,0\r\ny,0\r\n"
    assert data.count(b"\r\n") == data.count(b"\n") == 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1250"])
@pytest.mark.parametrize("quoting", ["strings", "minimal"])
def test_an_encoding_has_one_bom_and_all_the_text(encoding: str, quoting: str) -> None:
    table = texts("ž", None, "é")
    data = csv_bytes(table, encoding=encoding, quoting=quoting, rows=1)
    assert data == csv_bytes(table, quoting=quoting).decode().encode(encoding)


def test_a_stateful_encoding_is_brought_to_its_end() -> None:
    table = texts("日本", None, "語")
    data = csv_bytes(table, encoding="iso2022_jp", rows=1)
    assert data.decode("iso2022_jp") == csv_bytes(table).decode()


@pytest.mark.parametrize("rows", [1, 2, None])
def test_a_character_that_does_not_exist_names_its_cell(rows: int | None) -> None:
    table = texts("a", None, "b", "č", "č")
    with pytest.raises(DataError, match=r"column 'a', row 4: 'č' \(U\+010D\) .* in latin-1"):
        csv_bytes(table, encoding="latin-1", rows=rows)
    with pytest.raises(DataError, match="the header: 'č'"):
        csv_bytes(pa.table({"č": [1]}), encoding="latin-1")


# --- batches ---

CELLS = st.one_of(st.none(), st.text(st.sampled_from('a0 ,;"\n\rž\\N'), max_size=5))


@settings(deadline=None)
@given(
    values=st.lists(st.tuples(CELLS, CELLS), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    quoting=st.sampled_from(["strings", "minimal", "all"]),
    delimiter=st.sampled_from(",; "),
    null_text=st.sampled_from(["", "\\N"]),
    newline=st.sampled_from(["lf", "crlf"]),
)
def test_the_bytes_depend_on_the_rows_alone(
    values: list[tuple[str | None, str | None]], cuts: list[int], **options: Any
) -> None:
    """Any batches make the same file, and Python's csv module reads the same texts from it."""
    columns = [pa.array([row[i] for row in values], pa.string()) for i in (0, 1)]
    table = pa.table({"a": columns[0], "b": columns[1]})
    file = io.BytesIO()
    sink = CsvSink(file, table.schema, CsvOptions(**options))
    ends = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    for start, end in pairwise(ends):
        for batch in table.slice(start, end - start).to_batches():
            sink.write(batch)
    sink.close()
    assert file.getvalue() == csv_bytes(table, **options)
    null = options["null_text"]
    expected = [[null if cell is None else cell for cell in row] for row in values]
    assert read_back(file.getvalue(), delimiter=options["delimiter"])[1:] == expected


@settings(deadline=None, max_examples=50)
@given(values=st.lists(st.tuples(CELLS, CELLS), max_size=12), quoting=st.sampled_from(QUOTINGS[:3]))
def test_duckdb_reads_the_same_rows_with_null_and_empty_apart(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[tuple[str | None, str | None]],
    quoting: str,
) -> None:
    columns = [pa.array([row[i] for row in values], pa.string()) for i in (0, 1)]
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(csv_bytes(pa.table(columns, ["a", "b"]), quoting=quoting))
    options = (
        "header=true, auto_detect=false, columns={'a': 'VARCHAR', 'b': 'VARCHAR'}, "
        "quote='\"', escape='\"', allow_quoted_nulls=false, new_line='\\n'"
    )
    assert duckdb.execute(f"FROM read_csv('{path}', {options})").fetchall() == values


def test_many_rows_are_one_header_and_all_rows() -> None:
    table = pa.table({"n": pa.array(range(100_000), pa.int32())})
    expected = '"n"\n' + "".join(f"{n}\n" for n in range(100_000))
    for rows in (None, 8192, 33_333):
        assert csv_bytes(table, rows=rows).decode() == expected
