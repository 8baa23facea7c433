"""Where a step's finished file goes: a path of this machine, or an object of a bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris.components.component import Component, OutputPath, TargetPath
from osiris.components.marked_fields import marked
from osiris.components.s3_connection import S3Connection
from osiris.core.placeholders import fill
from osiris.core.step_config import StepConfig, bind


@dataclass(frozen=True)
class BucketTarget:
    """An object of a bucket; two are the same when they are the same object.

    Attributes:
        url: the object's name for people, such as `s3://bucket/key`.
        place: the host and port of the store.
        key: the object's key.
        connection: how to get there.

    """

    url: str
    place: tuple[str, int]
    key: str
    connection: S3Connection

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def __str__(self) -> str:
        return self.url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BucketTarget) and (self.url, self.place) == (
            other.url,
            other.place,
        )

    def __hash__(self) -> int:
        return hash((self.url, self.place))


PublishTarget = Path | BucketTarget


def publish_target(
    config: StepConfig, component: Component, env: Mapping[str, str], project: Path
) -> PublishTarget | None:
    """Return where the step's file goes, as its field marked `OutputPath` and connection say.

    None when it makes no file. Raises `MissingVariableError` or `ConfigError`.
    """
    path = _marked(OutputPath, config, component, env)
    if path is None:
        return None
    return _in_bucket(path, config, component, env) or project / path


def changed_file(
    config: StepConfig, component: Component, env: Mapping[str, str], project: Path
) -> Path | None:
    """Return the file that the step changes in place, as its field marked `TargetPath` says."""
    path = _marked(TargetPath, config, component, env)
    return None if path is None else project / path


def _marked(
    mark: type, config: StepConfig, component: Component, env: Mapping[str, str]
) -> str | None:
    """Return the value of the field with this mark, filled in."""
    name = next((name for name, _ in marked(component.config, mark)), "")
    value: Any = config.config.get(name)
    where = f"step {config.id!r}: config.{name}"
    return None if value is None else str(fill(value, env, where=where))


def _in_bucket(
    path: str, config: StepConfig, component: Component, env: Mapping[str, str]
) -> BucketTarget | None:
    if config.connection is None:
        return None
    connection = getattr(bind(config, component, env), "connection", None)
    if not isinstance(connection, S3Connection):
        return None
    key = connection.key(path)
    _, host, port = connection.address
    return BucketTarget(connection.url(key), (host, port), key, connection)
