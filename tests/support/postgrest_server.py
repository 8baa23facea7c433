"""A server that speaks PostgREST's rules over a real PostgreSQL, with faults on demand.

It knows what a writer needs: the description at the root, and inserts with `columns`,
`on_conflict`, `Prefer: resolution, return, count`, profiles and errors, as
https://docs.postgrest.org/en/stable/references/ has them.
"""

import asyncio
import json
import re
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import psycopg
import uvicorn
from psycopg import sql
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.support.postgres import PostgresDatabase

KEY = "service-key-of-the-tests"
_PATIENCE = 30.0
_LONGEST_QUERY = 8000

# SQLSTATE to HTTP status, the longest beginning that fits: PostgREST's "HTTP Status Codes".
_STATUS = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "21": 500,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "53400": 500,
    "54": 500,
    "55": 500,
    "57": 500,
    "57P01": 503,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0001": 400,
    "P0": 500,
    "XX": 500,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "42501": 403,
}
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, NULL)
        WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN format_type(a.atttypid, NULL)
        ELSE format_type(a.atttypid, a.atttypmod) END,
    a.attnotnull,
    CASE WHEN a.attidentity = 'd' THEN 'nextval()' WHEN a.attgenerated = 's' THEN NULL
        ELSE pg_get_expr(d.adbin, d.adrelid) END,
    information_schema._pg_char_max_length(a.atttypid, a.atttypmod),
    (SELECT array_agg(enumlabel::text) FROM pg_enum WHERE enumtypid = t.oid),
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
        AND a.attnum = ANY (i.indkey))
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_TABLES = """
SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v')
"""


@dataclass(frozen=True)
class Fault:
    """What happens to one insert instead of a plain answer.

    Attributes:
        status: the answer's status; None for no answer at all.
        headers: of the answer.
        body: of the answer.
        committed: whether the rows were written all the same.

    """

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "upstream error"
    committed: bool = False


class PostgrestServer:
    """PostgREST over one database; `faults` are used up, one an insert, None for a plain one.

    `inserts` are the numbers of rows asked for, `largest` the most bytes of a body.
    """

    def __init__(self, database: PostgresDatabase, schemas: tuple[str, ...] = ("public",)) -> None:
        self.faults: deque[Fault | None] = deque()
        self.inserts: list[int] = []
        self.largest: int | None = None
        self._database = database
        self._schemas = schemas
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        routes = [
            Route("/rest/v1/", self._describe),
            Route("/rest/v1/{table:path}", self._insert, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes),
            ws="none",
            access_log=False,
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def connection(self) -> dict[str, Any]:
        """How to connect, as `osiris_connections.yaml` writes it, the key in plain text."""
        return {"url": self.url, "key": KEY}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_PATIENCE)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve([self._socket]))

    async def _describe(self, request: Request) -> Response:
        schema = self._allowed(request, "accept-profile")
        if isinstance(schema, Response):
            return schema
        return JSONResponse(await run_in_threadpool(self._openapi, schema))

    async def _insert(self, request: Request) -> Response:
        body = await request.body()
        if len(request.url.query) > _LONGEST_QUERY:
            return PlainTextResponse("URI too long", 414)
        schema = self._allowed(request, "content-profile")
        if isinstance(schema, Response):
            return schema
        if self.largest is not None and len(body) > self.largest:
            return PlainTextResponse("request entity too large", 413)  # the gateway before it
        self.inserts.append(len(json.loads(body)))
        fault = self.faults.popleft() if self.faults else None
        answer: Response | None = None
        if fault is None or fault.committed:
            answer = await run_in_threadpool(self._write, request, schema, body.decode())
        if fault is None:
            assert answer is not None
            return answer
        if fault.status is None:
            await request.receive()  # no answer, however long one waits: until nobody does
        return PlainTextResponse(fault.body, fault.status or 504, fault.headers)

    def _allowed(self, request: Request, header: str) -> str | Response:
        """Return the schema that is meant, or the answer that refuses the request."""
        bearer = request.headers.get("authorization")
        if request.headers.get("apikey") != KEY or bearer != f"Bearer {KEY}":
            return _refusal(401, "PGRST301", "JWSError JWSInvalidSignature")
        schema = request.headers.get(header, self._schemas[0])
        if schema not in self._schemas:
            return _refusal(406, "PGRST106", f"Invalid schema: {schema}")
        return schema

    def _openapi(self, schema: str) -> dict[str, Any]:
        with self._database.admin() as connection:
            tables = connection.execute(_TABLES, [schema]).fetchall()
            return {
                "swagger": "2.0",
                "definitions": {
                    name: _definition(connection.execute(_COLUMNS, [oid]).fetchall())
                    for oid, name in tables
                },
            }

    def _write(self, request: Request, schema: str, body: str) -> Response:
        table = request.path_params["table"]
        with self._database.admin() as connection:
            tables = connection.execute(_TABLES, [schema]).fetchall()
            found = {name: oid for oid, name in tables}
            if table not in found:
                return _refusal(404, "PGRST205", f"Could not find the table '{schema}.{table}'")
            described = connection.execute(_COLUMNS, [found[table]]).fetchall()
            types = {name: nominal for name, nominal, *_ in described}
            given = request.query_params.get("columns")
            columns = list(json.loads(body)[0]) if given is None else _names(given)
            for name in columns:
                if name not in types:
                    return _refusal(400, "PGRST204", f"Could not find the '{name}' column")
            conflict = _names(request.query_params.get("on_conflict", ""))
            shown = _names(request.query_params.get("select", ""))
            statement = _statement(schema, table, columns, types, conflict)
            if shown:
                texts = sql.SQL(", ").join(sql.SQL("{0}::text").format(_name(n)) for n in shown)
                statement += sql.SQL(" RETURNING ") + texts
            try:
                done = connection.execute(statement, [body])
            except psycopg.Error as error:
                return _database_error(error)
            headers = {"content-range": f"*/{done.rowcount}"}
            if "return=representation" in request.headers["prefer"]:
                rows = [dict(zip(shown, row, strict=True)) for row in done.fetchall()]
                return JSONResponse(rows, 201, headers)
        return Response(status_code=201, headers=headers)


