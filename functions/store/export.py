"""A retailer's shopping sessions, as they leave the deployment, with the customers and stores that they name.

They are selected by `createdAt`, to the millisecond.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from functions.store import session
from functions.store.ordering import encode
from functions.store.session import BY_ORDERING, RECORDS, SESSIONS
from sessions import clock, dynamodb, events
from sessions.attributes import Item
from sessions.export import Cell, Export, Exported, Kind, Selection

_PAGE = 100  # sessions, of up to 128 KiB each
_REMEMBERED = 100_000  # customers and stores that are not told again; should there be more, that does no harm

_COLUMNS: Mapping[str, Kind] = {
    "id": "text",
    "sessionId": "text",
    "sessionToken": "text",
    "referencedSessionId": "text",
    "code": "text",
    "status": "text",
    "createdAt": "time",
    "updatedAt": "time",
    "expiresAt": "time",
    "codeFirstSuccesfullyScannedAt": "time",
    "codeLastSuccesfullyScannedAt": "time",
    "customerFirstEnteredAt": "time",
    "customerLastEnteredAt": "time",
    "customerFirstExitedAt": "time",
    "customerLastExitedAt": "time",
    "customerPaymentInstrumentId": "integer",
    "customerSatisfaction": "integer",
    "customerSatisfactionSubmitted": "boolean",
    "suspectedFraud": "boolean",
    "groupSize": "integer",
    "visitors": "integer",
    "locationId": "text",
    "priority": "integer",
    "storeId": "integer",
    "storeIdScannableAt": "integer",
    "metadata": "text",
    "customerId": "text",
    "customer": "text",
    "store": "text",
}
_KINDS: tuple[session.Kind, ...] = ("customer", "store")


def _read(selection: Selection) -> Iterator[Exported]:
    account = selection.account or ""
    told: set[str] = set()
    for page in _pages(account, selection):
        shown = {item["session"]: json.loads(item["body"]) for item in page}
        records = _records({key for one in shown.values() for key in _named(account, one).values() if key})
        for item in page:
            members = shown[item["session"]]
            if not selection.has(clock.parse(members["createdAt"])):
                continue
            named = {kind: records[key] for kind, key in _named(account, members).items() if key in records}
            lines = [
                _record_event(account, kind, record) for kind, record in named.items() if record["record"] not in told
            ]
            told = (told if len(told) < _REMEMBERED else set()) | {record["record"] for record in named.values()}
            yield Exported((*lines, _session_event(account, item, members["updatedAt"])), _row(members, named))


def _pages(account: str, selection: Selection) -> Iterator[list[Item]]:
    """The account's sessions, shard by shard, by `createdAt`; at the ends some more than are selected."""
    first = "0" if selection.since is None else encode("createdAt", clock.milliseconds(selection.since))
    last = "1" if selection.until is None else encode("createdAt", clock.milliseconds(selection.until)) + "1"
    for shard in session.shards(account):
        for entries in dynamodb.pages(
            partial(
                dynamodb.query,
                SESSIONS,
                "#shard = :shard AND #createdAtPlace BETWEEN :first AND :last",
                "session",
                index=BY_ORDERING["createdAt"],
                limit=_PAGE,
                shard=shard,
                first=first,
                last=last,
            )
        ):
            keys = [{"session": entry["session"]} for entry in entries]
            found = dynamodb.batch_get(SESSIONS, keys, "session", "body", "version") if keys else []
            items = {item["session"]: item for item in found}
            yield [items[entry["session"]] for entry in entries if entry["session"] in items]


def _named(account: str, members: Mapping[str, Any]) -> dict[session.Kind, str | None]:
    """The keys of the session's customer and store."""
    store_id = members["storeId"]
    return {
        "customer": session.record_key(account, "customer", int(members["customerId"])),
        "store": None if store_id is None else session.record_key(account, "store", store_id),
    }


def _records(keys: set[str]) -> dict[str, Item]:
    wanted = [{"record": key} for key in sorted(keys)]
    found = dynamodb.batch_get(RECORDS, wanted, "record", "body", "version") if wanted else []
    return {item["record"]: item for item in found}


def _session_event(account: str, item: Item, updated: str) -> str:
    """With `updatedAt` to the microsecond, which its version has: a session is the newer one by that."""
    exact, _, version = item["version"].partition("\n")
    body = item["body"]
    if "." in updated:
        body = body.replace(f'"updatedAt":"{updated}"', f'"updatedAt":"{exact}"', 1)
    return events.written("store.session.saved", version, _data(account, "session", body))


def _record_event(account: str, kind: session.Kind, record: Item) -> str:
    return events.written(f"store.{kind}.saved", record["version"], _data(account, kind, record["body"]))


def _data(account: str, name: str, body: str) -> str:
    return f'{{"accountId":{events.as_json(account)},"{name}":{body}}}'


def _row(members: Mapping[str, Any], named: Mapping[session.Kind, Item]) -> dict[str, Cell]:
    row = {name: _cell(members[name], kind) for name, kind in _COLUMNS.items() if name in members}
    row["metadata"] = events.as_json(members["metadata"])
    return row | {name: named[name]["body"] if name in named else None for name in _KINDS}


def _cell(value: Any, kind: Kind) -> Cell:
    cell: Cell = clock.parse(value) if kind == "time" and value is not None else value
    return cell


EXPORT = Export(columns=_COLUMNS, read=_read)
