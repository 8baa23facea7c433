"""envd's `filesystem.Filesystem` service over a sandbox's files; watching is not served."""

import os
import shutil
import stat as modes
from pathlib import Path
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from e2b.envd.filesystem import filesystem_pb as pb
from e2b.envd.filesystem.filesystem_connect import Filesystem

from tests.e2b_server.current import CURRENT


def sandbox_path(path: str) -> Path:
    """Return where a path of the current sandbox lies here: `~` and relative ones are the home's.

    Raises `ConnectError` PERMISSION_DENIED for what the user may not touch.
    """
    sandbox = CURRENT.get().sandbox
    if path == "~" or path.startswith("~/"):
        path = path[2:]
    absolute = os.path.normpath(Path(sandbox.home, path))
    try:
        return sandbox.back_end.host_path(sandbox.box, absolute)
    except PermissionError:
        raise ConnectError(Code.PERMISSION_DENIED, f"permission denied: {path}") from None


class FilesystemService(Filesystem):
    """Serves whichever sandbox the current request belongs to."""

    async def stat(
        self,
        request: pb.StatRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - the service's signature
        /,
    ) -> pb.StatResponse:
        """Describe one entry."""
        path = _existing(request.path)
        return pb.StatResponse(entry=_entry(path, request.path))

    async def list_dir(
        self,
        request: pb.ListDirRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.ListDirResponse:
        """Describe the entries below a directory, to a depth."""
        top = _existing(request.path)
        if not top.is_dir():
            raise ConnectError(Code.INVALID_ARGUMENT, f"path is not a directory: {request.path}")
        depth = max(request.depth, 1)
        found = [p for p in sorted(top.rglob("*")) if len(p.relative_to(top).parts) <= depth]
        shown = [_entry(p, str(Path(request.path, p.relative_to(top)))) for p in found]
        return pb.ListDirResponse(entries=shown)

    async def make_dir(
        self,
        request: pb.MakeDirRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.MakeDirResponse:
        """Make a directory and its parents; ALREADY_EXISTS when it is there."""
        path = sandbox_path(request.path)
        if path.exists():
            raise ConnectError(Code.ALREADY_EXISTS, f"directory already exists: {request.path}")
        path.mkdir(parents=True)
        return pb.MakeDirResponse(entry=_entry(path, request.path))

    async def move(
        self,
        request: pb.MoveRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.MoveResponse:
        """Rename; parents of the destination are made."""
        source, destination = _existing(request.source), sandbox_path(request.destination)
        destination.parent.mkdir(parents=True, exist_ok=True)
        source.rename(destination)
        return pb.MoveResponse(entry=_entry(destination, request.destination))

    async def remove(
        self,
        request: pb.RemoveRequest,
        ctx: RequestContext[Any, Any],  # noqa: ARG002 - as above
        /,
    ) -> pb.RemoveResponse:
        """Remove a file or a whole directory; what is not there is no error."""
        path = sandbox_path(request.path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        return pb.RemoveResponse()


def _existing(path: str) -> Path:
    found = sandbox_path(path)
    if not os.path.lexists(found):
        raise ConnectError(Code.NOT_FOUND, f"file not found: {path}")
    return found


def _entry(path: Path, shown: str) -> pb.EntryInfo:
    facts = path.lstat()
    kind = pb.FileType.FILE
    if path.is_dir():
        kind = pb.FileType.DIRECTORY
    return pb.EntryInfo(
        name=path.name,
        type=kind,
        path=shown,
        size=facts.st_size,
        mode=modes.S_IMODE(facts.st_mode),
        permissions=modes.filemode(facts.st_mode),
        owner="user",
        group="user",
    )
