"""envd's HTTP side: health, uploads, downloads with Range, joining of parts."""

import base64
import gzip
import hashlib
import shutil
import time
from pathlib import Path
from typing import IO, Any

from connectrpc.errors import ConnectError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.e2b_server.current import CURRENT
from tests.e2b_server.filesystem_service import sandbox_path
from tests.e2b_server.multipart import MultipartReader
from tests.e2b_server.sandboxes import TestSandbox

CHUNK = 256 * 1024


def files_application() -> Starlette:
    """Return the routes; the gateway has found the sandbox."""
    return Starlette(
        routes=[
            Route("/health", health),
            Route("/files", download, methods=["GET"]),
            Route("/files", upload, methods=["POST"]),
            Route("/files/compose", compose, methods=["POST"]),
            Route("/envs", environment),
        ],
    )


async def health(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
    """Say that envd is there."""
    return Response(status_code=204)


async def environment(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
    """Give the sandbox's own variables."""
    return JSONResponse(CURRENT.get().sandbox.request.get("envVars") or {})


async def download(request: Request) -> Response:
    """Give a file, or the part of it that Range asks for."""
    given = request.query_params.get("path", "")
    try:
        path = sandbox_path(given)
    except ConnectError as error:
        return _error(403, error.message)
    if not path.exists():
        return _error(404, f"path '{given}' does not exist")
    if not path.is_file():
        return _error(400, f"path '{given}' is a directory")
    response = FileResponse(path, media_type="application/octet-stream")
    response.chunk_size = CHUNK
    response.headers["Vary"] = "Accept-Encoding"
    return response


async def upload(request: Request) -> Response:
    """Write files where they are, truncating first: what is cut half-way stays half a file."""
    if CURRENT.get().sandbox.disk_full:
        async for _chunk in request.stream():
            pass
        return _error(507, "not enough disk space: 0 bytes available")
    kind = request.headers.get("content-type", "")
    try:
        if kind.startswith("multipart/form-data"):
            written = await _upload_parts(request)
        else:
            written = [await _upload_stream(request, request.query_params["path"])]
    except ConnectError as error:
        return _error(403, error.message)
    except ClientDisconnect:
        return Response(status_code=499)
    return JSONResponse(
        [{"path": str(path), "name": Path(path).name, "type": "file"} for path in written]
    )


async def compose(request: Request) -> Response:
    """Join parts into one file and delete them."""
    asked: dict[str, Any] = await request.json()
    sources = [sandbox_path(path) for path in asked["source_paths"]]
    with _opened(asked["destination"]) as target:
        for source in sources:
            with source.open("rb") as file:
                shutil.copyfileobj(file, target, CHUNK)
    for source in sources:
        source.unlink()
    return JSONResponse({"path": asked["destination"]})


async def _upload_stream(request: Request, path: str) -> str:
    unzip = request.headers.get("content-encoding") == "gzip"
    with _opened(path) as file:
        whole = bytearray()
        async for chunk in request.stream():
            if unzip:
                whole += chunk
            else:
                file.write(chunk)
        if unzip:
            file.write(gzip.decompress(whole))
    return path


async def _upload_parts(request: Request) -> list[str]:
    """Write each part; one part goes to `path`, several go where their file names say."""
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"')
    reader = MultipartReader(boundary.encode())
    one_path = request.query_params.get("path")
    written: list[str] = []
    file: IO[bytes] | None = None
    try:
        async for chunk in request.stream():
            for filename, data in reader.feed(chunk):
                if filename is not None:
                    if file is not None:
                        file.close()
                    written.append(one_path or filename)
                    file = _opened(written[-1])
                elif file is not None:
                    file.write(data)
    finally:
        if file is not None:
            file.close()
    return written


def _opened(path: str) -> IO[bytes]:
    target: Path = sandbox_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.open("wb", buffering=0)


def signature_is_right(request: Request, sandbox: TestSandbox) -> bool:
    """Check a signed URL: SHA-256 over path, operation, user, token and expiry."""
    query = request.query_params
    signature, expiry = query.get("signature"), query.get("signature_expiration")
    if signature is None or (expiry is not None and int(expiry) < time.time()):
        return False
    operation = "read" if request.method == "GET" else "write"
    parts = [query.get("path", ""), operation, query.get("username", ""), sandbox.token]
    signed = ":".join(parts if expiry is None else [*parts, expiry])
    digest = hashlib.sha256(signed.encode()).digest()
    return signature == "v1_" + base64.b64encode(digest).rstrip(b"=").decode()


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"code": status, "message": message}, status)
