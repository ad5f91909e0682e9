import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from sessions import dynamodb, endpoint
from sessions.attributes import Item
from sessions.dynamodb import ConditionFailedError, UnprocessedError
from sessions.endpoint import CallError, Endpoint, UnreachableError
from sessions.tables import Index, Key, Table
from tests.sessions.watching import aws_calls, operations
from tests.sessions.wire import answer, serving

pytestmark = pytest.mark.usefixtures("engine")

# Any table with a partition and a sort key does, and one with an index.
TABLE = Table("accounts", Key("partition", "sort"))
BY_USER = Index("by_user", Key("user", "order"), projected=("body",))
INDEXED = Table("widget-sessions", Key("client", "reference"), indexes=(BY_USER,))
KEY = {"partition": "p", "sort": "s"}


@pytest.fixture(params=["aws", "on_dynalite"])
def engine(request: pytest.FixtureRequest) -> None:
    """What the door does, it does on engines of different makers."""
    request.getfixturevalue(request.param)


# Where the test's own client answers, no engine does.
without_engine = pytest.mark.parametrize("engine", ["aws"], indirect=True)


def put_some(count: int) -> list[dict[str, str]]:
    keys = [{"partition": "p", "sort": f"{number:03}"} for number in range(count)]
    for number, key in enumerate(keys):
        dynamodb.put(TABLE, {**key, "number": number, "other": "x"})
    return keys


class Batches:
    """DynamoDB that answers a batch with what it is told: pairs of found and unprocessed, by their place."""

    def __init__(self, *answers: tuple[slice, slice]) -> None:
        self.answers = list(answers)
        self.asked: list[list[Any]] = []

    def __call__(self, operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Callable[[], Any]:
        assert operation == "BatchGetItem"
        assert may_repeat
        ((table, request),) = request["RequestItems"].items()
        keys = request["Keys"]
        self.asked.append(keys)
        found, unprocessed = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        waiting = {table: {"Keys": keys[unprocessed]}} if keys[unprocessed] else {}
        answer = {"Responses": {table: keys[found]} if keys[found] else {}, "UnprocessedKeys": waiting}
        return lambda: answer


def test_a_value_comes_back_as_it_was() -> None:
    texts = ["", "text", "ünï \U0001f600 \x00"]
    plain = [*texts, True, False, 0, 1, -7, 10**30, None, b"\x00\xff", {"one"}, {"one", "two"}]
    nested = [[], {}, plain, {"a": {"b": [1, {"c": None}]}}]
    for value in (*plain, *nested):
        dynamodb.put(TABLE, KEY | {"value": value})

        item = dynamodb.get(TABLE, KEY, consistent=True)
        assert item == KEY | {"value": value}
        assert type(item["value"]) is type(value)


def test_tuples_come_back_as_lists_and_frozen_sets_as_sets() -> None:
    dynamodb.put(TABLE, KEY | {"list": ("a", ("b",)), "set": frozenset({"c"})})

    assert dynamodb.get(TABLE, KEY) == KEY | {"list": ["a", ["b"]], "set": {"c"}}


def test_a_value_that_would_lose_something_is_not_stored() -> None:
    for value in (1.5, object(), [1.5], {"a": 1.5}, {1, "a"}, {True, 2}, {None}, Decimal("NaN"), {Decimal("Infinity")}):
        with pytest.raises(TypeError):
            dynamodb.put(TABLE, KEY | {"value": value})
    assert dynamodb.get(TABLE, KEY) is None


def test_an_item_that_is_not_there_is_none() -> None:
    assert dynamodb.get(TABLE, KEY) is None


def test_attributes_narrow_what_is_returned() -> None:
    dynamodb.put(TABLE, KEY | {"name": "n", "size": 1, "other": 2})

    assert dynamodb.get(TABLE, KEY, "name", "size", "missing") == {"name": "n", "size": 1}
    assert dynamodb.get(TABLE, KEY, "missing") == {}


def test_a_read_is_as_consistent_as_it_is_asked_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch)

    for consistent in (True, False):
        calls.clear()
        dynamodb.get(TABLE, KEY, consistent=consistent)
        dynamodb.query(TABLE, "#partition = :p", p="p", consistent=consistent)
        dynamodb.batch_get(TABLE, [KEY], consistent=consistent)

        assert operations(calls) == ["GetItem", "Query", "BatchGetItem"]
        assert [call["ConsistentRead"] for _, call in calls[:2]] == [consistent] * 2
        assert calls[2][1]["RequestItems"][TABLE.physical_name]["ConsistentRead"] is consistent


def test_a_put_replaces_the_whole_item() -> None:
    dynamodb.put(TABLE, KEY | {"a": 1, "b": 2})
    dynamodb.put(TABLE, KEY | {"a": 3})

    assert dynamodb.get(TABLE, KEY) == KEY | {"a": 3}


def test_nothing_is_written_where_the_condition_fails() -> None:
    stored: Item = KEY | {"version": 5}
    dynamodb.put(TABLE, stored)

    with pytest.raises(ConditionFailedError):
        dynamodb.put(TABLE, KEY | {"version": 4}, "attribute_not_exists(#partition) OR #version < :new", new=4)
    with pytest.raises(ConditionFailedError):
        dynamodb.update(TABLE, KEY, "SET #version = :new", "#version < :new", new=5)
    with pytest.raises(ConditionFailedError):
        dynamodb.delete(TABLE, KEY, "#version = :old", old=4)
    with pytest.raises(ConditionFailedError):
        dynamodb.put(TABLE, KEY, "attribute_not_exists(#partition)")
    assert dynamodb.get(TABLE, KEY) == stored


