"""Finding out what a connection or files hold, from their names on a command line."""

import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from osiris.compiler.problem import did_you_mean, one_of
from osiris.components.component import Component, Mode
from osiris.components.registry import ComponentRegistry
from osiris.connections import (
    ConnectionView,
    connection_views,
    filled,
    masker_of,
    without_secrets,
)
from osiris.core.cancel import CancelToken
from osiris.core.discovery import Discoverer, FileDiscoverer, Found, TableInfo, Wanted
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import ComponentError, OsirisError, StepTimeoutError, UsageError
from osiris.core.masking import Masker
from osiris.discovery.result import DiscoveredColumn, Discovery
from osiris.discovery.sensitive_names import is_sensitive
from osiris.project import Project


def discover_connection(
    ref: str, project: Project, env: Mapping[str, str], wanted: Wanted, reveal: Collection[str] = ()
) -> Discovery:
    """Look into what a connection of the project leads to.

    `@s3.alias/path` are files behind a connection that holds some. Raises `UsageError` for a
    connection, schema or table that is not there, what `filled` raises, and `StepError` for what
    the database refuses.
    """
    ref, _, path = ref.partition("/")
    view = connection_views(project, env).named(ref)
    masker = masker_of(view, env)
    connection = filled(view, env)
    if path or connection.holds_files:
        return _stored_files(view, path, replace(wanted, connection=connection), reveal, masker)
    component, driver = _discoverer(view.components, view.ref)
    try:
        found = driver.discover(connection, wanted)
    except OsirisError as error:
        raise without_secrets(error, masker) from error.__cause__
    _check(found, wanted, view.ref)
    return _shown(view.ref, component, view.ref, found, reveal, masker)


def discover_files(path: str, wanted: Wanted, reveal: Collection[str] = ()) -> Discovery:
    """Look into the files that a path or pattern, relative to `wanted.base_dir`, names.

    Raises `UsageError` for files no installed component reads, and `StepError`.
    """
    component, driver = _file_discoverer(_reading_files(DriverRegistry()), path)
    found = driver.discover_files(path, wanted)
    if any(table.kind != "file" for table in found.tables) or not found.tables:
        _check(found, wanted, path)
    return _shown(path, component, None, found, reveal, Masker())


def _stored_files(
    view: ConnectionView, path: str, wanted: Wanted, reveal: Collection[str], masker: Masker
) -> Discovery:
    if not wanted.connection.holds_files:
        raise UsageError(f"{view.ref} holds tables", hint=f"leave the path out: {view.ref}")
    if not path:
        raise UsageError(f"{view.ref} holds files", hint=f"name some: {view.ref}/data/*.csv")
    component, driver = _file_discoverer(view.components, path)
    try:
        found = driver.discover_files(path, wanted)
    except OsirisError as error:
        raise without_secrets(error, masker) from error.__cause__
    return _shown(f"{view.ref}/{path}", component, view.ref, found, reveal, masker)


def _file_discoverer(
    components: Iterable[Component], path: str
) -> tuple[Component, FileDiscoverer]:
    registry = DriverRegistry()
    for component in components:
        driver: Any = registry.driver(component.name) if Mode.READ in component.modes else None
        if isinstance(driver, FileDiscoverer) and driver.takes(path):
            return component, driver
    raise UsageError(
        f"no installed component reads files like {path}",
        hint="name a connection (@family.alias), or a file whose suffix tells what it is (.csv)",
    )


@contextmanager
def bounded(wanted: Wanted) -> Iterator[Wanted]:
    """Give `wanted` a directory for temporary files and an end: `wanted.seconds` from now."""
    late = StepTimeoutError(
        f"it took longer than {wanted.seconds:g} s",
        hint="ask for less, or give it more time (--timeout, in Python seconds=)",
    )
    cancelled = CancelToken(wanted.cancelled)
    timer = threading.Timer(wanted.seconds, cancelled.cancel, (late,))
    timer.daemon = True
    timer.start()
    try:
        with tempfile.TemporaryDirectory(prefix="osiris-discover-") as spill:
            yield replace(wanted, cancelled=cancelled, spill_dir=Path(spill))
    finally:
        timer.cancel()


def _discoverer(components: tuple[Component, ...], ref: str) -> tuple[Component, Discoverer]:
    registry = DriverRegistry()
    # What reads comes first: its types are those that are shown.
    for component in sorted(components, key=lambda c: Mode.READ not in c.modes):
        driver: Any = registry.driver(component.name)
        if isinstance(driver, Discoverer):
            return component, driver
    raise ComponentError(
        f"no installed component can look into {ref}",
        hint="`osiris components list` shows what is installed",
    )


def _reading_files(registry: DriverRegistry) -> Iterator[Component]:
    for name in ComponentRegistry().names():
        try:
            component = registry.component(name)
        except ComponentError:
            continue  # `osiris components list` says so
        if not component.needs_connection and Mode.READ in component.modes:
            yield component


def _check(found: Found, wanted: Wanted, ref: str) -> None:
    """Raise `UsageError` for a schema or table that was named and is not there."""
    folded = {schema.lower() for schema in found.schemas}
    if wanted.schema is not None and wanted.schema.lower() not in folded:
        raise UsageError(
            f"{ref} has no schema {wanted.schema!r} that this user may see",
            hint=did_you_mean(wanted.schema, found.schemas) or one_of(found.schemas),
        )
    for name in wanted.tables:
        if not any(replace(wanted, tables=(name,)).wants(there) for there in found.names):
            raise UsageError(
                f"{ref} has no table {name!r} that this user may see",
                hint=did_you_mean(name, found.names) or one_of(found.names),
            )


def _shown(
    target: str,
    component: Component,
    ref: str | None,
    found: Found,
    reveal: Collection[str],
    masker: Masker,
) -> Discovery:
    tables = tuple(_without_secrets(table, reveal, masker) for table in found.tables)
    return Discovery(target, component.name, ref, tables)


def _without_secrets(table: TableInfo, reveal: Collection[str], masker: Masker) -> TableInfo:
    columns = tuple(
        DiscoveredColumn.of(c, masked=c.name not in reveal and is_sensitive(c.name))
        for c in table.columns
    )
    samples = table.samples
    if samples is not None:
        from osiris.discovery.masked_rows import (  # noqa: PLC0415 - only samples need Arrow
            masked,
        )

        samples = masked(samples, [column.name for column in columns if column.masked], masker)
    problems = tuple(masker.text(problem) for problem in table.problems)
    return replace(table, columns=columns, samples=samples, problems=problems)
