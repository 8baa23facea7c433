"""Changing one thing in a copy of a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import osiris
from osiris.core.run_options import RunOptions
from osiris.parity.aspects import Aspect

Record = dict[str, Any]
Records = list[Record]
Tampered = dict[str, tuple[Callable[[Path], object], set[Aspect], str]]
"""A change of a run's directory, the aspects in which the run then differs, one of the places."""

RICH = """\
oml_version: 0.1.0
name: rich
steps:
  - {id: make, component: sample.secret_source, mode: read, config: {connection: "@sample.vault"}}
  - id: write
    component: filesystem.csv_writer
    mode: write
    config: {path: out/rows.csv, delimiter: ";", quoting: minimal}
  - id: again
    component: sample.source
    mode: read
    retry: {attempts: 2, delay: 0.001}
    config: {fault: transient, fault_times: 1, counter: tries}
  - {id: keep, component: sample.sink, mode: write, config: {}}
  - {id: bad, component: sample.source, mode: read, config: {fault: config}}
  - {id: lost, component: sample.sink, mode: write, config: {}}
"""

CONNECTIONS = "connections: {sample: {vault: {token: '${VAULT_TOKEN}'}}}\n"


def rich(project: Path) -> Path:
    """Run a pipeline in which a bit of everything happens; return the run's directory.

    The current directory must be the project: the sample counts its tries there.
    """
    (project / "pipeline.yaml").write_text(RICH)
    (project / "osiris_connections.yaml").write_text(CONNECTIONS)
    env = {"VAULT_TOKEN": "a long and secret token"}
    options = RunOptions(jobs=1)
    done = osiris.run_pipeline(project / "pipeline.yaml", project=project, env=env, options=options)
    assert done.exit_code == 1
    return done.layout.root


def records(path: Path) -> Records:
    """Read a file of records."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def edit(name: str, change: Callable[[Records], Any]) -> Callable[[Path], None]:
    """Return what changes the records of a file in place."""

    def run(root: Path) -> None:
        found = records(root / name)
        before = json.dumps(found)
        change(found)
        assert json.dumps(found) != before, "the mutation changed nothing"
        text = "".join(json.dumps(record) + "\n" for record in found)
        (root / name).write_text(text, "utf-8")

    return run


def events(change: Callable[[Records], Any]) -> Callable[[Path], None]:
    """Return what changes the events."""
    return edit("events.jsonl", change)


def metrics(change: Callable[[Records], Any]) -> Callable[[Path], None]:
    """Return what changes the metrics."""
    return edit("metrics.jsonl", change)


def status(change: Callable[[Record], Any]) -> Callable[[Path], None]:
    """Return what changes status.json in place."""

    def run(root: Path) -> None:
        found = json.loads((root / "status.json").read_text("utf-8"))
        before = json.dumps(found)
        change(found)
        assert json.dumps(found) != before, "the mutation changed nothing"
        (root / "status.json").write_text(json.dumps(found), "utf-8")

    return run


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return what replaces a text in a file, once."""

    def run(root: Path) -> None:
        text = (root / name).read_text("utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new, 1), "utf-8")

    return run


def cut(name: str, size: int) -> Callable[[Path], None]:
    """Return what cuts a file to a size, or by as many bytes as a negative size says."""

    def run(root: Path) -> None:
        data = (root / name).read_bytes()
        (root / name).write_bytes(data[:size])

    return run


def made(name: str) -> Callable[[Path], None]:
    """Return what makes an empty file."""

    def run(root: Path) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch(exist_ok=False)

    return run


def linked(name: str) -> Callable[[Path], None]:
    """Return what puts a link to a file in the file's place."""

    def run(root: Path) -> None:
        elsewhere = root.parent / "elsewhere"
        (root / name).rename(elsewhere)
        (root / name).symlink_to(elsewhere)

    return run


def at(found: Records, name: str, step: str | None = None, **members: Any) -> int:
    """Return the position of the first event or metric of a name."""
    for index, record in enumerate(found):
        called = record.get("event", record.get("metric")) == name
        of_step = record.get("step_id", record.get("tags", {}).get("step")) == step
        if called and of_step and members.items() <= record.items():
            return index
    raise LookupError(name, step)


def put(name: str, step: str | None = None, /, **members: Any) -> Callable[[Records], Any]:
    """Return what sets members of the first record of a name."""
    return lambda found: found[at(found, name, step)].update(members)


def drop(name: str, step: str | None = None) -> Callable[[Records], Any]:
    """Return what removes the first record of a name."""
    return lambda found: found.pop(at(found, name, step))


def double(name: str, step: str | None = None) -> Callable[[Records], Any]:
    """Return what puts the first record of a name there twice."""
    return lambda found: found.insert(at(found, name, step), found[at(found, name, step)])


def swap(name: str, other: str, step: str | None = None) -> Callable[[Records], Any]:
    """Return what exchanges the places of two records."""

    def change(found: Records) -> None:
        i, j = at(found, name, step), at(found, other, step)
        found[i], found[j] = found[j], found[i]

    return change


def move(name: str, step: str, before: str) -> Callable[[Records], Any]:
    """Return what puts a step's event before one of the run."""

    def change(found: Records) -> None:
        record = found.pop(at(found, name, step))
        found.insert(at(found, before), record)

    return change
