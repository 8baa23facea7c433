"""Progress for programs: every record of a run as one JSON object a line, on stderr."""

import json
import logging

from osiris.cli.screen import note
from osiris.core.record_files import iso_time
from osiris.core.records import Record
from osiris.remote.record_wire import to_wire


class JsonProgress:
    """Writes `{"ts", "type", …}` for each record, `type` being event, metric, progress or log."""

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        kind, ts, data = to_wire(record)
        if kind == "log":
            data["level"] = logging.getLevelName(data["level"]).lower()
        write_line({"ts": iso_time(ts), "type": kind, **data})


def write_line(data: dict[str, object]) -> None:
    """Write one JSON object, in ASCII so that no terminal and no locale can spoil it."""
    note(json.dumps(data, default=str, separators=(",", ":")))
