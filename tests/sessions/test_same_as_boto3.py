"""The door against boto3, on the same tables of engines of three makers: the same items, and the same errors."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local import resources
from infra.operations.carrier import by_boto3
from sessions import accounts, attributes, dynamodb, endpoint
from sessions.dynamodb import Transport
from sessions.endpoint import CallError
from tests.apis.deployment import Emulator

ENGINES = ("aws", "on_dynalite", "on_ministack")
TABLE = accounts.TABLE


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Emulator(tmp_path_factory.mktemp("ministack")) as running:
        yield running.url


@pytest.fixture
def on_ministack(ministack: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", ministack)
    monkeypatch.setenv(TABLE.variable, f"accounts-{uuid4()}")
    client = boto3.client("dynamodb")
    resources.create_table(client, TABLE, TABLE.physical_name)
    yield
    client.close()
    endpoint.close()


@pytest.fixture(params=ENGINES)
def carriers(request: pytest.FixtureRequest) -> dict[str, Transport]:
    """Our own, and boto3 for who it is held against."""
    request.getfixturevalue(request.param)
    return {"ours": endpoint.send, "boto3": by_boto3()}


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SCALARS = (
    TEXTS
    | st.booleans()
    | st.none()
    | st.integers(-(10**30), 10**30)
    | st.binary(min_size=1, max_size=40)
    | st.sets(TEXTS.filter(bool), min_size=1, max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda members: st.lists(members, max_size=3) | st.dictionaries(TEXTS.filter(bool), members, max_size=3),
    max_leaves=6,
)
ITEMS = st.dictionaries(TEXTS.filter(bool).filter(lambda name: name not in ("partition", "sort")), VALUES, max_size=4)
LARGE: list[dict[str, Any]] = [
    {"text": "ü\U0001f600" * 60_000},
    {"binary": bytes(range(256)) * 1_000},
    {"list": list(range(9_000))},
]


def test_what_one_has_stored_the_other_finds_however_it_is_asked_for(carriers: dict[str, Transport]) -> None:
    numbers = count()

    def holds(members: dict[str, Any]) -> None:
        partition = f"p{next(numbers)}"
        keys = {name: {"partition": partition, "sort": name} for name in carriers}
        wanted = {name: attributes.encoded(keys[name] | members) for name in carriers}
        for name, carry in carriers.items():
            put = {"TableName": TABLE.physical_name, "Item": wanted[name]}
            assert "Attributes" not in carry("PutItem", put, may_repeat=False)()
        for carry in carriers.values():
            dynamodb.use(carry)
            for key in keys.values():
                assert dynamodb.get(TABLE, key, consistent=True) == key | members
            found = [keys[name] | members for name in sorted(keys)]
            assert dynamodb.query(TABLE, "#partition = :p", consistent=True, p=partition) == (found, None)
            batch = dynamodb.batch_get(TABLE, keys.values(), consistent=True)
            assert sorted(batch, key=lambda item: str(item["sort"])) == found
            assert dynamodb.scan(TABLE, "#partition = :p", p=partition)[0] in (found, found[::-1])
        for name, carry in carriers.items():
            dynamodb.use(carry)
            assert dynamodb.update(TABLE, keys[name], "SET #new = :new", new=name) == keys[name] | members | {
                "new": name
            }
            dynamodb.delete(TABLE, keys[name])
            assert dynamodb.get(TABLE, keys[name], consistent=True) is None

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(members=ITEMS)
    def small(members: dict[str, Any]) -> None:
        holds(members)

    try:
        small()
        for members in LARGE:
            holds(members)
    finally:
        dynamodb.use(endpoint.send)


KEY = attributes.encoded({"partition": "p", "sort": "s"})
UNKNOWN = {"TableName": "no-such-table"}
REFUSED: Mapping[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "no such table": ("GetItem", lambda: UNKNOWN | {"Key": KEY}),
    "half a key": ("GetItem", lambda: about() | {"Key": {"partition": {"S": "p"}}}),
    "an item without its key": ("PutItem", lambda: about() | {"Item": {"partition": {"S": "p"}}}),
    "an item too large": ("PutItem", lambda: about() | {"Item": KEY | {"large": {"S": "x" * 500_000}}}),
    "a condition that fails": (
        "PutItem",
        lambda: about() | {"Item": KEY, "ConditionExpression": "attribute_exists(partition)"},
    ),
    "a condition that fails, on an update": (
        "UpdateItem",
        lambda: (
            about()
            | {
                "Key": KEY,
                "UpdateExpression": "SET a = :a",
                "ConditionExpression": "attribute_exists(partition)",
                "ExpressionAttributeValues": {":a": {"S": "x"}},
            }
        ),
    ),
    "an update of the key": (
        "UpdateItem",
        lambda: (
            about() | {"Key": KEY, "UpdateExpression": "SET sort = :s", "ExpressionAttributeValues": {":s": {"S": "x"}}}
        ),
    ),
    "a condition that fails, on a deletion": (
        "DeleteItem",
        lambda: about() | {"Key": KEY, "ConditionExpression": "attribute_exists(partition)"},
    ),
    "no such index": (
        "Query",
        lambda: (
            about()
            | {
                "IndexName": "no_such_index",
                "KeyConditionExpression": "x = :x",
                "ExpressionAttributeValues": {":x": {"S": "x"}},
            }
        ),
    ),
    "a query by what is no key": (
        "Query",
        lambda: about() | {"KeyConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}},
    ),
    "a batch of no such table": ("BatchGetItem", lambda: {"RequestItems": {"no-such-table": {"Keys": [KEY]}}}),
    "the same key twice": ("BatchGetItem", lambda: {"RequestItems": {TABLE.physical_name: {"Keys": [KEY, KEY]}}}),
    "a scan of no such table": ("Scan", lambda: UNKNOWN),
}


def about() -> dict[str, Any]:
    return {"TableName": TABLE.physical_name}


@pytest.mark.parametrize(("operation", "request_of"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_refused_is_refused_in_the_same_words(
    carriers: dict[str, Transport], operation: str, request_of: Callable[[], dict[str, Any]]
) -> None:
    told = []
    for carry in carriers.values():
        with pytest.raises(CallError) as refused:
            carry(operation, request_of(), may_repeat=True)()
        told.append((type(refused.value), refused.value.operation, refused.value.code, refused.value.message))
    ours, boto3s = told
    assert ours == boto3s
    assert ours[2]
