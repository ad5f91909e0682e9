"""The records of a device's sessions: how they are added, and what they make of the answer.

Records change the item of their session, each write on the condition that nobody else changed it meanwhile; then the
answer is made from the session that began last, and written on the condition that nobody wrote it since before that
session was looked up. So a writer that lags behind never overwrites what another one knew
(`docs/decisions/0003-device-without-transactions.md`).
"""

import json
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.device import history
from functions.device.history import Record, Registration, Session
from functions.device.session import BY_BEGINNING, DEVICE, SESSION, TABLE, device_key, session_key
from sessions import clock, dynamodb
from sessions.attributes import Item
from sessions.dynamodb import ConditionFailedError

KEPT = 50
KEPT_FOR = timedelta(days=90)

_ATTEMPTS = 30
_SHORTEST_PAUSE = 0.01  # seconds, before the first repetition
_LONGEST_PAUSE = 0.5


class NotRegisteredError(Exception):
    """Nobody has registered the device."""


class ContendedError(Exception):
    """Others kept changing the device while this was being written; it is to be tried again."""


def record(iccid: str, session_id: str, accounting: Record, *, now: datetime) -> None:
    """Adds an accounting record to the device's history. `NotRegisteredError` where nobody has the device."""
    has_moved = False
    key = session_key(iccid, session_id)
    for _ in _attempts():
        # At once, in whichever order: a session that changes before the device is read is not written over.
        items = dynamodb.batch_get(TABLE, [device_key(iccid), key], consistent=True)
        found = {item["item"]: item for item in items}
        device = found.get(DEVICE)
        if device is None or device["account"] is None:
            raise NotRegisteredError
        has_moved = _add(key, accounting, device["since"], found.get(key["item"])) or has_moved
        if _answer_anew(iccid, device):
            if has_moved:
                _forget_old(iccid, now, moved=key["item"])
            return
    raise ContendedError


def register(iccid: str, event: Registration, *, now: datetime) -> None:
    """Adds a registration or a removal to the device's history, and lets its records count accordingly."""
    for _ in _attempts():
        device = dynamodb.get(TABLE, device_key(iccid), consistent=True)
        known = [] if device is None else [Registration(*entry) for entry in device["registrations"]]
        events = history.with_registration(known, event)
        owner = history.ownership(events)
        changed: Item = device_key(iccid) | {
            "account": owner.account,
            "since": owner.since,
            "registrations": [[one.version, one.time, one.kind, one.account] for one in events],
            "sessionsCountSince": "" if device is None else device["sessionsCountSince"],
            "revision": 1 + (0 if device is None else device["revision"]),
            # What it said before may be another owner's: until the sessions are gone through, there are none.
            "body": device["body"] if device is not None and device["since"] == owner.since else _body(iccid),
        }
        try:
            _put_if_unchanged(changed, device)
        except ConditionFailedError:
            continue
        if changed["sessionsCountSince"] != owner.since:
            _count_since(iccid, owner.since)
            changed["sessionsCountSince"] = owner.since
            _forget_old(iccid, now)
        if _answer_anew(iccid, changed):
            return
    raise ContendedError


def devices_of(account_id: str) -> Iterator[tuple[str, Sequence[Registration]]]:
    """The devices that the account has now, and how they were registered. Reads the whole table, for operators."""
    for items in dynamodb.pages(
        partial(
            dynamodb.scan,
            TABLE,
            "#item = :device AND #account = :account",
            "iccid",
            "registrations",
            device=DEVICE,
            account=account_id,
        )
    ):
        for item in items:
            yield item["iccid"], [Registration(*entry) for entry in item["registrations"]]


def sessions_of(iccid: str, *, now: datetime) -> Iterator[tuple[str, Session]]:
    """The device's sessions, the one that began last first, by their accounting session id."""
    for items in dynamodb.pages(
        partial(
            dynamodb.query, TABLE, "#iccid = :iccid", index=BY_BEGINNING, descending=True, consistent=True, iccid=iccid
        )
    ):
        for item in items:
            if item.get("dropAfter", math.inf) > now.timestamp():
                yield item["item"].removeprefix(SESSION), _session(item["state"])


def _add(key: Mapping[str, str], accounting: Record, since: str, item: Item | None) -> bool:
    """Adds the record to its session, which was read as `item`; whether that is a new one, or began at another time
    than it seemed.
    """
    for attempt in _attempts():
        if attempt:
            item = dynamodb.get(TABLE, key, consistent=True)
        known = Session() if item is None else _session(item["state"])
        session = known.with_record(accounting)
        if item is not None and session == known and item["since"] == since:
            return False
        changed = _session_item(key, session, since, item)
        try:
            _put_if_unchanged(changed, item)
        except ConditionFailedError:
            continue
        return item is None or item.get("beginning") != changed.get("beginning")
    raise ContendedError


def _answer_anew(iccid: str, device: Mapping[str, Any]) -> bool:
    """Makes the answer from the session that began last; False where `device` is not what is stored any more.

    It is always written, even if it says the same: the new revision is what keeps a laggard from writing.
    """
    latest, _ = dynamodb.query(
        TABLE, "#iccid = :iccid", index=BY_BEGINNING, descending=True, limit=1, consistent=True, iccid=iccid
    )
    if latest and latest[0]["since"] != device["since"]:
        _recount(iccid, latest[0]["item"], device["since"])
        return False
    if latest and "dropAfter" in latest[0]:
        _keep(iccid, latest[0]["item"])
    body = _body(iccid, _session(latest[0]["state"]), device["since"]) if latest else _body(iccid)
    try:
        dynamodb.update(
            TABLE,
            device_key(iccid),
            "SET #body = :body, #sessionsCountSince = :since, #revision = :next",
            "#revision = :revision",
            body=body,
            since=device["sessionsCountSince"],
            revision=device["revision"],
            next=device["revision"] + 1,
        )
    except ConditionFailedError:
        return False
    return True


