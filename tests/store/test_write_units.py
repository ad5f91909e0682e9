"""What saves cost, by DynamoDB's rule: each kilobyte of the item, and of each index entry that comes, goes or changes.

Of the writes that a save really makes: those under a condition that does not hold, and those that find nothing to
remove, cost as well.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
"""

import json
from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Any

import boto3
import pytest

from functions.store import demonstration, record_sessions, saves, session
from functions.store.events import EVENTS, SessionSavedEvent
from functions.store.ordering import ORDERINGS
from functions.store.query import STATUSES
from sessions import attributes, dynamodb
from sessions.attributes import Item, decoded
from sessions.endpoint import CallError
from sessions.tables import Index, Table
from tests.sessions.watching import stored

ACCOUNT = demonstration.ACCOUNT
STEADY = {"id", "customerId", "createdAt"}
"""They stay as they are as long as the session is one."""
PAIRS = list(combinations([name for name in ORDERINGS if name not in STEADY], 2))
LARGEST = 2048
"""Octets of the sessions that the bars hold for."""
LATER = "2026-01-02T03:04:05.678Z"

Save = Callable[..., float]


@pytest.fixture
def save(aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Save:
    """Saves a session, and says what that has cost."""
    monkeypatch.setenv("STORE_SHARDS", "8")
    tables = {table.physical_name: table for table in (session.SESSIONS, session.TOKENS)}
    carry = dynamodb._transport
    written: list[int] = []

    def counted(operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Any:
        if operation not in ("PutItem", "DeleteItem"):
            assert operation == "GetItem"
            return carry(operation, request, may_repeat=may_repeat)
        table = tables[request["TableName"]]
        given = decoded(request["Item"]) if operation == "PutItem" else None
        before = _there(table, given or decoded(request["Key"]))
        try:
            answer = carry(operation, request, may_repeat=may_repeat)()
        except CallError as error:
            if error.code == "ConditionalCheckFailedException":
                written.append(_blocks(before, given))
            raise
        written.append(_units(table, before, given))
        return lambda: answer

    def save(values: dict[str, Any], version: str, *, octets: int = LARGEST) -> int:
        body = " " * (octets - attributes.size(session.item_of(ACCOUNT, values=values, body="", version=version)))
        written.clear()
        saves.save_session(ACCOUNT, values=values, body=body, version=version)
        return sum(written)

    monkeypatch.setattr(dynamodb, "_transport", counted)
    return save


def _there(table: Table, item: Item) -> Item | None:
    key = {name: attributes.attribute(item[name]) for name in table.key.attributes()}
    found = boto3.client("dynamodb").get_item(TableName=table.physical_name, Key=key, ConsistentRead=True)
    return decoded(found["Item"]) if "Item" in found else None


def _units(table: Table, old: Item | None, new: Item | None) -> int:
    return _blocks(old, new) + sum(_units_of_index(table, index, old, new) for index in table.indexes)


def _units_of_index(table: Table, index: Index, old: Item | None, new: Item | None) -> int:
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
    """One for what is not there."""
    return max([1, *(-(-attributes.size(one) // 1024) for one in items if one)])


def demonstrated() -> list[SessionSavedEvent]:
    found = [EVENTS.validate_json(json.dumps(event)) for event in demonstration.events()]
    return [event for event in found if isinstance(event, SessionSavedEvent)]


def members(**changes: Any) -> dict[str, Any]:
    """Those of the last session of the demonstration, which is in a store and has all times."""
    found = [event.data.session for event in demonstrated()[-20:]]
    last = [one for one in found if one.store_id and one.visitors][-1]
    return record_sessions.values_of(last) | changes


def changed(name: str, value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return "changed" if name == "code" else LATER


def test_a_session_costs_24_units_to_create(save: Save) -> None:
    for event in demonstrated()[::9]:
        values = record_sessions.values_of(event.data.session)
        octets = attributes.size(
            session.item_of(ACCOUNT, values=values, body=event.data.session.body, version=event.version)
        )
        assert octets <= LARGEST
        assert save(values, event.version, octets=octets) <= 24
    for number, status in enumerate(STATUSES):
        assert save(members(id=number, status=status), "1") == 24
        assert save(members(id=100 + number, status=status, storeId=None), "1") == 15


@pytest.mark.parametrize("names", [pair for pair in PAIRS if "storeId" not in pair], ids="-".join)
def test_two_ordering_values_cost_12_units_to_update_whatever_becomes_of_the_status(
    save: Save, names: tuple[str, str]
) -> None:
    before = members()
    changes = {name: changed(name, before[name]) for name in names}
    for number, (first, then) in enumerate(product(STATUSES, STATUSES)):
        save(before | {"id": number, "status": first}, "1")
        assert save(before | changes | {"id": number, "status": then}, "2") <= 12, (first, then)


def test_each_ordering_value_more_costs_4_units_and_each_kilobyte_1(save: Save) -> None:
    before = members()
    save(before, "1")
    assert save(before | {"status": "cancelled"}, "2") == 4
    assert save(before | {"status": "expired", "updatedAt": LATER}, "3") == 8
    assert save(before | {"status": "expired", "updatedAt": LATER, "visitors": 7, "code": "x"}, "4") == 12
    assert save(before | {"status": "expired", "updatedAt": LATER, "visitors": 7, "code": "x"}, "5", octets=3072) == 4


def test_to_come_into_a_store_costs_26_units_and_to_move_to_another_35(save: Save) -> None:
    """With the first scan, and the time of the save: the session leaves the orders of a store, and enters others."""
    outside = members(storeId=None, codeLastSuccesfullyScannedAt=None, updatedAt="2026-01-01T00:00:00.000Z")
    scanned = outside | {"codeLastSuccesfullyScannedAt": LATER, "updatedAt": LATER}
    save(outside, "1")
    assert save(scanned | {"storeId": 7}, "2") == 26
    later = {"codeLastSuccesfullyScannedAt": "2026-01-03T00:00:00.000Z", "updatedAt": "2026-01-03T00:00:00.000Z"}
    assert save(scanned | later | {"storeId": 8}, "3") == 35


def test_the_same_save_again_and_a_late_one_cost_no_more_than_a_look(save: Save) -> None:
    before = members(status="active")
    save(before, "2")
    assert save(before, "2") == 1 + 2 + 1
    assert save(before | {"status": "completed"}, "1") == 2 + 1 + 1
    assert save(before | {"status": "completed"}, "3") == 2 + 1 + 1
    assert save(before, "1") == 1 + 2 + 1 + 1, "it joins the open ones, and leaves them"


def test_what_was_counted_is_stored(save: Save) -> None:
    """So that the numbers above are of what really is stored."""
    save(members(status="active"), "1")
    assert len(stored(session.SESSIONS.physical_name)) == 1
    assert len(stored(session.TOKENS.physical_name)) == 2
    save(members(status="completed"), "2")
    assert len(stored(session.TOKENS.physical_name)) == 1
