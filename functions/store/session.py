"""A shopping session, and the customers and stores it names, as they are stored and found.

| question | table or index | key condition |
| --- | --- | --- |
| one session, to save or to show it | `store-sessions` | session |
| sessions in one of eleven orders | `by_<ordering>` | shard, place from and to; each shard |
| a store's sessions, in nine of the orders | `of_store_by_<ordering>` | store, place from and to |
| … in the order of their ids | `by_storeId` | shard, the store and then the id from and to; each shard |
| a customer's sessions | `by_customerId` | customerShard, the customer and then the id from and to; four shards |
| sessions with this token | `store-tokens` | partition of the token |
| sessions still going on | `store-tokens` | partition of the shard, place by id from and to; each shard |
| one customer, or one store | `store-records` | record |

The sessions of a page are read by their keys, and their customers and stores at the same time: so an index has those
keys, beside the weight, and a member that stays as it is. `by_customerId` has all that is sorted and filtered by but
long codes, for a customer's sessions are sorted in memory; of its shards, four have them.

Twenty indexes are as many as a table may have, so tokens and open sessions have a table of their own: an item for each
session's token, and one more while the session is open. The two tables are not written at once: a session that
`store-tokens` names may not be there yet, be open no more, or have another token. So nothing is believed of it but the
session's key: only the session itself tells.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from functions.store.ordering import ORDERINGS, integer_of, place, text_of
from functions.store.query import STATUSES, Members
from sessions import attributes, clock, dynamodb, proxy, settings
from sessions.attributes import Item
from sessions.dynamodb import Pending
from sessions.tables import Index, Key, Table

OPEN = frozenset(STATUSES[:2])
STORE_ORDERINGS = tuple(name for name in ORDERINGS if name not in ("id", "storeId"))

STEADY = ("customerId", "createdAt")
"""Members that stay as they are: so an index that has them costs no write when a session changes."""
_CARRIED = (*STEADY, "storeId", "weight")
"""What an index has beside its keys: so what a session is shown with can be read at the same time."""
MEMBERS = (*ORDERINGS, "status", "sessionToken")
"""What is sorted and filtered by."""
PACKED = tuple(name for name in MEMBERS if name not in ("id", "customerId", "code", "sessionToken"))
"""Members that the attribute `values` has of each session; it has the code, too, unless that is a long one."""

_BY_CUSTOMER = Index("by_customerId", Key("customerShard", "customerIdPlace"), ("values", "weight"))
BY_ORDERING = {name: Index(f"by_{name}", Key("shard", f"{name}Place"), _CARRIED) for name in ORDERINGS} | {
    "customerId": _BY_CUSTOMER
}
OF_STORE = {name: Index(f"of_store_by_{name}", Key("store", f"{name}Place"), _CARRIED) for name in STORE_ORDERINGS}
SESSIONS = Table("store-sessions", Key("session"), indexes=(*BY_ORDERING.values(), *OF_STORE.values()))

TOKENS = Table("store-tokens", Key("partition", "idPlace"))

RECORDS = Table("store-records", Key("record"))

Kind = Literal["customer", "store"]

CUSTOMER_SHARDS = 4
"""Into so many shards of `by_customerId` a customer's sessions are spread: few for who asks for all of them, and enough
for who goes through many customers."""

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

_LONGEST_CODE = 36
"""Octets of a code, as JSON has it between its quotes, that `values` tells: a page of twenty sessions in the order of
customers is then one block of each shard, whatever their numbers are."""
_DIGEST = 16  # characters
_VERSION = 120  # characters: the times of a version, and the beginning of its event's id

_TOLD = ("session", *_CARRIED, "sessionToken", "codePlace", "values")
_SHOWN = ("session", "customerId", "storeId", "weight")
_IN_PLACE = ("code", "createdAt", *(name for name in PACKED if name != "createdAt"))
_PLACES = {name: number for number, name in enumerate(_IN_PLACE)}
"""Where a member stands in `values`."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def item_of(account: str, *, values: Mapping[str, Any], body: str, version: str) -> Item:
    """The session as it is stored.

    `values` are its `MEMBERS`, by their wire names. `body` is the JSON of the others' contract, without `customer` and
    `store`.
    """
    session_id = values["id"]
    item: Item = {
        "session": session_key(account, session_id),
        "shard": _shard(account, _hash(session_id)),
        "customerShard": _customer_shard(account, values["customerId"], session_id),
        "sessionToken": values["sessionToken"],
        "values": _packed(values),
        "body": body,
        "version": version,
    }
    item |= {name: values[name] for name in (*STEADY, "storeId")}
    item |= {f"{name}Place": place(name, values[name], session_id) for name in ORDERINGS}
    if values["storeId"] is not None:
        item["store"] = of_account(account, values["storeId"])
    if (bytes_ := attributes.size(item)) > READ_BLOCK - len("weight") - 2:
        item["weight"] = -(-bytes_ // READ_BLOCK)
    return item


def token_of(account: str, item: Item) -> Item:
    """What is stored beside the session, to find it by its token."""
    return _beside(item) | {"partition": token_partition(account, item["sessionToken"]), "version": item["version"]}


def open_of(item: Item) -> Item:
    """What is stored beside the session while it is open, to find it among the open ones.

    Of its version it has as much as tells nearly any two apart: so it is small, whatever events are called.
    """
    return _beside(item) | {"partition": item["shard"], "version": item["version"][:_VERSION]}


UNKNOWN: Members = {}
"""Of a session that nobody asks anything about."""


class Loaded(NamedTuple):
    """A session as it is shown. `customer` and `store` are keys of records; it may have no store."""

    place: str
    known: Members
    weight: int
    customer: str
    store: str | None
    body: str


class Known:
    """Those of the session's `MEMBERS` that its item tells, or the entry of an index. Each is made out when it is asked
    for: a page goes through hundreds of sessions, and asks most of them for little.
    """

    __slots__ = ("_item", "_values")

    def __init__(self, item: Item) -> None:
        self._item = item
        self._values: list[Any] | None = None

    def __contains__(self, name: str) -> bool:
        item = self._item
        if name == "id" or name in item or (f"{name}Place" in item and name in ("customerId", "code")):
            return True
        return "values" in item and name in _PLACES and (name != "code" or self._packed()[0] is not None)

    def __getitem__(self, name: str) -> Any:
        """`KeyError` where it is not told."""
        item = self._item
        if name == "id":
            return int(item["session"][_DIGEST:])
        if name in item:
            return item[name]
        if name == "customerId":
            return integer_of(item["customerIdPlace"])
        if name == "code" and "codePlace" in item:
            return text_of(item["codePlace"])
        if name not in self:
            raise KeyError(name)
        return _unpacked(self._packed(), name)

    def _packed(self) -> list[Any]:
        if self._values is None:
            self._values = json.loads(self._item["values"])
        return self._values


def known_of(item: Item) -> dict[str, Any]:
    """All that is `Known` of the session by its item, or by the entry of an index."""
    known = Known(item)
    return {name: known[name] for name in MEMBERS if name in known}


def weight(item: Item) -> int:
    """How many blocks of `READ_BLOCK` bytes reading the session costs."""
    return int(item.get("weight", 1))


def find(account: str, session_id: int) -> Item | None:
    """What is sorted and filtered by of the session. One key lookup."""
    return find_ahead(account, session_id).result()


def find_ahead(account: str, session_id: int) -> Pending[Item | None]:
    """As `find`, and under way when this returns."""
    return dynamodb.get_ahead(SESSIONS, {"session": session_key(account, session_id)}, *_TOLD)


def load_ahead(
    account: str, session_keys: Iterable[str], ordering: str, *, is_filtered: bool
) -> Pending[list[tuple[str, Loaded]]]:
    """The sessions that are there, with their keys, at their places in this ordering. Nothing is `known` of them,
    unless they are filtered.
    """
    keys = [{"session": key} for key in session_keys]
    own_place = f"{ordering}Place"
    told = _TOLD if is_filtered else _SHOWN
    customers, stores = (record_key(account, kind, "") for kind in ("customer", "store"))

    def loaded(items: Iterable[Item]) -> list[tuple[str, Loaded]]:
        return [
            (
                item["session"]["S"],
                Loaded(
                    item[own_place]["S"],
                    Known(attributes.decoded(item)) if is_filtered else UNKNOWN,
                    int(item["weight"]["N"]) if "weight" in item else 1,
                    customers + item["customerId"]["N"],
                    stores + item["storeId"]["N"] if "N" in item["storeId"] else None,
                    item["body"]["S"],
                ),
            )
            for item in items
        ]

    return dynamodb.batch_get_ahead(SESSIONS, keys, *dict.fromkeys((*told, "body", own_place)), understand=loaded)


def load_records_ahead(record_keys: Iterable[str]) -> Pending[list[tuple[str, str]]]:
    """The JSON of the customers and stores that are there, in ASCII, with their keys."""
    keys = [{"record": key} for key in record_keys]
    return dynamodb.batch_get_ahead(RECORDS, keys, "record", "body", understand=_records)


def _records(items: Iterable[Item]) -> list[tuple[str, str]]:
    return [(item["record"]["S"], proxy.in_ascii(item["body"]["S"])) for item in items]


def shown(sessions: Iterable[Loaded], records: Mapping[str | None, str]) -> list[str]:
    """The sessions' JSON, with that of their customers and stores as they are now."""
    return [f'{one.body[:-1]},"customer":{records[one.customer]},"store":{records[one.store]}}}' for one in sessions]


def session_key(account: str, session_id: int) -> str:
    return of_account(account, session_id)


def record_key(account: str, kind: Kind, record_id: int | str) -> str:
    return of_account(account, f"{kind}#{record_id}")


def token_partition(account: str, token: str) -> str:
    return of_account(account, f"token#{token}")


def shards(account: str, number: int | None = None) -> list[str]:
    """The partitions that the account's sessions are spread over, or would be if there were so many."""
    return [of_account(account, one) for one in range(number or settings.number("STORE_SHARDS"))]


def customer_shards(account: str, customer_id: int) -> list[str]:
    """Those of them that have the customer's sessions in `by_customerId`."""
    numbers = range(min(CUSTOMER_SHARDS, settings.number("STORE_SHARDS")))
    return [_shard(account, _hash(customer_id) + number) for number in numbers]


def of_account(account: str, name: str | int) -> str:
    """A key of this account's. A digest of 96 bits keeps it apart from all others', and as short as any other."""
    return f"{_digest(account)}{name}"


@lru_cache(maxsize=1000)
def _digest(account: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(account.encode()).digest()[: _DIGEST * 6 // 8]).decode()


def _customer_shard(account: str, customer_id: int, session_id: int) -> str:
    return _shard(account, _hash(customer_id) + _hash(session_id) // settings.number("STORE_SHARDS") % CUSTOMER_SHARDS)


def _shard(account: str, number: int) -> str:
    return of_account(account, number % settings.number("STORE_SHARDS"))


def _hash(number: int) -> int:
    return zlib.crc32(str(number).encode())


def _packed(values: Mapping[str, Any]) -> str:
    """What `values` has, as JSON: times by how long they are after `createdAt`, the status by its number."""
    code = json.dumps(values["code"], ensure_ascii=False)
    created = _milliseconds(values["createdAt"])
    packed: list[Any] = [None if len(code.encode()) > _LONGEST_CODE + 2 else values["code"], created]
    for name in PACKED:
        value = values[name]
        if name == "status":
            packed.append(STATUSES.index(value))
        elif name != "createdAt":
            is_time = ORDERINGS[name] == "time" and value is not None
            packed.append(_milliseconds(value) - created if is_time else value)
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":"))


def _unpacked(packed: list[Any], name: str) -> Any:
    """One member of what `_packed` has packed."""
    created, value = packed[1], packed[_PLACES[name]]
    if name == "status":
        return STATUSES[value]
    if name == "createdAt":
        return _moment(created)
    return _moment(created + value) if value is not None and ORDERINGS[name] == "time" else value


def _milliseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // _MILLISECOND


def _moment(milliseconds: int) -> str:
    return clock.milliseconds(_EPOCH + milliseconds * _MILLISECOND)


def _beside(item: Item) -> Item:
    return {name: item[name] for name in ("session", "idPlace", "customerId", "weight") if name in item}
