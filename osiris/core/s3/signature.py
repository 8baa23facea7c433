"""AWS Signature Version 4: how a request says who sends it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """Who sends: an access key and its secret, and a token where they are valid for hours only."""

    access_key: str
    secret_key: str
    session_token: str | None = None


def quoted(text: str, *, safe: str = "") -> str:
    """Return a text as it stands in a URL: all but the unreserved characters are escaped."""
    return quote(text, safe=f"{safe}-._~")


def query_string(query: Mapping[str, str]) -> str:
    """Return a query sorted by name, as it is sent and signed."""
    pairs = sorted((quoted(name), quoted(value)) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    credentials: Credentials | None,
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload_sha256: str,
    region: str,
    now: datetime | None = None,
) -> dict[str, str]:
    """Return the headers with all that makes them a signed request to S3.

    Args:
        credentials: who sends; None for a request that is not signed.
        method: GET, PUT, …
        path: path of the URL, escaped.
        query: from `query_string`.
        headers: `host` and others, with names in small letters.
        payload_sha256: SHA-256 of the body in hex, which the store checks.
        region: the region of the bucket.
        now: the time; the clock's when left out.

    """
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "x-amz-content-sha256": payload_sha256, "x-amz-date": moment}
    if credentials is None:
        return sent
    if credentials.session_token:
        sent["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(sent))
    lines = "".join(f"{name}:{sent[name].strip()}\n" for name in sorted(sent))
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload_sha256}"
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashed}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (moment[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return sent
