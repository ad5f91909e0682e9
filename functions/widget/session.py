"""A claim session, as it is stored and found.

| question | index | key condition |
| --- | --- | --- |
| the sessions of a client's user, newest first | `by_user` | user = client + user, order ascending |
| the session an event saves | table | client and reference |
| all of a client's, for an export | table | client |

`order` is the time from `createdAt` to the end of the calendar, in minutes as the contract shows it, then the
reference: so ascending means newest first, ties by reference. `body` is the session's JSON, ready to be sent.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from sessions import dynamodb, proxy
from sessions.dynamodb import ConditionFailedError
from sessions.tables import Index, Key, Table

BY_USER = Index("by_user", Key("user", "order"), projected=("body",))
TABLE = Table("widget-sessions", Key("client", "reference"), indexes=(BY_USER,))

LONGEST_ID = 256

_END = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
_ORDER = re.compile(r"\d{10}.{1,128}", re.DOTALL)


class BadCursorError(Exception):
    """`after` is not a position that an earlier answer gave."""


class Listing(NamedTuple):
    """`bodies` are JSON texts. `after` is where the next listing goes on, None where this one is complete."""

    bodies: Sequence[str]
    after: str | None


class Saved(NamedTuple):
    """A session with what its answer does not show. `version` is that of the event that saved it."""

    user_id: str
    body: str
    version: str


def save(*, client_id: str, user_id: str, reference: str, created_at: datetime, body: str, version: str) -> bool:
    """Stores the session unless a newer save is stored already; whether it did. `created_at` is in UTC."""
    item = {
        "client": client_id,
        "reference": reference,
        "user": user_key(client_id, user_id),
        "order": f"{(_END - _minute(created_at)) // timedelta(minutes=1):010d}{reference}",
        "body": body,
        "version": version,
    }
    try:
        dynamodb.put(TABLE, item, "attribute_not_exists(#client) OR #version < :version", version=version)
    except ConditionFailedError:
        return False
    return True


def of_user(client_id: str, user_id: str, after: str | None = None) -> Listing:
    """The user's sessions in order: all of them, or as many whole ones as fit into one answer.

    One Query for each megabyte of sessions. `BadCursorError` where `after` is none of ours.
    """
    position = "" if after is None else _position(after)
    if len(user_id) > LONGEST_ID or len(client_id) > LONGEST_ID:
        return Listing((), None)
    bodies: list[str] = []
    room = proxy.ANSWER_LIMIT
    for items in dynamodb.pages(
        partial(
            dynamodb.query,
            TABLE,
            "#user = :user AND #order > :position",
            "body",
            "order",
            index=BY_USER,
            user=user_key(client_id, user_id),
            position=position or " ",
        )
    ):
        for item in items:
            room -= proxy.weight(item["body"]) + 1
            if room < 0 and bodies:
                return Listing(bodies, base64.urlsafe_b64encode(position.encode()).decode())
            bodies.append(item["body"])
            position = item["order"]
    return Listing(bodies, None)


def of_client(client_id: str) -> Iterator[Saved]:
    """All sessions of the client, by reference. One Query for each megabyte."""
    for items in dynamodb.pages(partial(dynamodb.query, TABLE, "#client = :client", consistent=True, client=client_id)):
        for item in items:
            yield Saved(item["user"].removeprefix(user_key(client_id, "")), item["body"], item["version"])


def user_key(client_id: str, user_id: str) -> str:
    """One key of the two: the length keeps (`ab`, `c`) apart from (`a`, `bc`)."""
    return f"{len(client_id)}:{client_id}{user_id}"


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _position(after: str) -> str:
    try:
        position = base64.b64decode(after, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadCursorError from None
    if not _ORDER.fullmatch(position):
        raise BadCursorError
    return position
