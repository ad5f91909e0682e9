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
from sessions import attributes
from sessions.attributes import Item
from sessions.tables import Index, Table

ACCOUNT = demonstration.ACCOUNT
STEADY = {"id", "customerId", "createdAt"}
"""They stay as they are as long as the session is one."""


@pytest.fixture(autouse=True)
def _shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", "8")


def units(old: Item | None, new: Item) -> int:
    """To store `new` where `old` is, and its token."""
    tokens = [None if one is None else session.token_of(ACCOUNT, one) for one in (old, new)]
    assert tokens[1] is not None
    return _units_of(session.SESSIONS, old, new) + _units_of(session.TOKENS, tokens[0], tokens[1])


def _units_of(table: Table, old: Item | None, new: Item) -> int:
    return _blocks(old, new) + sum(_units_of_index(table, index, old, new) for index in table.indexes)


def _units_of_index(table: Table, index: Index, old: Item | None, new: Item) -> int:
    before, after = _entry(table, index, old), _entry(table, index, new)
    if before == after:
        return 0
    if before and after and all(before[name] == after[name] for name in index.key.attributes()):
        return _blocks(before, after)
    return sum(_blocks(one) for one in (before, after) if one)


def _entry(table: Table, index: Index, one: Item | None) -> Item | None:
    if one is None or not all(name in one for name in index.key.attributes()):
        return None
    names = {*table.key.attributes(), *index.key.attributes(), *index.projected}
    return {name: value for name, value in one.items() if name in names}


def _blocks(*items: Item | None) -> int:
    return max(-(-attributes.size(one) // 1024) for one in items if one)


def demonstrated() -> list[SessionSavedEvent]:
    found = [EVENTS.validate_json(json.dumps(event)) for event in demonstration.events()]
    return [event for event in found if isinstance(event, SessionSavedEvent)]


def stored(event: SessionSavedEvent, **changes: Any) -> Item:
    values = record_sessions.values_of(event.data.session) | changes
    return session.item_of(ACCOUNT, values=values, body=event.data.session.body, version=event.version)


def changed(name: str, value: Any) -> Any:
    if isinstance(value, int) or (value is None and name == "storeId"):
        return (value or 0) + 1
    return "changed" if name == "code" else "2026-01-02T03:04:05.678Z"


def test_a_session_costs_24_units_to_create() -> None:
    assert max(units(None, stored(event)) for event in demonstrated()) <= 24
    event = demonstrated()[-1]
    largest = stored(event)
    largest["body"] += " " * (2048 - attributes.size(largest))
    assert attributes.size(largest) == 2048
    assert units(None, largest) == 24


@pytest.mark.parametrize(
    "names", list(combinations([name for name in ORDERINGS if name not in STEADY], 2)), ids="-".join
)
def test_two_ordering_values_cost_12_units_to_update(names: tuple[str, str]) -> None:
    """A move to another store is the exception: the session leaves nine orders of a store and enters nine others."""
    most = 0
    for event in demonstrated()[::7]:
        values = record_sessions.values_of(event.data.session)
        changes = {name: changed(name, values[name]) for name in names}
        most = max(most, units(stored(event), stored(event, **changes)))
    assert most <= (27 if "storeId" in names else 12)


def test_a_session_that_comes_into_its_store_costs_20_units_to_update() -> None:
    """It enters the store's nine orders; with its first scan, and the time of the save."""
    most = 0
    for event in demonstrated()[::7]:
        outside = stored(event, storeId=None, codeLastSuccesfullyScannedAt=None)
        later = {"codeLastSuccesfullyScannedAt": "2026-01-02T03:04:05.678Z", "updatedAt": "2026-01-02T03:04:05.678Z"}
        most = max(most, units(outside, stored(event, storeId=7, **later)))
    assert most <= 20


def test_the_same_save_again_changes_no_index() -> None:
    event = demonstrated()[0]
    assert units(stored(event), stored(event) | {"version": "later"}) == 3
