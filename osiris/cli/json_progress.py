"""Progress for programs: every record of a run as one JSON object a line, on stderr."""

from osiris.cli.json_lines import level_name
from osiris.cli.screen import note_json
from osiris.core.records import Record
from osiris.remote.record_wire import to_wire


class JsonProgress:
    """Writes `{"ts", "type", …}` for each record, `type` being event, metric, progress or log."""

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        kind, ts, data = to_wire(record)
        if kind == "log":
            data["level"] = level_name(data["level"])
        note_json(kind, data, ts)
