"""The door against boto3, on the same tables of engines of three makers: the same items, and the same errors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local import resources
from infra.operations.carrier import by_boto3
from sessions import accounts, attributes, dynamodb, endpoint
from sessions.attributes import Item
from sessions.dynamodb import ConditionFailedError, Transport
from sessions.endpoint import CallError
from sessions.tables import Index, Key, Table
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
NUMBERS = st.integers(-(10**30), 10**30) | st.decimals("-1e9", "1e9", places=4).map(Decimal.normalize)
SCALARS = (
    TEXTS
    | st.booleans()
    | st.none()
    | NUMBERS
    | st.binary(max_size=40)
    | st.sets(TEXTS.filter(bool), min_size=1, max_size=3)
    | st.sets(NUMBERS, min_size=1, max_size=3)
    | st.sets(st.binary(min_size=1, max_size=40), min_size=1, max_size=3)
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


@given(value=VALUES)
def test_values_stand_in_requests_and_answers_as_boto3_has_them(value: Any) -> None:
    ours: Any = attributes.attribute(value)
    boto3s = TypeSerializer().serialize(value)

    assert _sorted(ours) == _sorted(boto3s)
    assert attributes.decoded({"value": boto3s})["value"] == value
    assert TypeDeserializer().deserialize(ours) == value


def _sorted(attribute: Any) -> Any:
    """Sets have no order."""
    if isinstance(attribute, dict):
        sets = ("SS", "NS", "BS")
        return {name: sorted(given) if name in sets else _sorted(given) for name, given in attribute.items()}
    return [*map(_sorted, attribute)] if isinstance(attribute, list) else attribute


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


COMPARED = Table(
    "compared", Key("partition", "sort"), indexes=(Index("by_other", Key("partition", "other"), ("kept",)),)
)


def test_every_form_of_a_call_does_the_same(carriers: dict[str, Transport], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPARED.variable, f"compared-{uuid4()}")
    resources.create_table(boto3.client("dynamodb"), COMPARED, COMPARED.physical_name)
    told = []
    try:
        for carry in carriers.values():
            dynamodb.use(carry)
            with dynamodb.metering() as meter:
                told.append([*forms()])
            told[-1].append((meter.calls, meter.units))
    finally:
        dynamodb.use(endpoint.send)
    assert told[0] == told[1]


def forms() -> Iterator[Any]:
    """What all forms of calls say that functions make; the table is empty before and after."""
    key = {"partition": "p", "sort": "0"}
    made: list[Item] = [
        {"partition": "p", "sort": str(one), "other": str(9 - one), "kept": one, "left": "x"} for one in range(7)
    ]
    for item in made:
        assert dynamodb.replace(COMPARED, item, "attribute_not_exists(#partition)") is None
    with pytest.raises(ConditionFailedError):
        dynamodb.put(COMPARED, made[0], "#kept > :least", least=0)
    dynamodb.put(COMPARED, made[0] | {"large": "x" * 390_000}, "#kept = :kept AND #left = :left", kept=0, left="x")
    yield dynamodb.replace(COMPARED, made[0])

    condition = "#partition = :p AND #sort BETWEEN :low AND :high"
    read = partial(dynamodb.query, COMPARED, condition, p="p", low="1", high="5")
    assert [one["sort"] for one in read(descending=True)[0]] == ["5", "4", "3", "2", "1"]
    for options in ({}, {"descending": True}, {"consistent": True}):
        pages = [*dynamodb.pages(partial(read, limit=2, **options))]
        assert sum(map(len, pages)) == 5
        yield pages
    narrow = partial(dynamodb.query, COMPARED, "#partition = :p", "sort", "kept", p="p")
    yield narrow(), narrow(limit=2)
    by_other = partial(dynamodb.query, COMPARED, "#partition = :p AND #other >= :o", index=COMPARED.indexes[0], p="p")
    assert set(by_other(o="0")[0][0]) == {"partition", "sort", "other", "kept"}
    yield from (by_other(o=least, descending=way, limit=3) for least in ("0", "5", "x") for way in (True, False))
    yield [*dynamodb.pages(partial(by_other, o="0", limit=2))]

    yield dynamodb.get(COMPARED, key, "sort", "left", "unknown"), dynamodb.get(COMPARED, key | {"sort": "none"})
    keys = [{"partition": "p", "sort": str(one)} for one in range(140)]
    yield by_sort(dynamodb.batch_get(COMPARED, keys, "sort", "kept", consistent=True))
    for item in made[:3]:
        dynamodb.put(COMPARED, item | {"large": "x" * 390_000})
    scans = [*dynamodb.pages(partial(dynamodb.scan, COMPARED, "#kept > :least", "sort", least=0))]
    yield by_sort(item for items in scans for item in items)

    yield dynamodb.update(COMPARED, key, "SET #kept = :kept REMOVE #left, #large", "#kept = :before", kept=8, before=0)
    yield dynamodb.update(COMPARED, key, "ADD #names :names", names={"a", "b"})
    yield dynamodb.update(COMPARED, key, "DELETE #names :names", names={"a"})
    with pytest.raises(ConditionFailedError):
        dynamodb.delete(COMPARED, key, "#kept = :kept", kept=0)
    dynamodb.delete(COMPARED, key, "#kept = :kept", kept=8)
    for item in made[1:]:
        dynamodb.delete(COMPARED, {name: item[name] for name in ("partition", "sort")})


def by_sort(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: str(item["sort"]))


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
