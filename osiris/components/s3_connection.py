"""The connection to an S3-compatible store: AWS, MinIO, Ceph, R2 and others."""

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from osiris.components.component import Connection, InputPath

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}")
_PORTS = {"http": 80, "https": 443}


class S3Connection(Connection):
    """A bucket, or a part of one, and who asks; without keys it is asked as nobody.

    Nothing is looked up elsewhere: no profile, no AWS_ variable, no metadata service.
    """

    family: ClassVar[str] = "s3"
    holds_files: ClassVar[bool] = True

    bucket: str = Field(description="Name of the bucket; it must be there.")
    prefix: str = Field(
        default="", description="What every path of a step lies below: a folder in the bucket."
    )
    region: str = Field(default="us-east-1", description="Region of the bucket.")
    endpoint: str | None = Field(
        default=None, description="Address of another store than AWS: https://minio.example:9000."
    )
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    session_token: SecretStr | None = Field(
        default=None, description="Goes with keys that are valid for some hours only."
    )
    addressing: Literal["auto", "path", "virtual"] = Field(
        default="auto",
        description=(
            "Where the bucket's name stands: in the path, or before the host's name. auto: path "
            "with an endpoint, virtual at AWS."
        ),
    )
    ca: Annotated[str | None, InputPath()] = Field(
        default=None,
        min_length=1,
        description="PEM file of the authority that signed the endpoint's certificate.",
    )
    connect_timeout: float = Field(
        default=10, gt=0, le=3600, description="Seconds to wait while connecting."
    )
    read_timeout: float = Field(
        default=60, gt=0, le=3600, description="Seconds to wait for the next piece of an answer."
    )
    max_attempts: int = Field(
        default=5, ge=1, le=20, description="How often a request is sent before it has failed."
    )

    @field_validator("bucket")
    @classmethod
    def _bucket_name(cls, bucket: str) -> str:
        if not _BUCKET.fullmatch(bucket):
            raise ValueError("a bucket's name has letters, digits, dots, hyphens, underscores")
        return bucket

    @field_validator("region")
    @classmethod
    def _region_name(cls, region: str) -> str:
        if not _REGION.fullmatch(region):
            raise ValueError("a region has letters, digits and hyphens, like eu-central-1")
        return region

    @field_validator("endpoint")
    @classmethod
    def _endpoint_address(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        parts = urlsplit(endpoint)
        bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        if parts.scheme not in _PORTS or not parts.hostname or not bare or parts.port == 0:
            raise ValueError("an endpoint is https://host, with a port if need be; no path in it")
        return endpoint.rstrip("/")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key go together")
        if self.session_token is not None and self.access_key is None:
            raise ValueError("session_token goes with access_key and secret_key")
        return self

    @property
    def address(self) -> tuple[str, str, int]:
        """The scheme, host and port that are connected to."""
        parts = urlsplit(self.endpoint or f"https://s3.{self.region}.amazonaws.com")
        host = parts.hostname or ""
        named = f"{self.bucket}.{host}" if self.virtual else host
        return parts.scheme, named, parts.port or _PORTS[parts.scheme]

    @property
    def virtual(self) -> bool:
        """Whether the bucket's name stands before the host's; with dots no certificate fits."""
        at_aws = self.endpoint is None and "." not in self.bucket
        return self.addressing == "virtual" or (self.addressing == "auto" and at_aws)

    def hosts(self) -> Sequence[tuple[str, int]]:
        """Return the address of the store."""
        _, host, port = self.address
        return ((host, port),)

    def key(self, path: str) -> str:
        """Return the key of the object that a step's `path` names."""
        return "/".join(part for part in (self.prefix.strip("/"), path.lstrip("/")) if part)

    def url(self, key: str) -> str:
        """Return an object's name for messages."""
        return f"s3://{self.bucket}/{key}"
