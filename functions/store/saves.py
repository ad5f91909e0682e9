"""Saves of sessions, customers and stores: in whatever order they come, and however often, the newest is what stays."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from functions.store import session
from sessions import dynamodb
from sessions.attributes import Item
from sessions.dynamodb import ConditionFailedError
from sessions.tables import Table

_ATTEMPTS = 5


def save_session(account: str, *, values: Mapping[str, Any], body: str, version: str) -> bool:
    """Stores the session unless a newer save, or this one, is stored already; whether it did.

    It joins the open ones before an open session is stored, and leaves them after any other is: so none that goes on is
    ever missed there. Its token is written where the session is new, or was saved with another: so the usual save is
    two writes. Which of two saves is newer tells in each item by itself, so they may come together.

    A save that gets only half way comes again, and finds what is left to do: it is not stored then, and sees to the
    token as if the session were new. Tokens that were the session's before stand in its item.
    """
    item = session.item_of(account, values=values, body=body, version=version)
    is_open = _is_open(item)
    if is_open:
        _save(session.TOKENS, session.open_of(item))
    is_stored, before = _replace(item)
    if not is_open:
        _close(item)
    if before is not None and "formerTokens" not in item and _names(account, before) == _names(account, item):
        return True
    _save(session.TOKENS, session.token_of(account, item))
    latest = _latest(item)
    if latest is None or latest["sessionToken"] != item["sessionToken"]:  # a newer save was quicker
        _drop_token(account, item, item["sessionToken"])
    if latest is not None:
        for former in latest.get("formerTokens", ()):
            _drop_token(account, latest, former)
        if is_open and not is_stored and not _is_open(latest):  # it was closed before it joined the open ones
            _close(latest)
    return is_stored


def save_record(account: str, kind: session.Kind, record_id: int, *, body: str, version: str) -> bool:
    """Stores the customer or store unless a newer save, or this one, is stored already; whether it did."""
    return _save(
        session.RECORDS, {"record": session.record_key(account, kind, record_id), "body": body, "version": version}
    )


def _names(account: str, item: Item) -> Item:
    """The item of its token, whichever save has written it."""
    return session.token_of(account, item) | {"version": ""}


def _is_open(item: Item) -> bool:
    return session.known_of(item)["status"] in session.OPEN


def _replace(item: Item) -> tuple[bool, Item | None]:
    """Stores the session unless one as new is there, and notes in it what other tokens it has had; whether it did, and
    what it replaced.

    Where it keeps its token, as it should, that is one write.
    """
    is_as_ever = "#version < :version AND #sessionToken = :token AND attribute_not_exists(#formerTokens)"
    known = {"version": item["version"], "token": item["sessionToken"]}
    for _ in range(_ATTEMPTS):
        try:
            return True, dynamodb.replace(
                session.SESSIONS, item, f"attribute_not_exists(#session) OR ({is_as_ever})", **known
            )
        except ConditionFailedError:
            latest = _latest(item)
        if latest is None:
            continue
        if latest["version"] >= item["version"]:
            return False, None
        formers = {latest["sessionToken"], *latest.get("formerTokens", ())} - {item["sessionToken"]}
        item["formerTokens"] = sorted(formers)
        with suppress(ConditionFailedError):
            return True, dynamodb.replace(session.SESSIONS, item, "#version = :seen", seen=latest["version"])
    raise ConditionFailedError


def _latest(item: Item) -> Item | None:
    """What is stored of this session now, as far as `store-tokens` goes."""
    names = ("session", "shard", "idPlace", "version", "sessionToken", "formerTokens", "values")
    return dynamodb.get(session.SESSIONS, {"session": item["session"]}, *names, consistent=True)


def _close(item: Item) -> None:
    """Removes the session from the open ones, unless it was opened by a save newer than this item.

    Where that is not to be told, as cut versions are equal, it stays: it does no harm there.
    """
    known = session.open_of(item)
    key = {name: known[name] for name in session.TOKENS.key.attributes()}
    with suppress(ConditionFailedError):
        dynamodb.delete(session.TOKENS, key, "#version < :version", version=known["version"])


def _drop_token(account: str, item: Item, token: str) -> None:
    """Removes a token of this session, unless a save newer than this item has given it again."""
    key = {"partition": session.token_partition(account, token), "idPlace": item["idPlace"]}
    with suppress(ConditionFailedError):
        dynamodb.delete(session.TOKENS, key, "#version <= :version", version=item["version"])


def _save(table: Table, item: Item) -> bool:
    try:
        dynamodb.put(table, item, _is_newer(table), version=item["version"])
    except ConditionFailedError:
        return False
    return True


def _is_newer(table: Table) -> str:
    return f"attribute_not_exists(#{table.key.partition}) OR #version < :version"
