"""How this API answers: SessionInfo, plain or wrapped, and errors as a code and a description; CORS on both."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from functions.knowledge.request import InvalidRequestError, RequestTooLargeError
from sessions import proxy, settings
from sessions.proxy import Answer, Event, Handler


def endpoint(handle: Callable[[Event], Answer]) -> Handler:
    """Makes a function an endpoint of this API: refusals in its dialect, and what browsers need to see the answer."""

    @proxy.endpoint(lambda event: _shared(event, _internal_error(event)))
    @wraps(handle)
    def handler(event: Event, context: Any) -> Answer:
        try:
            given = handle(event)
        except InvalidRequestError as error:
            given = _error(400, "INVALID_REQUEST", str(error))
        except RequestTooLargeError:
            given = _error(413, "REQUEST_TOO_LARGE", "The body must have at most 8192 bytes")
        return _shared(event, given)

    return handler


def session_info(session: str) -> Answer:
    """The session's JSON as the answer; the setting wraps it as the vendor's later version does."""
    wrapped = settings.flag("KNOWLEDGE_RESPONSE_WRAPPED")
    return proxy.answer(200, f'{{"response":{session}}}' if wrapped else session)


def session_not_found() -> Answer:
    return _error(404, "SESSION_NOT_FOUND", "Session not found")


def _internal_error(event: Event) -> Answer:
    return _error(500, "INTERNAL_ERROR", f"Internal error, request id {proxy.request_id(event)}")


def _error(status: int, code: str, description: str) -> Answer:
    return proxy.answer(status, json.dumps({"code": code, "description": description}))


def _shared(event: Event, given: Answer) -> Answer:
    """The answer with the CORS header for its caller's origin (Fetch standard, "CORS protocol")."""
    allowed = settings.words("KNOWLEDGE_ALLOWED_ORIGINS")
    if "*" in allowed:
        return given | {"headers": given["headers"] | {"Access-Control-Allow-Origin": "*"}}
    origin = proxy.header(event, "Origin")
    shared = {"Access-Control-Allow-Origin": origin} if origin in allowed and origin else {}
    return given | {"headers": given["headers"] | shared | {"Vary": "Origin"}}
