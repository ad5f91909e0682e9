"""Whose bearer token is this? (RFC 6750, 2.1)"""

from typing import Any

from sessions import accounts, authorization, clock, proxy
from sessions.proxy import Event


def handler(event: Event, context: Any) -> dict[str, Any]:
    token = _token(proxy.header(event, "Authorization") or "")
    return authorization.decide(event, accounts.authenticate("store", token, now=clock.now()))


def _token(header: str) -> str:
    """The token; an empty text, which is nobody's, where the header is of another scheme."""
    scheme, _, token = header.partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""
