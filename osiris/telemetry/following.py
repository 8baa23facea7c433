"""Who follows a run beside the person who started it, as the environment asks for it."""

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from osiris.core.compiled import CompiledPipeline
from osiris.core.records import Emit, Record
from osiris.version import install_command

_LOG = logging.getLogger("osiris.telemetry")


class Follower(Protocol):
    """Is told every record of one run, quickly and from any thread; never waits for a network."""

    def take(self, record: Record) -> None:
        """Take one record."""

    def close(self) -> None:
        """Send what was not sent yet; bounded in time."""


Make = Callable[[CompiledPipeline, Mapping[str, str]], Follower]


@dataclass(frozen=True)
class _Kind:
    """One kind of follower: any of `variables` asks for it, `off` being "true" refuses it."""

    variables: tuple[str, ...]
    off: str
    target: str
    extra: str


_KINDS = (
    _Kind(
        ("OPENLINEAGE_URL",), "OPENLINEAGE_DISABLED", "osiris.telemetry.lineage:follow", "lineage"
    ),
    _Kind(
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        ),
        "OTEL_SDK_DISABLED",
        "osiris.telemetry.tracing:follow",
        "otel",
    ),
)


@contextmanager
def followed(
    compiled: CompiledPipeline, env: Mapping[str, str], observer: Emit | None
) -> Iterator[Emit | None]:
    """Give the observer of a run: the caller's own, and everyone whom `env` asks for.

    A follower that cannot be made, that fails or whose receiver does not answer is told in the
    program's log and changes nothing else.
    """
    followers = list(_made(compiled, env))
    if not followers:
        yield observer
        return
    try:
        yield _together(followers, observer)
    finally:
        for follower in followers:
            _safely(follower.close)


def _made(compiled: CompiledPipeline, env: Mapping[str, str]) -> Iterator[Follower]:
    for kind in _KINDS:
        wanted = [name for name in kind.variables if env.get(name)]
        if not wanted or env.get(kind.off, "").lower() == "true":
            continue
        module, _, function = kind.target.partition(":")
        try:
            make: Make = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as error:
            command = install_command(kind.extra)
            _LOG.warning("%s is set, but %s is missing: %s", wanted[0], error.name, command)
            continue
        try:
            yield make(compiled, env)
        except Exception as error:  # noqa: BLE001 - a third party's exporter; a run goes on without it
            _LOG.warning("%s is set to what cannot be used: %s", wanted[0], error)


def _together(followers: Sequence[Follower], observer: Emit | None) -> Emit:
    listening = list(followers)

    def emit(record: Record) -> None:
        for follower in list(listening):
            if not _safely(lambda follower=follower: follower.take(record)):  # type: ignore[misc]  # a default argument binds the name
                listening.remove(follower)
        if observer is not None:
            observer(record)

    return emit


def _safely(action: Callable[[], None]) -> bool:
    try:
        action()
    except Exception:  # noqa: BLE001 - as above
        _LOG.warning("telling others of the run failed; it is told no more", exc_info=True)
        return False
    return True
