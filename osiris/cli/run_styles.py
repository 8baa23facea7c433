"""How states of runs and steps are coloured."""

from typing import Final

from osiris.cli.screen import Style

STYLES: Final[dict[str, Style]] = {
    "completed": "good",
    "failed": "bad",
    "crashed": "bad",
    "unknown": "bad",
    "skipped": "warn",
    "cancelled": "warn",
}
