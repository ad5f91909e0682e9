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
_DATE = "x-amz-date"


class Credentials(NamedTuple):
    """An access key, with its session token where it is a temporary one."""

    key_id: str
    secret: str
    token: str | None = None


class Signature(NamedTuple):
    """Two headers' values: `date` is that of `x-amz-date`."""

    date: str
    authorization: str


class Signer:
    """Signs requests to one service of one region, which differ in their bodies alone: all that stays the same is
    made ready once. `headers` are those of each, their names in small letters, the session token included.
    """

    def __init__(self, headers: Mapping[str, str], credentials: Credentials, *, region: str, service: str) -> None:
        self.headers = dict(headers)
        if credentials.token is not None:
            self.headers["x-amz-security-token"] = credentials.token
        names = sorted([*self.headers, _DATE])
        lines = [f"{name}:{' '.join(self.headers[name].split())}\n" if name != _DATE else f"{_DATE}:" for name in names]
        place = names.index(_DATE) + 1
        self._before_date = "POST\n/\n\n" + "".join(lines[:place])
        self._after_date = "\n" + "".join(lines[place:]) + f"\n{';'.join(names)}\n"
        self._credential = f"{_ALGORITHM} Credential={credentials.key_id}/"
        self._scope = f"{region}/{service}/aws4_request"
        self._signed_headers = f"{self._scope}, SignedHeaders={';'.join(names)}, Signature="
        self._secret = credentials.secret
        self._keyed = "", hmac.new(b"", digestmod="sha256")

    def signed(self, body: bytes, *, at: float) -> Signature:
        """Of the request with this body. `at` is now, in seconds since 1970: AWS takes it for a few minutes."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        day = moment[:8]
        request = f"{self._before_date}{moment}{self._after_date}{hashlib.sha256(body).hexdigest()}"
        text = f"{_ALGORITHM}\n{moment}\n{day}/{self._scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        keyed = self._keyed_for(day).copy()
        keyed.update(text.encode())
        return Signature(moment, f"{self._credential}{day}/{self._signed_headers}{keyed.hexdigest()}")

    def _keyed_for(self, day: str) -> hmac.HMAC:
        """With the key that signs on this day; made once a day."""
        known, keyed = self._keyed
        if known != day:
            key = f"AWS4{self._secret}".encode()
            for part in (day, *self._scope.split("/")):
                key = hmac.digest(key, part.encode(), "sha256")
            keyed = hmac.new(key, digestmod="sha256")
            self._keyed = day, keyed
        return keyed