def _count_since(iccid: str, since: str) -> None:
    """Lets records count only from `since`, in every session of the device. Does the rest where it was cut off."""
    for sessions in dynamodb.pages(
        partial(
            dynamodb.query,
            TABLE,
            "#iccid = :iccid AND begins_with(#item, :session)",
            "item",
            "since",
            consistent=True,
            iccid=iccid,
            session=SESSION,
        )
    ):
        for session in sessions:
            if session["since"] != since:
                _recount(iccid, session["item"], since)


def _recount(iccid: str, item_name: str, since: str) -> None:
    for _ in _attempts():
        item = dynamodb.get(TABLE, {"iccid": iccid, "item": item_name}, consistent=True)
        if item is None:
            return
        key = {"iccid": iccid, "item": item_name}
        try:
            _put_if_unchanged(_session_item(key, _session(item["state"]), since, item), item)
        except ConditionFailedError:
            continue
        return
    raise ContendedError


def _forget_old(iccid: str, now: datetime, moved: str | None = None) -> None:
    """Lets the table drop what is beyond the latest 50 sessions, each 90 days after its last record.

    After one session came or `moved`, only those near the limit and itself can have crossed it; else all are looked at.
    """
    start = None
    rank = 0
    while True:
        sessions, start = dynamodb.query(
            TABLE,
            "#iccid = :iccid",
            index=BY_BEGINNING,
            descending=True,
            limit=None if moved is None else KEPT + 10,
            start=start,
            iccid=iccid,
        )
        for one in sessions:
            if rank < KEPT and "dropAfter" in one:
                _keep(iccid, one["item"])
            elif rank >= KEPT and "dropAfter" not in one:
                _drop(iccid, one["item"], _session(one["state"]), now)
            rank += 1
        if start is None or moved is not None:
            break
    if moved is not None and start is not None and moved not in {one["item"] for one in sessions}:
        item = dynamodb.get(TABLE, {"iccid": iccid, "item": moved})
        if item is not None:
            _drop(iccid, moved, _session(item["state"]), now)


def _keep(iccid: str, item_name: str) -> None:
    with suppress(ConditionFailedError):  # the table has just dropped it
        dynamodb.update(TABLE, {"iccid": iccid, "item": item_name}, "REMOVE #dropAfter", "attribute_exists(#iccid)")


def _drop(iccid: str, item_name: str, session: Session, now: datetime) -> None:
    with suppress(ConditionFailedError):  # the table has just dropped it
        dynamodb.update(
            TABLE,
            {"iccid": iccid, "item": item_name},
            "SET #dropAfter = :dropAfter",
            "attribute_exists(#iccid)",
            dropAfter=max(_kept_until(session), int(now.timestamp())),
        )


def _kept_until(session: Session) -> int:
    """Epoch seconds: 90 days after its last record."""
    return int((clock.parse(session.last_activity()) + KEPT_FOR).timestamp())


def _put_if_unchanged(item: Item, read: Mapping[str, Any] | None) -> None:
    if read is None:
        dynamodb.put(TABLE, item, "attribute_not_exists(#iccid)")
    else:
        dynamodb.put(TABLE, item, "#revision = :read", read=read["revision"])


def _session_item(key: Mapping[str, str], session: Session, since: str, read: Mapping[str, Any] | None) -> Item:
    item: Item = {
        **key,
        "state": json.dumps(
            [
                session.starts,
                session.estimates,
                session.sightings,
                session.stop,
                session.ip_address,
                session.ipv6_address,
            ],
            ensure_ascii=False,
            separators=(",", ":"),
        ),
        "since": since,
        "revision": 1 + (0 if read is None else read["revision"]),
    }
    beginning = session.beginning(since)
    if beginning is None:  # it counts for nothing, and is in no index
        item["dropAfter"] = _kept_until(session)
        return item
    item["beginning"] = f"{beginning}#{key['item'].removeprefix(SESSION)}"
    if read is not None and "beginning" in read and "dropAfter" in read:
        item["dropAfter"] = max(read["dropAfter"], _kept_until(session))
    return item


def _session(state: str) -> Session:
    starts, estimates, sightings, stop, ip_address, ipv6_address = json.loads(state)
    return Session(
        starts=tuple((moment, told) for moment, told in starts),
        estimates=tuple((moment, told) for moment, told in estimates),
        sightings=tuple((moment, told) for moment, told in sightings),
        stop=stop,
        ip_address=(ip_address[0], ip_address[1]),
        ipv6_address=(ipv6_address[0], ipv6_address[1]),
    )


def _body(iccid: str, session: Session | None = None, since: str = "") -> str:
    """The answer's JSON: of this session, or of a device that never had one."""
    ipv4, ipv6 = session.addresses(since) if session else (None, None)
    answer: dict[str, str | None] = {"iccid": iccid, "ipAddress": ipv4}
    if ipv6 is not None:
        answer["ipv6Address"] = ipv6
    answer["dateSessionStarted"] = _date(session.beginning(since) if session else None)
    answer["dateSessionEnded"] = _date(session.end(since) if session else None)
    return json.dumps(answer, separators=(",", ":"))


def _date(moment: str | None) -> str | None:
    """`2016-07-06 01:31:46.893+0000`, the contract's form, cut to milliseconds."""
    return None if moment is None else f"{moment[:10]} {moment[11:23]}+0000"


def _attempts() -> Any:
    for attempt in range(_ATTEMPTS):
        if attempt:
            longest = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(attempt, 10))
            time.sleep(random.uniform(0, longest))  # noqa: S311 (jitter, no secret)
        yield attempt
