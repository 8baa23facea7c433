"""Messages of `logging` that come before a run's records or after them: shown on stderr."""

import logging

from osiris.cli.json_lines import level_name, speaks_json
from osiris.cli.screen import harmless, note, note_json


class EarlyMessages(logging.Handler):
    """What shows warnings and worse while no handler is there that keeps them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message: as a line for people, or as an object like those of the run."""
        level, text = level_name(record.levelno), record.getMessage()
        if speaks_json():
            data = {"level": level, "logger": record.name, "message": text, "traceback": None}
            note_json("log", data, record.created)
        else:
            note(f"{level}: {harmless(text)}")


def show_early_messages() -> None:
    """Show them from now on."""
    logging.lastResort = EarlyMessages()
