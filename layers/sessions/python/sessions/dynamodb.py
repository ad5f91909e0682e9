"""The door to DynamoDB: nobody else opens a connection.

An item is a `dict` of plain values; expressions are DynamoDB's own, with `#attribute` for a name and `:value`
for one of the keyword arguments. Each function is one API call unless it says otherwise.

    put(TABLE, item, "attribute_not_exists(#id) OR #version < :version", version="2026…")
"""

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sessions.tables import Index, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

Value = Any  # str, int, bool, None, bytes, and lists, dicts and sets of strings of them
Item = dict[str, Value]

_NAME = re.compile(r"#(\w+)")
_BATCH = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_RETRIES = 6
_FIRST_PAUSE = 0.025  # seconds, at most

_pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="dynamodb")


class Meter:
    """What reads cost while it was `metering`: capacity units, as DynamoDB counts them, and calls."""

    def __init__(self) -> None:
        self.units = 0.0
        self.calls = 0
        self._lock = Lock()

    def add(self, consumed: Any) -> None:
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        with self._lock:
            self.calls += 1
            self.units += units


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering() -> Iterator[Meter]:
    """Counts what this context reads, the threads that run in copies of it included."""
    meter = Meter()
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def at_once(call: Callable[P, ResultT], *arguments: P.args, **options: P.kwargs) -> "Future[ResultT]":
    """The call, made beside what else is done, and metered with it. It must not itself wait for another such call:
    where all threads did, none would be left for those.
    """
    return _pool.submit(partial(copy_context().run, call, *arguments, **options))


class ConditionFailedError(Exception):
    """The item in the table is not as the condition says; nothing was written."""


class UnprocessedError(Exception):
    """DynamoDB kept returning keys unprocessed: the table is throttled."""


def size(item: Mapping[str, Value]) -> int:
    """Bytes of the item, names included, by the rule that capacity is counted by.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def get(table: Table, key: Mapping[str, str], *attributes: str, consistent: bool = False) -> Item | None:
    """The item with this key, or None. `attributes` narrows what is returned, not what is paid for."""
    request: dict[str, Any] = {"TableName": table.physical_name, "Key": _encoded(key), "ConsistentRead": consistent}
    if attributes:
        request |= _expression("ProjectionExpression", ", ".join(f"#{name}" for name in attributes))
    found = _read(_client().get_item, request).get("Item")
    return None if found is None else _decoded(found)


def batch_get(
    table: Table, keys: Iterable[Mapping[str, str]], *attributes: str, consistent: bool = False
) -> list[Item]:
    """The items that exist among these keys, in no order; calls for 100 keys each, all at once.

    `attributes` narrows what is returned, not what is paid for.
    """
    encoded = [_encoded(key) for key in keys]
    batches = [encoded[first : first + _BATCH] for first in range(0, len(encoded), _BATCH)]
    if len(batches) == 1:
        return _batch(table, batches[0], attributes, consistent)
    waiting = [at_once(_batch, table, batch, attributes, consistent) for batch in batches]
    return [item for batch in waiting for item in batch.result()]


def query(
    table: Table,
    condition: str,
    /,
    *attributes: str,
    index: Index | None = None,
    limit: int | None = None,
    descending: bool = False,
    consistent: bool = False,
    start: Item | None = None,
    **values: Value,
) -> tuple[list[Item], Item | None]:
    """One page of items in key order, at most 1 MB, and the `start` of the next page (None: there is none)."""
    names = condition + " ".join(f"#{name}" for name in attributes)
    request: dict[str, Any] = {
        "TableName": table.physical_name,
        "ScanIndexForward": not descending,
        "ConsistentRead": consistent,
        **_expression("KeyConditionExpression", condition, values, names),
    }
    if attributes:
        request["ProjectionExpression"] = ", ".join(f"#{name}" for name in attributes)
    if index is not None:
        request["IndexName"] = index.name
    if limit is not None:
        request["Limit"] = limit
    if start is not None:
        request["ExclusiveStartKey"] = _encoded(start)
    return _page(_read(_client().query, request))


def scan(
    table: Table, condition: str, /, *attributes: str, start: Item | None = None, **values: Value
) -> tuple[list[Item], Item | None]:
    """Of one megabyte of the table, in no order, the items for which this holds; and the `start` of the next page.

    It reads all there is, and pays for it: for operators' tools, where a question is too rare for an index.
    """
    names = condition + " ".join(f"#{name}" for name in attributes)
    request: dict[str, Any] = {
        "TableName": table.physical_name,
        "ConsistentRead": True,
        **_expression("FilterExpression", condition, values, names),
    }
    if attributes:
        request["ProjectionExpression"] = ", ".join(f"#{name}" for name in attributes)
    if start is not None:
        request["ExclusiveStartKey"] = _encoded(start)
    return _page(_read(_client().scan, request))


def pages(read: Callable[..., tuple[list[Item], Item | None]]) -> Iterator[list[Item]]:
    """All pages of what `query` or `scan` reads: one of them, with its arguments but for `start`."""
    start = None
    while True:
        items, start = read(start=start)
        yield items
        if start is None:
            return


def put(table: Table, item: Item, condition: str | None = None, /, **values: Value) -> None:
    """Stores the whole item. `ConditionFailedError` where the condition does not hold."""
    request: dict[str, Any] = {"TableName": table.physical_name, "Item": _encoded(item)}
    if condition is not None:
        request |= _expression("ConditionExpression", condition, values)
    _write(_client().put_item, request)


def update(
    table: Table, key: Mapping[str, str], expression: str, condition: str | None = None, /, **values: Value
) -> Item:
    """Changes one item atomically, creating it where there is none, and returns it as it is afterwards."""
    request: dict[str, Any] = {
        "TableName": table.physical_name,
        "Key": _encoded(key),
        "ReturnValues": "ALL_NEW",
        **_expression("UpdateExpression", expression, values, f"{expression} {condition or ''}"),
    }
    if condition is not None:
        request["ConditionExpression"] = condition
    return _decoded(_write(_client().update_item, request)["Attributes"])


def delete(table: Table, key: Mapping[str, str], condition: str | None = None, /, **values: Value) -> None:
    """Removes the item, if it is there. `ConditionFailedError` where the condition does not hold."""
    request: dict[str, Any] = {"TableName": table.physical_name, "Key": _encoded(key)}
    if condition is not None:
        request |= _expression("ConditionExpression", condition, values)
    _write(_client().delete_item, request)


def made(table: Table) -> str:
    """When the table was made: one that was made anew has nothing of what was in the other. For operators' tools."""
    return _client().describe_table(TableName=table.physical_name)["Table"]["CreationDateTime"].isoformat()


