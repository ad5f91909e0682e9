"""A shopping session, and the customers and stores it names, as they are stored and found.

| question | table or index | key condition |
| --- | --- | --- |
| one session, to save or to show it | `store-sessions` | session |
| sessions in one of eleven orders | `by_<ordering>` | shard, place from and to; each shard |
| a store's sessions, in six of the orders | `of_store_by_<ordering>` | store, place from and to |
| a customer's sessions | `of_customer` | customer, place by id from and to |
| sessions with this token | `of_token` | token |
| sessions still going on | `open` | openShard, place by id from and to; each shard |
| one customer, or one store | `store-records` | record |

The sessions of a page are read by their keys, which is all that an ordering's index has, beside members that stay as
they are, and the weight. `of_customer` and `open`, whose sessions are sorted in memory, have all that is sorted and
filtered by.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal

from functions.store.ordering import ORDERINGS, place
from functions.store.query import STATUSES
from sessions import dynamodb, settings
from sessions.dynamodb import ConditionFailedError, Item
from sessions.tables import Index, Key, Table

OPEN = frozenset(STATUSES[:2])
STORE_ORDERINGS = (
    "id",
    "createdAt",
    "updatedAt",
    "expiresAt",
    "codeLastSuccesfullyScannedAt",
    "customerLastEnteredAt",
)

MEMBERS = (*ORDERINGS, "status", "sessionToken")
"""What is sorted and filtered by."""
STEADY = ("customerId", "createdAt")
"""Those that stay as they are: so an index that has them costs no write when a session changes."""

BY_ORDERING = {
    name: Index(
        f"by_{name}",
        Key("shard", f"{name}Place"),
        (*STEADY, "weight") if name in STORE_ORDERINGS else (*STEADY, "storeId", "weight"),
    )
    for name in ORDERINGS
}
OF_STORE = {
    name: Index(f"of_store_by_{name}", Key("store", f"{name}Place"), (*STEADY, "weight")) for name in STORE_ORDERINGS
}
OF_CUSTOMER = Index("of_customer", Key("customer", "idPlace"), ("values", "weight"))
OF_TOKEN = Index("of_token", Key("token", "idPlace"), (*STEADY, "weight"))
OPEN_NOW = Index("open", Key("openShard", "idPlace"), ("values", "weight"))

SESSIONS = Table(
    "store-sessions",
    Key("session"),
    indexes=(*BY_ORDERING.values(), *OF_STORE.values(), OF_CUSTOMER, OF_TOKEN, OPEN_NOW),
)
RECORDS = Table("store-records", Key("record"))

Kind = Literal["customer", "store"]

CLOCK_DIFFERENCE = timedelta(minutes=5)
"""So much may a time of a session lie before its `createdAt`: the clocks that wrote the two differ."""

READ_BLOCK = 4096
"""Bytes that one unit of reading pays for, or half a unit where the read is eventually consistent."""
LARGEST_BODY = 128 * 1024
"""Octets of a session as it is stored to be sent: a request's work is bounded only where that of one session is."""
LARGEST_RECORD = READ_BLOCK - 256
"""Octets of a customer or store as it is stored to be sent, with its version and its account: one block in all."""
LONGEST_TEXT = 256
"""Octets of a code or token: what an index has of one session is small."""


def save_session(account: str, *, values: Mapping[str, Any], body: str, version: str) -> bool:
    """Stores the session unless a newer save, or this one, is stored already; whether it did."""
    return _save(SESSIONS, item_of(account, values=values, body=body, version=version))


