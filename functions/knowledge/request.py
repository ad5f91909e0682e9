"""What a request to this API may carry, and what is wrong with it where it may not."""

import json
import re
from datetime import timedelta
from typing import Any

from sessions import proxy, settings
from sessions.proxy import Event

RESERVED_ID = "new"
LONGEST_STRING = 256  # characters
LARGEST_BODY = 8 * 1024  # bytes

ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_HEADERS = {"agentId": "gkc_agentId", "customerId": "gkc_customerId"}
_BODY = ("visitId", "globalVisitId")


class InvalidRequestError(Exception):
    """The text names the member and says what it must be."""


class RequestTooLargeError(Exception):
    """The body is over 8 KiB."""


def lifetime() -> timedelta:
    """How long a session lives after its last PUT or POST."""
    return timedelta(seconds=settings.number("KNOWLEDGE_SESSION_SECONDS"))


def session_id(event: Event) -> str:
    """The id in the path. `InvalidRequestError` where no client may bring such an id."""
    brought = proxy.path_parameter(event, "sessionId")
    if not ID.fullmatch(brought):
        raise InvalidRequestError("sessionId must be 1 to 128 of A-Z a-z 0-9 . _ ~ -")
    return brought


def own_session_id(event: Event) -> str:
    """The id in the path, as one that a session may be started under: `new` is reserved."""
    brought = session_id(event)
    if brought == RESERVED_ID:
        raise InvalidRequestError("sessionId must not be new")
    return brought


def members(event: Event) -> dict[str, str]:
    """What the headers and the body set, by the members' names in SessionInfo."""
    found = _of_body(event)
    for member, header in _HEADERS.items():
        value = proxy.header(event, header)
        if value is not None:
            found[member] = _checked(header, value)
    return found


def _of_body(event: Event) -> dict[str, str]:
    body = proxy.body(event)
    if len(body) > LARGEST_BODY:
        raise RequestTooLargeError
    if not body.strip():
        return {}
    try:
        sent = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidRequestError("body must be a JSON object") from None
    if not isinstance(sent, dict):
        raise InvalidRequestError("body must be a JSON object")
    return {name: _checked(name, sent[name]) for name in _BODY if name in sent}


def _refuse(constant: str) -> None:
    """NaN and Infinity are Python's, and no JSON (RFC 8259, 6)."""
    raise ValueError(constant)


def _checked(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRequestError(f"{name} must be a string")
    if len(value) > LONGEST_STRING:
        raise InvalidRequestError(f"{name} must have at most {LONGEST_STRING} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequestError(f"{name} must be Unicode text") from None
    return value
