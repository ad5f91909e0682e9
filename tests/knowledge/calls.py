"""Calls of the knowledge API, as a front end makes them."""

import json
from collections.abc import Mapping
from typing import Any

from functions.knowledge import associate_session, create_session, get_session
from tests.proxy_events import request
from tests.sessions.watching import answer, said

SHARED = {"Access_Control_Allow_Origin": "*"}
NOT_FOUND = answer(404, {"code": "SESSION_NOT_FOUND", "description": "Session not found"}, **SHARED)
TOO_LARGE = answer(413, {"code": "REQUEST_TOO_LARGE", "description": "The body must have at most 8192 bytes"}, **SHARED)

NOW = "2026-01-02T03:04:05.678Z"
IN_30_DAYS = "2026-02-01T03:04:05.678Z"


def refused(description: str) -> dict[str, Any]:
    return answer(400, {"code": "INVALID_REQUEST", "description": description}, **SHARED)


def info(session_id: str, **members: str | None) -> dict[str, Any]:
    """The answer with a session made and changed at the standing clock's beginning, but for these members."""
    usual = {
        "sessionId": session_id,
        "agentId": None,
        "customerId": None,
        "visitId": None,
        "globalVisitId": None,
        "createdAt": NOW,
        "updatedAt": NOW,
        "expiresAt": IN_30_DAYS,
    }
    return answer(200, usual | members, **SHARED)


def _event(body: Any, headers: Mapping[str, str] | None, session_id: str | None) -> dict[str, Any]:
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    path = None if session_id is None else {"sessionId": session_id}
    return request(path=path, headers=headers, body=text)


def put(body: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return said(create_session.handler(_event(body, headers, None) | more, None))


def post(session_id: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return said(associate_session.handler(_event(body, headers, session_id) | more, None))


def get(session_id: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return said(get_session.handler(_event(body, headers, session_id) | more, None))