def _name(*parts: str) -> sql.Identifier:
    """Return a name as it stands in a statement that has parameters (%s)."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))


def _statement(
    schema: str, table: str, columns: list[str], types: dict[str, str], conflict: list[str]
) -> sql.Composed:
    names = sql.SQL(", ").join(map(_name, columns))
    typed = sql.SQL(", ").join(_name(name) + sql.SQL(" " + types[name]) for name in columns)
    statement = sql.SQL(
        "INSERT INTO {table} ({names})"
        " SELECT {names} FROM json_to_recordset(%s::json) AS _ ({typed})"
    ).format(table=_name(schema, table), names=names, typed=typed)
    if not conflict:
        return statement
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(_name(name)) for name in columns
    )
    keys = sql.SQL(", ").join(map(_name, conflict))
    return statement + sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(keys, changes)


def _names(given: str) -> list[str]:
    """Take a list of quoted names apart."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', given)
    return [re.sub(r"\\(.)", r"\1", name) for name in found]


def _definition(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, _, shown, _, default, length, labels, key in rows:
        described: dict[str, Any] = {"format": shown}
        if default is not None:
            described["default"] = default
        if length is not None:
            described["maxLength"] = length
        if labels is not None:
            described["enum"] = labels
        if shown.endswith("[]"):
            described["items"] = {}
        if key:
            described["description"] = "Note:\nThis is a Primary Key.<pk/>"
        properties[name] = described
    required = [row[0] for row in rows if row[3]]
    return {"type": "object", "required": required, "properties": properties}


def _database_error(error: psycopg.Error) -> Response:
    state = error.sqlstate or "XX000"
    fits = [beginning for beginning in _STATUS if state.startswith(beginning)]
    status = _STATUS[max(fits, key=len)] if fits else 400
    diagnosis = error.diag
    return _refusal(status, state, diagnosis.message_primary or "", diagnosis.message_detail)


def _refusal(status: int, code: str, message: str, details: str | None = None) -> Response:
    body = {"code": code, "message": message, "details": details, "hint": None}
    return JSONResponse(body, status)