def test_what_the_condition_allows_is_written() -> None:
    dynamodb.put(TABLE, KEY | {"version": 5}, "attribute_not_exists(#partition)")
    dynamodb.put(TABLE, KEY | {"version": 6}, "attribute_not_exists(#partition) OR #version < :new", new=6)

    assert dynamodb.update(TABLE, KEY, "SET #version = :new", "#version < :new", new=7) == KEY | {"version": 7}
    dynamodb.delete(TABLE, KEY, "#version = :old", old=7)
    assert dynamodb.get(TABLE, KEY) is None


def test_an_update_creates_what_is_not_there_and_tells_the_item_afterwards() -> None:
    assert dynamodb.update(TABLE, KEY, "SET #a = :a ADD #names :names", a=None, names={"x"}) == KEY | {
        "a": None,
        "names": {"x"},
    }
    assert dynamodb.update(TABLE, KEY, "REMOVE #a ADD #names :names", names={"y"}) == KEY | {"names": {"x", "y"}}


def test_deleting_what_is_not_there_is_no_error() -> None:
    dynamodb.delete(TABLE, KEY)
    dynamodb.put(TABLE, KEY)
    dynamodb.delete(TABLE, KEY)

    assert dynamodb.get(TABLE, KEY) is None


def test_another_failure_is_no_failed_condition() -> None:
    for write in (
        lambda: dynamodb.put(TABLE, {"partition": "p"}),
        lambda: dynamodb.update(TABLE, KEY, "SET #sort = :new", new="x"),
        lambda: dynamodb.delete(TABLE, {"partition": "p"}),
    ):
        with pytest.raises(CallError) as refused:
            write()
        assert refused.value.code == "ValidationException"


def test_a_query_walks_all_pages_in_either_direction() -> None:
    keys = put_some(5)

    for descending in (False, True):
        found: list[Item] = []
        start: Item | None = None
        pages = 0
        while True:
            items, start = dynamodb.query(
                TABLE, "#partition = :p", "sort", limit=2, descending=descending, start=start, p="p"
            )
            found += items
            pages += 1
            if start is None:
                break
        wanted = [{"sort": key["sort"]} for key in keys]
        assert found == (wanted[::-1] if descending else wanted)
        assert pages == 3


def test_a_query_of_nothing_is_empty() -> None:
    assert dynamodb.query(TABLE, "#partition = :p", p="p") == ([], None)


def test_a_query_reads_an_index() -> None:
    for reference, order in (("a", "2"), ("b", "1")):
        dynamodb.put(
            INDEXED,
            {"client": "c", "reference": reference, "user": "u", "order": order, "body": reference, "more": "x"},
        )

    items, start = dynamodb.query(INDEXED, "#user = :u AND #order > :none", index=BY_USER, u="u", none="0")
    assert [item["reference"] for item in items] == ["b", "a"]
    assert set(items[0]) == {"client", "reference", "user", "order", "body"}
    assert start is None


def test_a_scan_walks_all_pages_for_what_its_condition_holds_for(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = put_some(30)
    calls = aws_calls(monkeypatch, lambda call: call[1].update(Limit=7))
    found: list[Item] = []
    start: Item | None = None
    while True:
        items, start = dynamodb.scan(TABLE, "#number >= :least", "partition", "sort", start=start, least=10)
        assert len(items) <= 7
        found += items
        if start is None:
            break

    assert sorted(found, key=lambda item: item["sort"]) == keys[10:]
    assert len(calls) in (5, 6)
    assert {request["ConsistentRead"] for _, request in calls} == {True}


def test_a_batch_has_at_most_100_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = put_some(101)
    missing = [{"partition": "q", "sort": str(number)} for number in range(149)]
    calls = aws_calls(monkeypatch)

    for keys, calls_made in ((0, 0), (1, 1), (100, 1), (101, 2), (250, 3)):
        calls.clear()
        found = dynamodb.batch_get(TABLE, (stored + missing)[:keys])

        assert sorted(item["number"] for item in found) == list(range(min(keys, 101)))
        assert operations(calls) == ["BatchGetItem"] * calls_made


@without_engine
def test_unprocessed_keys_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [{"partition": "p", "sort": str(number)} for number in range(150)]
    client = Batches((slice(60), slice(60, None)), (slice(0), slice(None)), (slice(None), slice(0)))
    monkeypatch.setattr(dynamodb, "_transport", client)

    found = dynamodb.batch_get(TABLE, keys)

    assert sorted(found, key=lambda item: int(item["sort"])) == keys
    assert max(map(len, client.asked)) <= 100


@without_engine
def test_unprocessed_keys_are_asked_for_no_longer_than_a_call_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    table, key = TABLE.physical_name, {"partition": {"S": "p"}, "sort": {"S": "s"}}
    said = {"Responses": {table: [key]}, "UnprocessedKeys": {table: {"Keys": [key]}}}

    def answers(_number: int) -> list[bytes]:
        time.sleep(0.1)
        return [answer(json.dumps(said).encode())]

    monkeypatch.setattr(endpoint, "DEADLINE", 0.5)
    with serving(answers) as server:
        monkeypatch.setattr(dynamodb, "_transport", Endpoint(f"http://127.0.0.1:{server.port}", "eu-west-1").send)
        begun = time.monotonic()
        with pytest.raises((UnprocessedError, UnreachableError)):
            dynamodb.batch_get(TABLE, [KEY] * 250)
        assert 0.4 < time.monotonic() - begun < 0.9
        assert len(server.requests) > 3


@without_engine
def test_keys_that_stay_unprocessed_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Batches((slice(0), slice(None)))
    monkeypatch.setattr(dynamodb, "_transport", client)

    with pytest.raises(UnprocessedError, match="accounts"):
        dynamodb.batch_get(TABLE, [KEY])
    assert 1 < len(client.asked) < 20
