"""AWS Signature Version 4: who sends a request, and that nobody has changed it on the way.

As far as DynamoDB's protocol needs it: each request is a POST to `/`, without a query.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import NamedTuple

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """An access key, with its session token where it is a temporary one."""

    key_id: str
    secret: str
    token: str | None = None


class Signer:
    """Signs requests to one service of one region."""

    def __init__(self, region: str, service: str) -> None:
        self._scope = f"{region}/{service}/aws4_request"
        self._key: tuple[Credentials, str, bytes] | None = None

    def signed(self, headers: Mapping[str, str], body: bytes, credentials: Credentials, *, at: float) -> dict[str, str]:
        """These headers, whose names are in small letters, with those that sign them and the body.

        `at` is now, in seconds since 1970: AWS takes a signature for a few minutes.
        """
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        signed = {**headers, "x-amz-date": moment}
        if credentials.token is not None:
            signed["x-amz-security-token"] = credentials.token
        names = sorted(signed)
        listed = ";".join(names)
        lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
        request = f"POST\n/\n\n{lines}\n{listed}\n{hashlib.sha256(body).hexdigest()}"
        day = moment[:8]
        text = f"{_ALGORITHM}\n{moment}\n{day}/{self._scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(credentials, day), text.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={credentials.key_id}/{day}/{self._scope}, SignedHeaders={listed}, "
            f"Signature={signature}"
        )
        return signed

    def _key_of(self, credentials: Credentials, day: str) -> bytes:
        """The key that signs on this day; made once a day."""
        known = self._key
        if known is not None and known[0] == credentials and known[1] == day:
            return known[2]
        key = f"AWS4{credentials.secret}".encode()
        for part in (day, *self._scope.split("/")):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = credentials, day, key
        return key
