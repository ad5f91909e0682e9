"""How this API says no: `{"message": "…"}`."""

import json

from sessions import proxy
from sessions.proxy import Answer, Event


def unauthorized() -> Answer:
    return _error(401, "Unauthorized")


def no_such_client() -> Answer:
    return _error(404, "Client not found")


def bad_cursor() -> Answer:
    return _error(400, "The parameter after is not one that an earlier answer gave")


def internal_error(event: Event) -> Answer:
    return _error(500, "Internal server error", requestId=proxy.request_id(event))


def _error(status: int, message: str, **more: str) -> Answer:
    return proxy.answer(status, json.dumps({"message": message, **more}))
