"""Looking into CSV files."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import osiris
from osiris.core.errors import DataError, UsageError
from osiris.discovery.pipeline import pipeline_of
from tests.contracts.discoverer_contract import rows_of
from tests.support.s3 import BUCKET, S3Server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current directory."""
    (tmp_path / "osiris.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_types_rows_and_the_config_that_reads_them(project: Path) -> None:
    (project / "a.csv").write_text("id,price,day,secret\n1,1.50,2024-01-02,x\n2,,2024-01-03,\n")
    found = osiris.discover("a.csv", samples=5)
    (table,) = found.tables
    assert (found.component, found.connection) == ("filesystem.csv_extractor", None)
    assert (table.kind, table.schema, table.estimated_rows) == ("file", None, 2)
    types = {column.name: (column.native_type, column.arrow_type) for column in table.columns}
    assert types["price"] == ("decimal(18,2)", "decimal128(18, 2)")
    assert types["day"] == ("date", "date32[day]")
    assert rows_of(table)[0]["secret"] == "***"
    assert table.read is not None
    assert table.read["columns"]["id"] == "bigint"


@pytest.mark.parametrize(
    "name,data,options",
    [
        ("a.csv", b"a;b\n1,5;2\n", {"delimiter": ";"}),
        ("a.tsv", b"a\tb\n1\t2\n", {"delimiter": "\t"}),
        ("a.psv", b"a|b\n1|2\n", {"delimiter": "|"}),
        ("a.csv", b'a,b\n"x;y",2\n', {}),
        ("a.csv", b"\xef\xbb\xbfa,b\n1,2\n", {}),
        ("a.txt", "a;b\n1;é\n".encode("utf-16"), {"encoding": "utf-16", "delimiter": ";"}),
    ],
)
def test_how_it_is_written_is_found_out(
    project: Path, name: str, data: bytes, options: dict[str, Any]
) -> None:
    (project / name).write_bytes(data)
    (table,) = osiris.discover(name).tables
    assert [column.name for column in table.columns] == ["a", "b"]
    assert table.read is not None
    assert {k: v for k, v in table.read.items() if k not in {"path", "columns"}} == options


def test_parquet_tells_its_own_types(project: Path) -> None:
    table = pa.table({"tier": pa.array(["a", None]).dictionary_encode(), "email": ["a@b.c", None]})
    pq.write_table(table, project / "a.parquet")
    found = osiris.discover("a.parquet", samples=1)
    assert found.component == "filesystem.parquet_extractor"
    (info,) = found.tables
    tier = info.columns[0]
    assert tier.native_type.startswith("dictionary<")
    assert (tier.arrow_type, tier.nullable, info.estimated_rows) == ("string", True, 2)
    assert rows_of(info) == [{"tier": "a", "email": "***"}]
    assert info.read == {"path": "a.parquet", "columns": ["tier", "email"]}


def test_a_pattern_is_one_table_and_its_size_an_estimate(project: Path) -> None:
    (project / "data").mkdir()
    rows = "".join(f"{i},{'x' * 20}\n" for i in range(10_000))
    for part in ("a", "b"):
        (project / "data" / f"{part}.csv").write_text("id,text\n" + rows)
    (table,) = osiris.discover("data/*.csv").tables
    assert table.name == "data/*.csv"
    assert table.estimated_rows is not None
    assert 18_000 < table.estimated_rows < 22_000


def test_a_path_outside_the_project_is_named_in_full(project: Path, tmp_path: Path) -> None:
    inner = project / "inner"
    inner.mkdir()
    (project / "a.csv").write_text("x\n1\n")
    (table,) = osiris.discover("a.csv", project=inner).tables
    assert table.read is not None
    assert table.read["path"] == str(tmp_path / "a.csv")


def test_files_nobody_reads_and_files_that_are_not_sound(project: Path) -> None:
    with pytest.raises(UsageError, match=r"reads files like a\.xls"):
        osiris.discover("a.xls")
    (project / "a.csv").write_text("")
    with pytest.raises(DataError, match="is empty"):
        osiris.discover("a.csv")


def test_files_in_a_bucket(project: Path, s3: S3Server) -> None:
    for part in ("a", "b"):
        s3.client().put_object(
            Bucket=BUCKET, Key=f"discovery/{part}.csv", Body=b"id;token\n1;x\n2;y\n"
        )
    options = s3.options(prefix="discovery", access_key="${S3_KEY}", secret_key="${S3_SECRET}")
    text = yaml.safe_dump({"connections": {"s3": {"lake": options}}})
    (project / "osiris_connections.yaml").write_text(text)
    (project / ".env").write_text(f"S3_KEY={s3.access_key}\nS3_SECRET={s3.secret_key}\n")
    found = osiris.discover("@s3.lake/*.csv", samples=1)
    assert (found.connection, found.component) == ("@s3.lake", "filesystem.csv_extractor")
    (table,) = found.tables
    assert rows_of(table) == [{"id": 1, "token": "***"}]
    assert table.read is not None
    assert table.read["delimiter"] == ";"
    with pytest.raises(UsageError, match=r"@s3\.lake holds files"):
        osiris.discover("@s3.lake")
    document = pipeline_of([found], "copy")
    (project / "copy.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    done = osiris.run_pipeline("copy.yaml")
    assert done.ok, done.status
    (written,) = (project / "output").iterdir()
    assert len(written.read_text().splitlines()) == 5