def _page(answer: Any) -> tuple[list[Item], Item | None]:
    following = answer.get("LastEvaluatedKey")
    return [_decoded(item) for item in answer["Items"]], _decoded(following) if following else None


def _batch(table: Table, keys: list[Any], attributes: Sequence[str], consistent: bool) -> list[Item]:
    """One call, and more where DynamoDB leaves keys unprocessed."""
    request: dict[str, Any] = {"ConsistentRead": consistent}
    if attributes:
        request |= _expression("ProjectionExpression", ", ".join(f"#{name}" for name in attributes))
    items: list[Item] = []
    idle = 0
    while keys:
        asked = {table.physical_name: request | {"Keys": keys}}
        answer: Any = _read(_client().batch_get_item, {"RequestItems": asked})
        found = answer["Responses"].get(table.physical_name, [])
        keys = answer["UnprocessedKeys"].get(table.physical_name, {}).get("Keys", [])
        items.extend(_decoded(item) for item in found)
        idle = 0 if found else idle + 1
        if idle > _RETRIES:
            raise UnprocessedError(table.name)
        if keys:
            time.sleep(random.uniform(0, _FIRST_PAUSE * 2**idle))  # noqa: S311 (no secret: it spreads the retries)
    return items


@cache
def _client() -> "DynamoDBClient":
    # Three attempts end within an endpoint's time-out, so that its caller gets an answer of its dialect.
    retries = {"mode": "standard", "total_max_attempts": 3}
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=2,
            retries=cast(Any, retries),
            max_pool_connections=50,
            # A fifth of the time a call takes here: DynamoDB looks at requests itself, and botocore's own name for
            # itself is put together anew for each.
            parameter_validation=False,
            user_agent="session-apis",
        ),
    )


def _read(call: Any, request: dict[str, Any]) -> Any:
    meter = _meter.get()
    if meter is None:
        return call(**request)
    answer = call(**request, ReturnConsumedCapacity="TOTAL")
    meter.add(answer["ConsumedCapacity"])
    return answer


def _write(call: Any, request: dict[str, Any]) -> Any:
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise ConditionFailedError from None
        raise


def _expression(
    member: str, text: str, values: Mapping[str, Value] | None = None, names: str | None = None
) -> dict[str, Any]:
    request: dict[str, Any] = {member: text}
    if found := set(_NAME.findall(names or text)):
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in found}
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": _attribute(value) for name, value in values.items()}
    return request


def _size(value: Value) -> int:
    match value:
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case int():
            return len(str(abs(value))) // 2 + 2
        case bytes():
            return len(value)
        case dict():
            return 3 + sum(1 + len(name.encode()) + _size(member) for name, member in value.items())
        case list() | tuple():
            return 3 + sum(1 + _size(member) for member in value)
        case set() | frozenset():
            return sum(_size(member) for member in value)
        case _:
            raise TypeError(type(value).__name__)


def _encoded(item: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _attribute(value) for name, value in item.items()}


def _decoded(item: Mapping[str, Any]) -> Item:
    return {name: _value(attribute) for name, attribute in item.items()}


def _attribute(value: Value) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [_attribute(member) for member in value]}
        case dict():
            return {"M": _encoded(value)}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case _:
            raise TypeError(type(value).__name__)


def _value(attribute: Mapping[str, Any]) -> Value:
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL" | "B":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "L":
            return [_value(member) for member in value]
        case "M":
            return _decoded(value)
        case "SS":
            return set(value)
        case _:
            raise TypeError(kind)
