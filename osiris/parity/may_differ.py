"""All that may differ between two runs of the same thing; whatever is not named here must not."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.core import events as ev
from osiris.core.layout import COMPILE_PREFIX, LOGS, RunLayout
from osiris.core.record_lines import seconds

TRANSPORT = "sandbox_"
"""How the names of events begin that only exist because of a transport."""

EVENT_FIELDS: Mapping[str, frozenset[str]] = {
    ev.AdapterSelected.name: frozenset({"adapter"}),
    ev.SessionInitialized.name: frozenset({"jobs"}),
    ev.ArtifactPublished.name: frozenset({"how"}),
}
"""Fields of events that say where the run ran, how many steps at once, and how a file was put."""

STATUS_IDENTITY = frozenset(
    {
        "adapter",
        "osiris_version",
        "host",
        "pid",
        "process_start",
        "started_at",
        "finished_at",
        "duration_seconds",
    }
)
"""Members of status.json that say which run it was, where and when."""

MAY_BE_NULL = frozenset({"process_start"})
"""Those of them that are not known everywhere."""

STEP_TIMES = frozenset({"started_at", "finished_at", "duration_ms"})
"""Members of a step in status.json that are times."""

TRANSPORT_FILES = frozenset({RunLayout(Path()).commands.name})
"""Files of the run directory that only runs in a sandbox have."""

_COMPILATION = re.compile(rf"\b{COMPILE_PREFIX}\d{{8}}T\d{{6}}Z_[0-9a-f]{{4}}\b")
_ADDRESS = re.compile(r" at 0x[0-9a-f]{6,16}\b")
_NOT_IN_PATHS = " \t\r\n'\"`"
_END = r"(?=$|[/\s'\"`:,;)\]])"


def any_of_kind(value: Any, *, or_null: bool = False) -> Any:
    """Return what stands for a value that may be any other text or number, or null as well."""
    is_text, is_number = isinstance(value, str), type(value) in {int, float}
    if or_null and (is_text or is_number or value is None):
        return "(any)"
    return "(text)" if is_text else "(number)" if is_number else value


def without_session(record: Mapping[str, Any], session: str) -> dict[str, Any]:
    """Return a record without the id of the run, if that is this one; it must have one."""
    data = {"session": None, **record}
    if data["session"] == session:
        del data["session"]
    return data


def without_stamp(record: Mapping[str, Any], session: str) -> dict[str, Any]:
    """Return a record without the id of the run and its time; it must have both."""
    data = {"ts": None, **without_session(record, session)}
    if seconds(data["ts"]) is not None:
        del data["ts"]
    return data


class OwnNames:
    """The names that are one run's own: its id, directory and project, wherever they stand.

    `plain` puts the same words in place of them in every run's texts, and in place of the id of
    the compilation and of addresses in memory (`<object at 0x7f…>`).
    """

    def __init__(self, directory: Path, session: str) -> None:
        self._session = session
        self._after_session = re.compile(re.escape(session) + _END)
        places = dict.fromkeys((directory.absolute(), directory.resolve()))
        self._runs = [re.compile(re.escape(str(root)) + _END) for root in places]
        self._rest = [(re.compile(rf"\b{re.escape(session)}\b"), "<session>")]
        for root in places:
            project = root.parent.parent
            if root.parent.name == LOGS and project.parent != project:
                pattern = re.compile(rf"(?<![\w./-]){re.escape(str(project))}{_END}")
                self._rest.append((pattern, "<project>"))
        self._rest += [(_COMPILATION, "<compilation>"), (_ADDRESS, " at <address>")]

    def plain(self, text: str) -> str:
        """Return the text without what is this run's own."""
        if not any(sign in text for sign in ("/", self._session, COMPILE_PREFIX, " at 0x")):
            return text  # most are names, numbers and digests
        for pattern in self._runs:
            text = pattern.sub("<run>", text)
        text = self._without_paths(text)
        for pattern, instead in self._rest:
            text = pattern.sub(instead, text)
        return text

    def _without_paths(self, text: str) -> str:
        """Take out paths that end with the run's id: in a sandbox, or from before it was moved."""
        *heads, last = self._after_session.split(text)
        kept = []
        for head in heads:
            if not head.endswith("/"):
                kept += [head, self._session]
                continue
            word = max(head.rfind(char) for char in _NOT_IN_PATHS) + 1
            kept += [head[: head.index("/", word)], "<run>"]
        return "".join((*kept, last))
