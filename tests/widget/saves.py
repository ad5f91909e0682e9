"""Events that save sessions, as the widget's queue gets them, and the list that comes of them."""

import json
from typing import Any

from functions.widget import list_user_sessions, record_sessions
from sessions import accounts, clock
from tests.proxy_events import batch, request

CLIENT = "insurer"


def saved(
    reference: str = "LA-PE2VZ7RJD4",
    *,
    client: str = CLIENT,
    user: str = "ana",
    time: str = "2026-01-02T03:04:05Z",
    event_id: str = "e1",
    source: str = "/test",
    **members: Any,
) -> dict[str, Any]:
    """A save of a session that has these members beside the usual ones."""
    session = {
        "reference": reference,
        "date": "2023-11-27T14:52:00Z",
        "camsReference": None,
        "status": "submitted",
        "createdAt": "2023-11-27T14:52:00Z",
        "selectedPolicy": None,
    }
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": "widget.session.saved",
        "time": time,
        "data": {"clientId": client, "userId": user, "session": session | members},
    }


def record(*events: dict[str, Any]) -> None:
    assert record_sessions.handler(batch(*events), None) == {"batchItemFailures": []}


def client(name: str = CLIENT) -> str:
    """An account of this name, and the name."""
    accounts.create_account("widget", name, now=clock.now())
    return name


def asked(user: str = "ana", *, by: str = CLIENT, of: str | None = None, **more: Any) -> dict[str, Any]:
    """A request for the user's list with a key of the client `by`, for the path of the client `of`."""
    caller = {"authorizer": {"account": by, "apiKeyId": "key-1"}, "identity": {"apiKeyId": "key-1"}}
    return request(path={"clientId": of or by, "userId": user}, **(caller | more))


def listed(user: str = "ana", *, by: str = CLIENT) -> dict[str, Any]:
    """The whole answer, its body as text."""
    return list_user_sessions.handler(asked(user, by=by), None)


def sessions(user: str = "ana", *, by: str = CLIENT) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(listed(user, by=by)["body"])
    return found


def references(user: str = "ana", *, by: str = CLIENT) -> list[str]:
    return [session["reference"] for session in sessions(user, by=by)]
