"""Whose user name and API key are these? HTTP Basic (RFC 7617), from an address the credential allows."""

import base64
import binascii
from typing import Any

from sessions import accounts, authorization, clock, proxy
from sessions.proxy import Event


def handler(event: Event, context: Any) -> dict[str, Any]:
    username, api_key = _credentials(proxy.header(event, "Authorization") or "")
    address = event["requestContext"]["identity"]["sourceIp"]
    found = accounts.authenticate("device", api_key, now=clock.now(), username=username, address=address)
    return authorization.decide(event, found)


def _credentials(header: str) -> tuple[str, str]:
    """User name and key; two empty texts, which are nobody's, where the header is malformed."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        username, colon, api_key = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (username, api_key) if colon and username else ("", "")
