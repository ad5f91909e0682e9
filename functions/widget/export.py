"""A client's claim sessions, as they leave the deployment. They are selected by `createdAt`, to the minute."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from functions.widget import session
from sessions import events
from sessions.export import Export, Exported, Selection

_TIMES = ("date", "createdAt")


def _read(selection: Selection) -> Iterator[Exported]:
    for found in session.of_client(selection.account or ""):
        shown = json.loads(found.body)
        times = {name: datetime.fromisoformat(shown[name]).replace(tzinfo=UTC) for name in _TIMES}
        if not selection.has(times["createdAt"]):
            continue
        policy = shown["selectedPolicy"]
        row = {"userId": found.user_id} | shown | times
        yield Exported(
            (_event(selection.account, found, shown),),
            row | {"selectedPolicy": None if policy is None else events.as_json(policy)},
        )


def _event(account: str | None, found: session.Saved, shown: dict[str, Any]) -> str:
    """What the answer cuts to the minute is a whole one; what is null is left out, as senders may."""
    members = {name: value for name, value in shown.items() if value is not None}
    members |= {name: f"{shown[name]}:00Z" for name in _TIMES}
    data = {"clientId": account, "userId": found.user_id, "session": members}
    return events.written("widget.session.saved", found.version, events.as_json(data))


EXPORT = Export(
    columns={
        "userId": "text",
        "reference": "text",
        "date": "time",
        "camsReference": "text",
        "status": "text",
        "createdAt": "time",
        "selectedPolicy": "text",
    },
    read=_read,
)
