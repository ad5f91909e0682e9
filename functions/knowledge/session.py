"""A visitor's session, as it is stored and found: one item, found by its id, that is the capability to see it.

Members are stored as JSON texts, ready to be spliced into an answer. A session is over from the instant
`expiresAt`, whether or not DynamoDB has dropped the item yet (its TTL may be days late).
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from sessions import clock, dynamodb
from sessions.attributes import Item
from sessions.dynamodb import ConditionFailedError
from sessions.tables import Key, Table

TABLE = Table("knowledge-sessions", Key("id"), expires="dropAfter")

MEMBERS = ("agentId", "customerId", "visitId", "globalVisitId")

_LIVE = "#expiresAt > :now"
_ATTEMPTS = 5


def create(members: Mapping[str, str], *, now: datetime, lifetime: timedelta) -> str:
    """A new session under an id of 256 random bits; its JSON."""
    item = _item(secrets.token_urlsafe(32), members, now, lifetime)
    # The condition lets the call be repeated after a lost answer: what is there then is this session.
    dynamodb.put(TABLE, item, "attribute_not_exists(#id) OR #createdAt = :createdAt", createdAt=item["createdAt"])
    return _json(item)


def read(session_id: str, *, now: datetime) -> str | None:
    """The session's JSON, or None: there is none with this id, or no more."""
    item = dynamodb.get(TABLE, {"id": session_id}, consistent=True)
    if item is None or item["expiresAt"] <= clock.milliseconds(now):
        return None
    return _json(item)


def associate(session_id: str, members: Mapping[str, str], *, now: datetime, lifetime: timedelta) -> str:
    """Sets these members of the session, leaves the others, and prolongs it; starts one where there is none.

    One atomic update, which may be made twice where its answer was lost: whoever came between came before it, then, as
    he might have anyhow. Only where the item of an expired session still lies in the table, that fails, and a second
    call puts a new session in its place.
    """
    item = _item(session_id, members, now, lifetime)
    changed = [name for name in item if name not in ("id", "createdAt")]
    expression = "SET #createdAt = if_not_exists(#createdAt, :createdAt), "
    expression += ", ".join(f"#{name} = :{name}" for name in changed)
    values = {name: item[name] for name in ("createdAt", *changed)} | {"now": item["updatedAt"]}
    for _ in range(_ATTEMPTS):
        try:
            updated = dynamodb.update(
                TABLE, {"id": session_id}, expression, f"attribute_not_exists(#id) OR {_LIVE}", **values
            )
            return _json(updated)
        except ConditionFailedError:
            pass
        try:
            dynamodb.put(TABLE, item, f"NOT ({_LIVE})", now=item["updatedAt"])
            return _json(item)
        except ConditionFailedError:
            pass  # meanwhile another caller started the new session, or the table dropped the old one
    raise ConditionFailedError


def live(*, now: datetime) -> Iterator[str]:
    """The JSON of all sessions that are not over. Reads the whole table, for operators."""
    for items in dynamodb.pages(partial(dynamodb.scan, TABLE, _LIVE, now=clock.milliseconds(now))):
        yield from map(_json, items)


def put_back(
    session_id: str,
    members: Mapping[str, str],
    *,
    created: datetime,
    updated: datetime,
    expires: datetime,
    now: datetime,
) -> bool:
    """Stores the session as it was, unless the one under this id is live and as new; whether it did."""
    item = _item(session_id, members, updated, expires - updated) | {"createdAt": clock.milliseconds(created)}
    condition = f"attribute_not_exists(#id) OR NOT ({_LIVE}) OR #updatedAt < :updatedAt"
    try:
        dynamodb.put(TABLE, item, condition, now=clock.milliseconds(now), updatedAt=item["updatedAt"])
    except ConditionFailedError:
        return False
    return True


def _item(session_id: str, members: Mapping[str, str], now: datetime, lifetime: timedelta) -> Item:
    expires = now + lifetime
    return {
        "id": session_id,
        "createdAt": clock.milliseconds(now),
        "updatedAt": clock.milliseconds(now),
        "expiresAt": clock.milliseconds(expires),
        "dropAfter": int(expires.timestamp()) + 1,
    } | {name: json.dumps(value) for name, value in members.items()}


def _json(item: Item) -> str:
    members = "".join(f'"{name}":{item.get(name, "null")},' for name in MEMBERS)
    times = ",".join(f'"{name}":"{item[name]}"' for name in ("createdAt", "updatedAt", "expiresAt"))
    return f'{{"sessionId":"{item["id"]}",{members}{times}}}'
