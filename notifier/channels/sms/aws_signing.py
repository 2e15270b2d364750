"""Signature Version 4 of one POST of a form to AWS.

botocore would bring 80 MB and a blocking client for these forty lines; the tests compare them with it.
Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

FORM = "application/x-www-form-urlencoded; charset=utf-8"
_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = "content-type;host;x-amz-date"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key and where it is used."""

    access_key: str
    secret: str = field(repr=False)
    region: str
    service: str


def signed_headers(key: AwsKey, url: str, body: bytes, now: int) -> dict[str, str]:
    """The headers that make AWS take the request. `now`: unix seconds, within 15 minutes of AWS's."""
    at = datetime.fromtimestamp(now, UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    place = urlsplit(url)
    request = "\n".join(
        (
            "POST",
            quote(place.path or "/"),
            place.query,
            f"content-type:{FORM}\nhost:{place.netloc}\nx-amz-date:{stamp}\n",
            _SIGNED,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{day}/{key.region}/{key.service}/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signing = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    credential = f"Credential={key.access_key}/{scope}"
    return {
        "Content-Type": FORM,
        "X-Amz-Date": stamp,
        "Authorization": (
            f"{_ALGORITHM} {credential}, SignedHeaders={_SIGNED}, Signature={signature}"
        ),
    }
