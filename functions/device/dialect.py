"""How this API says no: an `errorMessage` and, mostly, an `errorCode`, both as the vendor publishes them."""

import json

from sessions import proxy
from sessions.proxy import Answer, Event


def invalid_api_version() -> Answer:
    return _error(400, "10000024", "Invalid apiVersion")


def invalid_iccid() -> Answer:
    return _error(404, "20000001", "Resource not found - Invalid ICCID")


def internal_error(event: Event) -> Answer:
    return _error(500, "30000001", "Unknown server error")


def _error(status: int, code: str, message: str) -> Answer:
    return proxy.answer(status, json.dumps({"errorMessage": message, "errorCode": code}))
