"""Where a step's finished file goes: a path of this machine, or an object of a bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris.components.component import Component, OutputPath
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
    for name, declared in component.config.model_fields.items():
        if any(isinstance(mark, OutputPath) for mark in declared.metadata):
            value: Any = config.config.get(name)
            if value is None:
                return None
            path = str(fill(value, env, where=f"step {config.id!r}: config.{name}"))
            return _in_bucket(path, config, component, env) or project / path
    return None


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
