"""Messages of `logging` that come before a run's records or after them: shown on stderr."""

import logging

from osiris.cli.json_lines import level_name, speaks_json
from osiris.cli.screen import harmless, note, note_json
from osiris.core.log_levels import OURS


class EarlyMessages(logging.Handler):
    """What shows warnings and worse while no handler is there that keeps them.

    A person sees of other libraries only what went wrong in the end, and nothing twice.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message: as a line for people, or as an object like those of the run."""
        text = record.getMessage()
        if speaks_json():
            about = {"level": level_name(record.levelno), "logger": record.name}
            note_json("log", {**about, "message": text, "traceback": None}, record.created)
            return
        library = record.name.partition(".")[0]
        if library != OURS:
            text = f"{library}: {text}"
        if text not in self._shown and (library == OURS or record.levelno >= logging.ERROR):
            self._shown.add(text)
            note(f"warning: {harmless(text)}")


def show_early_messages() -> None:
    """Show them from now on."""
    logging.lastResort = EarlyMessages()
