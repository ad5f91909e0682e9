"""The live sessions, as they leave the deployment: each as its answer has it. They are selected by `createdAt`.

A session's id gives access to it, and so does a file that has it: ids are there only where they are asked for.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from functions.knowledge import session
from sessions import clock, events
from sessions.export import Export, Exported, Selection

_TIMES = ("createdAt", "updatedAt", "expiresAt")


def _read(selection: Selection) -> Iterator[Exported]:
    for text in session.live(now=selection.now):
        shown = json.loads(text)
        if not selection.has(clock.parse(shown["createdAt"])):
            continue
        if not selection.with_ids:
            del shown["sessionId"]
        times: dict[str, datetime] = {name: clock.parse(shown[name]) for name in _TIMES}
        yield Exported((events.as_json(shown),), {"sessionId": None} | shown | times)


EXPORT = Export(
    columns={
        "sessionId": "text",
        "agentId": "text",
        "customerId": "text",
        "visitId": "text",
        "globalVisitId": "text",
        "createdAt": "time",
        "updatedAt": "time",
        "expiresAt": "time",
    },
    read=_read,
    ids_are_capabilities=True,
)
