"""The `tls` settings of connections to database servers."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FileName = Annotated[str, Field(pattern=r"^[^\x00]+$")]


class Tls(BaseModel):
    """How far the connection is encrypted and the server believed; files are PEM, where it runs.

    `preferred` encrypts when the server can, `required` always, `verify_ca` also checks who signed
    the server's certificate (`ca`, else the system's authorities), `verify_identity` also that it
    was made for this host.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["disabled", "preferred", "required", "verify_ca", "verify_identity"] = "preferred"
    ca: FileName | None = Field(None, description="certificate authority that signed the server's")
    cert: FileName | None = Field(None, description="certificate of the client")
    key: FileName | None = Field(
        None, description="private key of `cert`, when not in the same file"
    )

    @model_validator(mode="after")
    def _nothing_is_ignored(self) -> Self:
        if self.ca and self.mode not in {"verify_ca", "verify_identity"}:
            msg = f"ca is not looked at in mode {self.mode}; set mode: verify_identity or verify_ca"
            raise ValueError(msg)
        if self.cert and self.mode in {"disabled", "preferred"}:
            msg = f"cert is not sent in mode {self.mode}; set mode: required or a verify mode"
            raise ValueError(msg)
        if self.key and not self.cert:
            msg = "key is the private key of cert; set cert as well"
            raise ValueError(msg)
        return self
