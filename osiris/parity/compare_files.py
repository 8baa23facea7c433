"""Comparing files: which there are, and the bytes of those that must be the same."""

import json
from typing import Any

from osiris.core.layout import RunLayout
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.parity.aspects import Aspect
from osiris.parity.comparison import Findings
from osiris.parity.csv_dialect_of import csv_dialect_of
from osiris.parity.evidence import Evidence
from osiris.parity.file_facts import FILE, FileFact
from osiris.parity.first_difference import first_difference
from osiris.parity.leaves import differing, dotted, leaves
from osiris.parity.may_differ import TRANSPORT_FILES

_LARGEST_CFG = 16 * 1024 * 1024

Room = tuple[Aspect, Aspect]
"""Of a part of the run directory: the aspect of its names and the aspect of its bytes."""

Files = dict[str, FileFact]


def compare_files(a: Evidence, b: Evidence, findings: Findings) -> None:
    """Compare the files of two runs."""
    rooms = _rooms(a.layout)
    for room in dict.fromkeys(rooms.values()):
        one, other = _files(a, room, rooms), _files(b, room, rooms)
        names, contents = room
        for name in sorted({*one, *other}):
            left, right = one.get(name), other.get(name)
            if left is None or right is None or left.kind != right.kind:
                findings.differs(names, name, _told(left), _told(right))
            elif left.sha256 != right.sha256 or left.is_doubtful:
                _compare_contents(contents, left, right, (a, b), findings)
        if contents is not names:
            findings.shows(contents, _bytes(one), _bytes(other))
        findings.shows(names, _amount(one), _amount(other))


def _rooms(layout: RunLayout) -> dict[str, Room]:
    """Return the parts by the name they have at the top of the run directory; "" for the rest."""
    records = (layout.log, layout.debug_log, layout.events, layout.metrics)
    return {
        layout.manifest.name: (Aspect.MANIFEST, Aspect.MANIFEST),
        layout.cfg.name: (Aspect.CFG, Aspect.CONFIG_MATERIALIZATION),
        layout.artifacts.name: (Aspect.ARTIFACTS, Aspect.ARTIFACTS),
        **{path.name: (Aspect.LOGS, Aspect.LOGS) for path in records},
        "": (Aspect.OTHER_FILES, Aspect.OTHER_FILES),
    }


def _files(run: Evidence, room: Room, rooms: dict[str, Room]) -> Files:
    """Return the files of a part; status.json is compared by its members alone."""
    return {
        name: fact
        for name, fact in run.files.items()
        if rooms.get(name.partition("/")[0], rooms[""]) == room
        and name not in TRANSPORT_FILES
        and (name != run.layout.status.name or fact.kind != FILE)
    }


def _compare_contents(
    aspect: Aspect,
    left: FileFact,
    right: FileFact,
    runs: tuple[Evidence, Evidence],
    findings: Findings,
) -> None:
    """Report in which members two configs differ, or where the bytes of two files part ways."""
    name = left.path
    if aspect is Aspect.CONFIG_MATERIALIZATION:
        one, other = (_json(run, name) for run in runs)
        if one is not None and other is not None:
            found = list(differing(leaves(one, runs[0].own), leaves(other, runs[1].own)))
            for path, text_a, text_b in found:
                findings.differs(aspect, f"{name}: {dotted(path)}", text_a, text_b)
            if found:
                return
    place = first_difference(
        *(run.layout.root / name for run in runs), dialect=csv_dialect_of(name, runs[0].layout)
    )
    findings.differs(aspect, name, str(left), str(right), place)


def _json(run: Evidence, name: str) -> Any:
    """Return the data of a JSON file, None when it is none."""
    try:
        return json.loads(read_regular_file(run.layout.root / name, limit=_LARGEST_CFG))
    except (OSError, UnusableFileError, ValueError, RecursionError):
        return None


def _told(file: FileFact | None) -> str | None:
    return None if file is None else str(file)


def _amount(files: Files) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"


def _bytes(files: Files) -> str:
    return f"{sum(fact.size or 0 for fact in files.values()):,} bytes"
