"""Whose API key is this? The gateway has checked the key; this binds it to one client."""

from typing import Any

from sessions import accounts, authorization, clock, proxy
from sessions.proxy import Event


def handler(event: Event, context: Any) -> dict[str, Any]:
    key = proxy.header(event, "x-api-key") or ""
    return authorization.decide(event, accounts.authenticate("widget", key, now=clock.now()))
