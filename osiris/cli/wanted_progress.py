"""How a run was to be shown, asked when its command failed before the settings were known."""

import os
from collections.abc import Iterator
from pathlib import Path

from osiris.cli.json_lines import speak_json
from osiris.core.errors import OsirisError

_RUN = "run"
_OPTION = "--progress"
_SETTING = "progress"
_VARIABLE = "OSIRIS_PROGRESS"
_PLACES = ("-C", "--project")


def speak_as_wanted(arguments: list[str]) -> None:
    """Make stderr lines of JSON where the command line, or a setting, asks `osiris run` for it."""
    if _wants_json(arguments):
        speak_json()


def _wants_json(arguments: list[str]) -> bool:
    words, place = list(arguments), Path()
    while words and words[0].startswith("-"):
        option, equals, value = words.pop(0).partition("=")
        if option in _PLACES and (equals or words):
            place = Path(value if equals else words.pop(0))
    if not words or words.pop(0) != _RUN:
        return False
    given = list(_given(words))
    return (given[-1] if given else _set(place)) == "json"


def _given(words: list[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == _OPTION:
            yield value if equals else "".join(words[number + 1 : number + 2])


def _set(place: Path) -> str | None:
    """Return what a setting says, as far as that can be read."""
    from osiris.api import project_file  # noqa: PLC0415 - start-up: other failures need no settings
    from osiris.project import Project  # noqa: PLC0415 - start-up, see above

    if own := os.environ.get(_VARIABLE):
        return own
    project = Project(place.absolute()) if place != Path() else Project.of()
    try:
        if own := project.environment().get(_VARIABLE):
            return own
        found = project_file(project).run.get(_SETTING)
    except OsirisError:
        return None
    return None if found is None else str(found.value)
