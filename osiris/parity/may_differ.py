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
        self._rules: list[tuple[re.Pattern[str], str]] = []
        for root in dict.fromkeys((directory.absolute(), directory.resolve())):
            self._rule(re.escape(str(root)) + _END, "<run>")
        # The records may have been made elsewhere: in a sandbox, or before the run was moved.
        self._rule(rf"(?:/[^\s/'\"`]+)*/{re.escape(session)}{_END}", "<run>")
        self._rule(rf"\b{re.escape(session)}\b", "<session>")
        for root in dict.fromkeys((directory.absolute(), directory.resolve())):
            project = root.parent.parent
            if root.parent.name == LOGS and project.parent != project:
                self._rule(rf"(?<![\w./-]){re.escape(str(project))}{_END}", "<project>")
        self._rules += [(_COMPILATION, "<compilation>"), (_ADDRESS, " at <address>")]

    def _rule(self, pattern: str, instead: str) -> None:
        self._rules.append((re.compile(pattern), instead))

    def plain(self, text: str) -> str:
        """Return the text without what is this run's own."""
        for pattern, instead in self._rules:
            text = pattern.sub(instead, text)
        return text