def item_of(account: str, *, values: Mapping[str, Any], body: str, version: str) -> Item:
    """The session as it is stored.

    `values` are its `MEMBERS`, by their wire names. `body` is the JSON of the others' contract, without `customer` and
    `store`.
    """
    session_id = values["id"]
    shard = shard_of(account, zlib.crc32(str(session_id).encode()) % settings.number("STORE_SHARDS"))
    item: Item = {
        "session": session_key(account, session_id),
        "shard": shard,
        "customer": of_account(account, values["customerId"]),
        "token": of_account(account, values["sessionToken"]),
        "values": json.dumps([values[name] for name in MEMBERS], ensure_ascii=False, separators=(",", ":")),
        "body": body,
        "version": version,
    }
    item |= {name: values[name] for name in (*STEADY, "storeId")}
    item |= {f"{name}Place": place(name, values[name], session_id) for name in ORDERINGS}
    if values["storeId"] is not None:
        item["store"] = of_account(account, values["storeId"])
    if values["status"] in OPEN:
        item["openShard"] = shard
    if (bytes_ := dynamodb.size(item)) > READ_BLOCK - len("weight") - 2:
        item["weight"] = -(-bytes_ // READ_BLOCK)
    return item


def known_of(item: Item) -> dict[str, Any]:
    """Those of the session's `MEMBERS` that an index has."""
    if "values" in item:
        return values_of(item)
    length, _, key = item["session"].partition(":")
    known = {name: item[name] for name in (*STEADY, "storeId") if name in item}
    return known | {"id": int(key[int(length) :])}


def values_of(item: Item) -> dict[str, Any]:
    """The session's `MEMBERS`, out of its item, or out of an index that has them."""
    return dict(zip(MEMBERS, json.loads(item["values"]), strict=True))


def weight(item: Item) -> int:
    """How many blocks of `READ_BLOCK` bytes reading the session costs."""
    return int(item.get("weight", 1))


def save_record(account: str, kind: Kind, record_id: int, *, body: str, version: str) -> bool:
    """Stores the customer or store unless a newer save, or this one, is stored already; whether it did."""
    return _save(RECORDS, {"record": record_key(account, kind, record_id), "body": body, "version": version})


def find(account: str, session_id: int) -> Item | None:
    """What is sorted and filtered by of the session. One key lookup."""
    return dynamodb.get(SESSIONS, {"session": session_key(account, session_id)}, "values", "weight")


def load(session_keys: Iterable[str]) -> dict[str, Item]:
    """The sessions that are there, by their keys, with `values` as `values_of` gives them."""
    keys = [{"session": key} for key in session_keys]
    items = dynamodb.batch_get(SESSIONS, keys, "session", "values", "weight", "body")
    return {item["session"]: item | {"values": values_of(item)} for item in items}


def load_records(record_keys: Iterable[str]) -> dict[str, str]:
    """The JSON of the customers and stores that are there, by their keys."""
    items = dynamodb.batch_get(RECORDS, [{"record": key} for key in record_keys], "record", "body")
    return {item["record"]: item["body"] for item in items}


def shown(account: str, item: Item, records: Mapping[str, str]) -> str:
    """The JSON of a session of `load` with its customer and store as they are now, null where they are not known."""
    values = item["values"]
    customer = records.get(record_key(account, "customer", values["customerId"]), "null")
    store = records.get(record_key(account, "store", values["storeId"]), "null")
    return f'{item["body"][:-1]},"customer":{customer},"store":{store}}}'


def records_of(account: str, item: Item) -> list[str]:
    """The keys of the customer and store of a session of `load`."""
    values = item["values"]
    keys = [record_key(account, "customer", values["customerId"])]
    return keys if values["storeId"] is None else [*keys, record_key(account, "store", values["storeId"])]


def session_key(account: str, session_id: int) -> str:
    return of_account(account, session_id)


def record_key(account: str, kind: Kind, record_id: int | None) -> str:
    return of_account(account, f"{kind}#{record_id}")


def shard_of(account: str, number: int) -> str:
    return of_account(account, f"shard#{number}")


def shards(account: str) -> list[str]:
    """The partitions that the account's sessions are spread over."""
    return [shard_of(account, number) for number in range(settings.number("STORE_SHARDS"))]


def of_account(account: str, name: str | int) -> str:
    """A key of this account's: the length keeps (`ab`, `c`) apart from (`a`, `bc`)."""
    return f"{len(account)}:{account}{name}"


def _save(table: Table, item: Item) -> bool:
    try:
        condition = f"attribute_not_exists(#{table.key.partition}) OR #version < :version"
        dynamodb.put(table, item, condition, version=item["version"])
    except ConditionFailedError:
        return False
    return True
