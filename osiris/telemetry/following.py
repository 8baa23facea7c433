"""Who follows a run beside the person who started it, as the environment asks for it."""

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from osiris.core.compiled import CompiledPipeline
from osiris.core.layout import RunLayout
from osiris.core.records import Emit, Record
from osiris.version import install_command

_LOG = logging.getLogger("osiris.telemetry")


class Follower(Protocol):
    """Is told every record of one run, quickly and from any thread; never waits for a network."""

    def begin(self, run: RunLayout, adapter: str) -> None:
        """Learn which run it is, before its first record."""

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


class Following:
    """Those who follow one run, and the caller's own observer.

    What goes wrong with one of them ends its following, not the run.
    """

    def __init__(self, followers: Sequence[Follower], observer: Emit | None) -> None:
        self._followers = list(followers)
        self._observer = observer

    @property
    def emit(self) -> Emit | None:
        """The observer of the run: one that tells all of them, where there are any."""
        return self._tell if self._followers else self._observer

    def begin(self, run: RunLayout, adapter: str) -> None:
        """Tell them which run it is."""
        self._each(lambda follower: follower.begin(run, adapter))

    def _tell(self, record: Record) -> None:
        self._each(lambda follower: follower.take(record))
        if self._observer is not None:
            self._observer(record)

    def _each(self, action: Callable[[Follower], None]) -> None:
        for follower in list(self._followers):
            if not _safely(partial(action, follower)):
                self._followers.remove(follower)


@contextmanager
def followed(
    compiled: CompiledPipeline, env: Mapping[str, str], observer: Emit | None
) -> Iterator[Following]:
    """Give everyone who follows a run: the caller's observer, and whom `env` asks for.

    A follower that cannot be made, that fails or whose receiver does not answer is told in the
    program's log and changes nothing else.
    """
    followers = list(_made(compiled, env))
    try:
        yield Following(followers, observer)
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


def _safely(action: Callable[[], None]) -> bool:
    try:
        action()
    except Exception:  # noqa: BLE001 - as above
        _LOG.warning("telling others of the run failed; it is told no more", exc_info=True)
        return False
    return True
