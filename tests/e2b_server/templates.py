"""The part of the REST API that builds templates: it notes what was asked and says "ready"."""

import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2b_server.sandboxes import SandboxStore, TemplateImage

_MEBIBYTES_TO_BEGIN_WITH = 512


@dataclass
class TemplateBuild:
    """A build that was asked for: its name and resources, its steps, the files it was given."""

    name: str
    template_id: str
    build_id: str
    cpu_count: int
    memory_mb: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    image: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)


def with_this_python() -> TemplateImage:
    """Return a template whose Python is this one, with every package that is installed here."""
    packages = [Path(path) for path in sys.path if Path(path).name == "site-packages"]
    return TemplateImage(
        "t-this-python",
        profile=f"export PATH={Path(sys.executable).parent}:$PATH\n",
        readable=(Path(sys.prefix), Path(sys.base_prefix), *packages),
    )


class TemplateRoutes:
    """Builds are kept in `builds`; a test may make the next one fail."""

    def __init__(self, store: SandboxStore) -> None:
        self._store = store
        self.builds: dict[str, TemplateBuild] = {}
        self.fails_with: str | None = None

    def routes(self) -> list[Route]:
        """Return the routes."""
        build = "/templates/{template_id}/builds/{build_id}"
        files = "/templates/{template_id}/files/{digest}"
        return [
            Route("/templates/aliases/{alias}", self.alias, methods=["GET"]),
            Route("/v3/templates", self.request, methods=["POST"]),
            Route(files, self.upload_link, methods=["GET"]),
            Route(files, self.upload, methods=["PUT"]),
            Route("/v2" + build, self.start, methods=["POST"]),
            Route(build + "/status", self.status, methods=["GET"]),
        ]

    async def alias(self, request: Request) -> Response:
        """Say whether there is a template of that name."""
        name = request.path_params["alias"]
        template = self._store.templates.get(name)
        if template is None:
            return JSONResponse({"code": 404, "message": f"alias '{name}' not found"}, 404)
        return JSONResponse({"templateID": template.template_id, "public": False})

    async def request(self, request: Request) -> Response:
        """Open a build."""
        asked = await request.json()
        build = TemplateBuild(
            name=asked["name"],
            template_id="t" + secrets.token_hex(9),
            build_id=secrets.token_hex(16),
            cpu_count=asked.get("cpuCount", 2),
            memory_mb=asked.get("memoryMB", _MEBIBYTES_TO_BEGIN_WITH),
        )
        self.builds[build.template_id] = build
        reply = {"templateID": build.template_id, "buildID": build.build_id, "public": False}
        names = {"names": [build.name], "aliases": [build.name], "tags": []}
        return JSONResponse(reply | names, 202)

    async def upload_link(self, request: Request) -> Response:
        """Say where a file goes that the build copies in."""
        return JSONResponse({"present": False, "url": str(request.url)}, 201)

    async def upload(self, request: Request) -> Response:
        """Take such a file."""
        build = self.builds[request.path_params["template_id"]]
        build.files[request.path_params["digest"]] = await request.body()
        return Response(status_code=200)

    async def start(self, request: Request) -> Response:
        """Build: the template is there at once, unless the build is to fail."""
        asked = await request.json()
        build = self.builds[request.path_params["template_id"]]
        build.steps, build.image = asked.get("steps", []), asked.get("fromImage")
        if self.fails_with is None:
            self._store.templates[build.name] = TemplateImage(
                build.template_id, build.cpu_count, build.memory_mb
            )
        return Response(status_code=202)

    async def status(self, request: Request) -> Response:
        """Say how the build went."""
        parts = request.path_params
        state: dict[str, Any] = {"status": "ready" if self.fails_with is None else "error"}
        if self.fails_with is not None:
            state["reason"] = {"message": self.fails_with}
        ids = {"templateID": parts["template_id"], "buildID": parts["build_id"]}
        return JSONResponse({**ids, **state, "logs": [], "logEntries": []})
