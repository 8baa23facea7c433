"""envd's HTTP side: ranges, signed addresses, joined parts, a full disk, cut transfers."""

import os

import e2b
import httpx
import pytest

from osiris.remote.e2b_errors import row_for
from osiris.remote.errors import SandboxFullError, SandboxUnreachableError
from tests.e2b_server.envd_behaviour import wait_until
from tests.e2b_server.faults import DOWNLOAD, UPLOAD, Fault
from tests.e2b_server.multipart import MultipartReader
from tests.e2b_server.server import E2BServer


def test_a_range_of_a_file(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    sandbox.files.write("x", b"0123456789")
    headers = sandbox.connection_config.sandbox_headers

    def get(wanted: str) -> httpx.Response:
        asked = {**headers, "Range": wanted}
        return httpx.get(server.url + "/files", params={"path": "x"}, headers=asked)

    middle = get("bytes=2-4")
    assert (middle.status_code, middle.content) == (206, b"234")
    assert get("bytes=8-100").content == b"89"
    assert get("bytes=10-20").status_code == 416


def test_signed_addresses(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    named = {"Host": f"49983-{sandbox.sandbox_id}.e2b.app"}
    upload = sandbox.upload_url("signed", use_signature_expiration=60)
    assert httpx.post(upload, files={"file": b"data"}, headers=named).status_code == 200
    download = sandbox.download_url("signed", use_signature_expiration=60)
    assert httpx.get(download, headers=named).content == b"data"
    assert httpx.get(download.replace("signed", "other"), headers=named).status_code == 401
    late = sandbox.download_url("signed", use_signature_expiration=-1)
    assert httpx.get(late, headers=named).status_code == 401
    assert server.log.find("GET", "/files")[-1].status == 401


def test_parts_are_joined_and_removed(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    sandbox.files.write("1", b"one ")
    sandbox.files.write("2", b"two")
    asked = {"source_paths": ["1", "2"], "destination": "both"}
    headers = sandbox.connection_config.sandbox_headers
    httpx.post(server.url + "/files/compose", json=asked, headers=headers).raise_for_status()
    assert sandbox.files.read("both") == "one two"
    assert not sandbox.files.exists("1")


def test_several_files_in_one_upload(sandbox: e2b.Sandbox) -> None:
    written = sandbox.files.write_files(
        [{"path": "a/1", "data": b"one"}, {"path": "b/2", "data": os.urandom(300_000)}]
    )
    assert [entry.name for entry in written] == ["1", "2"]
    assert sandbox.files.read("a/1") == "one"
    assert sandbox.files.get_info("b/2").size == 300_000


@pytest.mark.parametrize("size", [0, 1, 65_535, 1_000_000])
@pytest.mark.parametrize("octets", [True, False])
@pytest.mark.parametrize("gzip", [True, False])
def test_every_byte_arrives(sandbox: e2b.Sandbox, size: int, *, octets: bool, gzip: bool) -> None:
    data = os.urandom(size)
    sandbox.files.write("x", data, use_octet_stream=octets or gzip, gzip=gzip)
    assert bytes(sandbox.files.read("x", format="bytes")) == data


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_multipart_body_is_read_however_it_is_cut(step: int) -> None:
    one, two = b"\r\n--B\r\n--Bounds\r\n", os.urandom(500)
    body = b""
    for letter, content in (("a", one), ("b", two), ("c", b"")):
        header = f'--Boundary\r\nContent-Disposition: form-data; filename="{letter}"\r\n\r\n'
        body += header.encode() + content + b"\r\n"
    body += b"--Boundary--\r\n"
    reader = MultipartReader(b"Boundary")
    got: dict[str, bytes] = {}
    name = ""
    for start in range(0, len(body), step):
        for filename, data in reader.feed(body[start : start + step]):
            name = name if filename is None else filename
            got[name] = got.get(name, b"") + data
    assert got == {"a": one, "b": two, "c": b""}


def test_a_full_disk(server: E2BServer, sandbox: e2b.Sandbox) -> None:
    server.living()[0].disk_full = True
    with pytest.raises(e2b.NotEnoughSpaceException) as caught:
        sandbox.files.write("x", b"y")
    row = row_for(caught.value)
    assert row is not None
    assert row[0] is SandboxFullError


@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_a_cut_upload_leaves_half_a_file(
    server: E2BServer, sandbox: e2b.Sandbox, ending: str
) -> None:
    sandbox.files.write("x", b"o" * 100)
    fault = Fault(UPLOAD, cut_request=2_000_000, ending=ending)
    server.faults.add(fault)
    with pytest.raises((httpx.TransportError, e2b.TimeoutException)) as caught:
        sandbox.files.write("x", b"n" * 8_000_000, use_octet_stream=True)
    row = row_for(caught.value)
    assert row is not None
    assert row[0] is SandboxUnreachableError
    assert wait_until(lambda: 100 < sandbox.files.get_info("x").size < 8_000_000)


@pytest.mark.parametrize("ending", ["rst", "fin"])
def test_a_cut_download_is_noticed(server: E2BServer, sandbox: e2b.Sandbox, ending: str) -> None:
    sandbox.files.write("x", b"n" * 3_000_000)
    fault = Fault(DOWNLOAD, cut_response=1_000_000, ending=ending)
    server.faults.add(fault)
    with pytest.raises((httpx.TransportError, e2b.TimeoutException)) as caught:
        sandbox.files.read("x", format="bytes")
    row = row_for(caught.value)
    assert row is not None
    assert row[0] is SandboxUnreachableError


def test_a_truncated_download_that_claims_to_be_whole(
    server: E2BServer, sandbox: e2b.Sandbox
) -> None:
    sandbox.files.write("x", b"n" * 3_000_000)
    server.faults.add(Fault(DOWNLOAD, truncate=1_000_000))
    assert len(sandbox.files.read("x", format="bytes")) == 1_000_000
