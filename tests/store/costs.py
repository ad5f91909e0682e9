"""A retailer's sessions as they are in life, and what pages of them cost on an engine that counts as DynamoDB does."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

from functions.store import listing, session
from functions.store.ordering import ORDERINGS
from functions.store.query import STATUSES, Query
from sessions import clock, dynamodb, log
from tests.store.sessions import Values

COUNT = 20
FIRST = 1_700_000_000  # seconds
APART = 60
BOUND = ("none", "store", "middle store", "customer", "good customer", "range", "store, range")
"""The columns that `check` holds for."""
CUSTOMER_SESSIONS = 25
"""How many a customer has, on average."""


def sessions(count: int, *, stores: int) -> list[Values]:
    """So many sessions, one a minute. The same ones every time.

    Half are in the first of the stores, 3 in 100 in the second. Customer 8 has 100, or a fifth of few.
    """
    chance = random.Random(count)
    made = [_session(number, count, stores, chance) for number in range(count)]
    others = [one for one in made if one["customerId"] not in (7, 8)]
    for one in chance.sample(others, min(100, count // 5) - sum(one["customerId"] == 8 for one in made)):
        one["customerId"] = 8
    return made


def _session(number: int, count: int, stores: int, chance: random.Random) -> Values:
    created = FIRST + APART * number
    came = chance.random() < 0.9
    scanned = created + chance.randrange(600)
    return {
        "id": 10_000 + number,
        "code": str(UUID(int=chance.getrandbits(128))),
        "storeId": _store(stores, chance) if came else None,
        "visitors": chance.choice((0, 0, 0, 0, 1, 1, 2, 3)),
        "groupSize": chance.choice((1, 1, 1, 2, 2, 3, 4)),
        "expiresAt": _text(created + 900),
        "customerId": chance.randint(1, count // CUSTOMER_SESSIONS),
        "codeLastSuccesfullyScannedAt": _text(scanned) if came else None,
        "customerLastEnteredAt": _text(scanned + chance.randrange(60)) if came else None,
        "createdAt": _text(created),
        "updatedAt": _text(created + chance.randrange(3600)),
        "status": chance.choices(STATUSES, weights=(1, 1, 80, 10, 8))[0],
        "sessionToken": str(UUID(int=chance.getrandbits(128))),
    }


def _store(stores: int, chance: random.Random) -> int:
    if stores == 1 or chance.random() < 0.5:
        return 1
    return 2 if chance.random() < 0.06 else chance.randint(3, stores)


def _text(seconds: float) -> str:
    return clock.milliseconds(datetime.fromtimestamp(seconds, UTC))


@dataclass
class Cost:
    """Read units by what was read, and what the log says of the page."""

    index: float = 0.0
    sessions: float = 0.0
    records: float = 0.0
    calls: int = 0
    waves: int = 0
    """How often something was asked after something had been waited for, and at first: what callers wait for."""
    plan: str = ""
    rounds: int = 0
    short: bool = False
    logged: float = 0.0
    unsaid: float = 0.0
    """What dynalite leaves out."""

    @property
    def units(self) -> float:
        return self.index + self.sessions + self.records


@contextmanager
def measured() -> Iterator[Cost]:
    """What is read while it is open. An empty query costs half a unit, though dynalite says none."""
    cost = Cost()
    read = dynamodb._read
    has_waited = True

    def _read(operation: str, request: dict[str, Any]) -> Callable[[], Any]:
        nonlocal has_waited
        cost.waves += has_waited
        has_waited = False
        wait = read(operation, request)
        return lambda: counted(request, wait())

    def counted(request: dict[str, Any], answer: Any) -> Any:
        nonlocal has_waited
        has_waited = True
        consumed = answer["ConsumedCapacity"]
        cost.calls += 1
        if "RequestItems" not in request:
            units = max(0.5, consumed["CapacityUnits"])
            cost.unsaid += units - consumed["CapacityUnits"]
            if "KeyConditionExpression" in request:
                cost.index += units
            else:
                cost.sessions += units
        else:
            for one in consumed:
                if one["TableName"] == session.RECORDS.physical_name:
                    cost.records += one["CapacityUnits"]
                else:
                    cost.sessions += one["CapacityUnits"]
        return answer

    def _measured(_event: str, dimensions: dict[str, str], counts: dict[str, float], **_data: Any) -> None:
        cost.plan, cost.rounds, cost.short = dimensions["plan"], int(counts["rounds"]), bool(counts["short"])
        cost.logged = counts["read_units"] + cost.unsaid

    with patch.object(dynamodb, "_read", _read), patch.object(log, "measured", _measured):
        yield cost


def page(account: str, query: Query) -> tuple[listing.Page, Cost]:
    with measured() as cost:
        found = listing.page(account, query)
    assert cost.waves <= cost.rounds
    return found, cost


def filters(count: int, stores: int) -> dict[str, dict[str, Any]]:
    """The filters of a table's columns, for a retailer with so many sessions: what `Query` takes, by their names."""
    end = FIRST + APART * count
    day = {"least": {"createdAt": _text(end - 86_400)}, "most": {"createdAt": _text(end - 43_200)}}
    smaller = {"middle store": {"equal": {"storeId": 2}}, "small store": {"equal": {"storeId": 3}}}
    return {
        "none": {},
        "store": {"equal": {"storeId": 1}},
        **(smaller if stores > 1 else {}),
        "customer": {"equal": {"customerId": 7}},
        "good customer": {"equal": {"customerId": 8}},
        "completed": {"statuses": frozenset({"completed"})},
        "expired": {"statuses": frozenset({"expired"})},
        "open": {"statuses": frozenset({"active", "created"})},
        "half a day": day,
        "store, open": {"equal": {"storeId": 1}, "statuses": frozenset({"active"})},
        "store, expired": {"equal": {"storeId": 1}, "statuses": frozenset({"expired"})},
        "visitors": {"least": {"visitors": 3}},
        "code": {"equal": {"code": "nobody's"}},
        "token": {"equal": {"sessionToken": "nobody's"}},
    }


