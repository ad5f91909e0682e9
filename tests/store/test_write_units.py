"""What saves cost, by DynamoDB's rule: each kilobyte of the item, and of each index entry that comes, goes or changes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
"""

import json
from itertools import combinations
from typing import Any

import pytest

from functions.store import demonstration, record_sessions, session
from functions.store.events import EVENTS, SessionSavedEvent
from functions.store.ordering import ORDERINGS
from sessions import dynamodb
from sessions.dynamodb import Item
from sessions.tables import Index

STEADY = {"id", "customerId", "createdAt"}
"""They stay as they are as long as the session is one."""


@pytest.fixture(autouse=True)
def _shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", "8")


def units(old: Item | None, new: Item) -> int:
    """To store `new` where `old` is."""
    return _blocks(old, new) + sum(_units_of_index(index, old, new) for index in session.SESSIONS.indexes)


def _units_of_index(index: Index, old: Item | None, new: Item) -> int:
    before, after = _entry(index, old), _entry(index, new)
    if before == after:
        return 0
    if before and after and all(before[name] == after[name] for name in index.key.attributes()):
        return _blocks(before, after)
    return sum(_blocks(one) for one in (before, after) if one)


def _entry(index: Index, one: Item | None) -> Item | None:
    if one is None or not all(name in one for name in index.key.attributes()):
        return None
    names = {*session.SESSIONS.key.attributes(), *index.key.attributes(), *index.projected}
    return {name: value for name, value in one.items() if name in names}


def _blocks(*items: Item | None) -> int:
    return max(-(-dynamodb.size(one) // 1024) for one in items if one)


def demonstrated() -> list[SessionSavedEvent]:
    found = [EVENTS.validate_json(json.dumps(event)) for event in demonstration.events()]
    return [event for event in found if isinstance(event, SessionSavedEvent)]


def stored(event: SessionSavedEvent, **changes: Any) -> Item:
    values = record_sessions.values_of(event.data.session) | changes
    return session.item_of("demo-retailer", values=values, body=event.data.session.body, version=event.version)


def changed(name: str, value: Any) -> Any:
    if isinstance(value, int) or (value is None and name == "storeId"):
        return (value or 0) + 1
    return "changed" if name == "code" else "2026-01-02T03:04:05.678Z"


def test_a_session_costs_24_units_to_create() -> None:
    assert max(units(None, stored(event)) for event in demonstrated()) <= 24
    event = demonstrated()[-1]
    largest = stored(event)
    largest["body"] += " " * (4096 - dynamodb.size(largest))
    assert dynamodb.size(largest) == 4096
    assert units(None, largest) == 24


@pytest.mark.parametrize(
    "names", list(combinations([name for name in ORDERINGS if name not in STEADY], 2)), ids="-".join
)
def test_two_ordering_values_cost_12_units_to_update(names: tuple[str, str]) -> None:
    """A move to another store is the exception: the session leaves six indexes and enters six others."""
    most = 0
    for event in demonstrated()[::7]:
        values = record_sessions.values_of(event.data.session)
        changes = {name: changed(name, values[name]) for name in names}
        most = max(most, units(stored(event), stored(event, **changes)))
    assert most <= (24 if "storeId" in names else 12)


def test_the_same_save_again_changes_no_index() -> None:
    event = demonstrated()[0]
    assert units(stored(event), stored(event) | {"version": "later"}) == 2