def ranges(ordering: str, count: int) -> dict[str, dict[str, Any]]:
    """As `filters`: a range of the ordering's own key, of all sessions and of a store's; none where there is none."""
    own = own_range(ordering, count)
    if own is None:
        return {}
    return {"range": own} if ordering == "storeId" else {"range": own, "store, range": own | {"equal": {"storeId": 1}}}


def own_range(ordering: str, count: int) -> dict[str, Any] | None:
    """A range of the ordering's own key that has far more than a page; None where there is no such filter."""
    match ORDERINGS[ordering], ordering:
        case "time", _:
            middle = FIRST + APART * count // 2
            bounds = {ordering: _text(middle - APART * count // 8)}, {ordering: _text(middle + APART * count // 8)}
            return {"least": bounds[0], "most": bounds[1]}
        case _, "visitors" | "groupSize":
            return {"least": {ordering: 1}, "most": {ordering: 2}}
        case _, "storeId":
            return {"equal": {"storeId": 1}}
        case _:
            return None


def check(found: listing.Page, cost: Cost, label: str) -> None:
    """The page is full, or the last one, and costs no more than it may."""
    shown = [json.loads(body) for body in found.bodies]
    customers, stores = {one["customerId"] for one in shown}, {one["storeId"] for one in shown} - {None}
    assert shown, label
    assert not cost.short, label
    assert cost.index <= 4.5, f"{label}: {cost}"
    assert cost.sessions <= 0.5 * len(shown), f"{label}: {cost}"
    assert cost.records <= 0.5 * (len(customers) + len(stores)), f"{label}: {cost}"
    assert cost.rounds <= 2, f"{label}: {cost}"
