"""The door to DynamoDB: nobody else opens a connection.

An item is a `dict` of plain values; expressions are DynamoDB's own, with `#attribute` for a name and `:value`
for one of the keyword arguments. Each function is one API call unless it says otherwise. A read `…_ahead` is under way
when it returns.

    put(TABLE, item, "attribute_not_exists(#id) OR #version < :version", version="2026…")
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial, wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from sessions import endpoint
from sessions.attributes import Item, Value, attribute, decoded, encoded, plain
from sessions.endpoint import CallError
from sessions.tables import Index, Table

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
Page = tuple[list[Any], Item | None]
Understand = Callable[[list[Item]], list[Any]]

_NAME = re.compile(r"#(\w+)")
_BATCH = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_RETRIES = 6


class Pending(Generic[ResultT]):
    """A read that is under way: sent already, so that several are answered at the same time."""

    def __init__(self, wait: Callable[[], Any], understand: Callable[[Any], ResultT]) -> None:
        self._wait, self._understand = wait, understand

    def result(self) -> ResultT:
        """What it has found, as soon as that is there. To be asked for once."""
        return self._understand(self._wait())


class Meter:
    """What reads cost while it was `metering`: capacity units, as DynamoDB counts them, and calls."""

    def __init__(self, outer: "Meter | None") -> None:
        self.units = 0.0
        self.calls = 0
        self._outer = outer

    def add(self, consumed: Any) -> None:
        self.calls += 1
        self.units += sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        if self._outer is not None:
            self._outer.add(consumed)


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering() -> Iterator[Meter]:
    """Counts what is asked for in this context, when it is answered, be that after it; what is counted within another
    counting is counted by both.
    """
    meter = Meter(_meter.get())
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


class Transport(Protocol):
    """What carries calls to DynamoDB: `sessions.endpoint.send`, or what has its form, errors included."""

    def __call__(self, operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Callable[[], Any]: ...


_transport: Transport = endpoint.send

within = endpoint.within


def use(transport: Transport) -> None:
    """From here on, calls are carried by this one."""
    global _transport  # noqa: PLW0603 (a process has one)
    _transport = transport


class ConditionFailedError(Exception):
    """The item in the table is not as the condition says; nothing was written."""


class UnprocessedError(Exception):
    """DynamoDB kept returning keys unprocessed: the table is throttled."""


def _done(ahead: Callable[P, Pending[ResultT]]) -> Callable[P, ResultT]:
    """The same read, that is done when it returns."""

    @wraps(ahead)
    def done(*arguments: P.args, **options: P.kwargs) -> ResultT:
        return ahead(*arguments, **options).result()

    return done


def get_ahead(table: Table, key: Mapping[str, str], *attributes: str, consistent: bool = False) -> Pending[Item | None]:
    """The item with this key, or None. `attributes` narrows what is returned, not what is paid for."""
    request: dict[str, Any] = {"TableName": table.physical_name, "Key": encoded(key), "ConsistentRead": consistent}
    if attributes:
        request |= _projection(attributes)
    return Pending(_read("GetItem", request), _found)


get = _done(get_ahead)


def batch_get_ahead(
    table: Table,
    keys: Iterable[Mapping[str, str]],
    *attributes: str,
    consistent: bool = False,
    understand: Understand = plain,
) -> Pending[list[Any]]:
    """The items that exist among these keys, in no order; calls for 100 keys each, all at once.

    Functions wait `endpoint.DEADLINE` for all of it, as for one call. `attributes` narrows what is returned, not what
    is paid for. `understand` makes something else of items than `dict`s of plain values, from the JSON that DynamoDB
    has of them (`sessions.attributes`): of hundreds, that takes less.
    """
    request: dict[str, Any] = {"ConsistentRead": consistent}
    if attributes:
        request |= _projection(attributes)
    names = table.key.attributes()
    asked = [{name: {"S": key[name]} for name in names} for key in keys]
    batches = [asked[first : first + _BATCH] for first in range(0, len(asked), _BATCH)]
    until = time.monotonic() + endpoint.DEADLINE
    with endpoint.within(endpoint.DEADLINE):
        waiting = [_batch(table, request, batch) for batch in batches]

    def answers() -> list[list[Item]]:
        with endpoint.within(until - time.monotonic()):
            # When the last is answered, the others are.
            return [items for wait in reversed(waiting) for items in _all_of(table, request, wait)]

    return Pending(answers, lambda found: [one for items in found for one in understand(items)])


batch_get = _done(batch_get_ahead)


def query_ahead(
    table: Table,
    condition: str,
    /,
    *attributes: str,
    index: Index | None = None,
    limit: int | None = None,
    descending: bool = False,
    consistent: bool = False,
    start: Item | None = None,
    understand: Understand = plain,
    **values: Value,
) -> Pending[Page]:
    """One page of items in key order, at most 1 MB, and the `start` of the next page (None: there is none).

    `understand` as for `batch_get`.
    """
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
        request["ExclusiveStartKey"] = encoded(start)
    return Pending(_read("Query", request), partial(_page, understand))


query = _done(query_ahead)


def scan(table: Table, condition: str, /, *attributes: str, start: Item | None = None, **values: Value) -> Page:
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
        request["ExclusiveStartKey"] = encoded(start)
    return _page(plain, _read("Scan", request)())


def pages(read: Callable[..., Page]) -> Iterator[list[Item]]:
    """All pages of what `query` or `scan` reads: one of them, with its arguments but for `start`."""
    start = None
    while True:
        items, start = read(start=start)
        yield items
        if start is None:
            return


def put(table: Table, item: Item, condition: str | None = None, /, **values: Value) -> None:
    """Stores the whole item. `ConditionFailedError` where the condition does not hold."""
    _put(table, item, condition, values)


def replace(table: Table, item: Item, condition: str | None = None, /, **values: Value) -> Item | None:
    """As `put`, and the item that was there before; None where there was none."""
    before = _put(table, item, condition, values, ReturnValues="ALL_OLD").get("Attributes")
    return decoded(before) if before else None


def update(
    table: Table, key: Mapping[str, str], expression: str, condition: str | None = None, /, **values: Value
) -> Item:
    """Changes one item atomically, creating it where there is none, and returns it as it is afterwards."""
    request: dict[str, Any] = {
        "TableName": table.physical_name,
        "Key": encoded(key),
        "ReturnValues": "ALL_NEW",
        **_expression("UpdateExpression", expression, values, f"{expression} {condition or ''}"),
    }
    if condition is not None:
        request["ConditionExpression"] = condition
    return decoded(_write("UpdateItem", request)["Attributes"])


def delete(table: Table, key: Mapping[str, str], condition: str | None = None, /, **values: Value) -> None:
    """Removes the item, if it is there. `ConditionFailedError` where the condition does not hold."""
    request: dict[str, Any] = {"TableName": table.physical_name, "Key": encoded(key)}
    if condition is not None:
        request |= _expression("ConditionExpression", condition, values)
    _write("DeleteItem", request)


def _put(table: Table, item: Item, condition: str | None, values: Mapping[str, Value], **options: str) -> Any:
    request: dict[str, Any] = {"TableName": table.physical_name, "Item": encoded(item), **options}
    if condition is not None:
        request |= _expression("ConditionExpression", condition, values)
    return _write("PutItem", request)


def _page(understand: Understand, answer: Any) -> Page:
    following = answer.get("LastEvaluatedKey")
    return understand(answer["Items"]), decoded(following) if following else None


def _found(answer: Any) -> Item | None:
    found = answer.get("Item")
    return None if found is None else decoded(found)


def _batch(table: Table, request: Mapping[str, Any], keys: list[Any]) -> Callable[[], Any]:
    return _read("BatchGetItem", {"RequestItems": {table.physical_name: {**request, "Keys": keys}}})


def _all_of(table: Table, request: Mapping[str, Any], wait: Callable[[], Any]) -> Iterator[list[Item]]:
    """The items of a batch, in DynamoDB's JSON; more calls, where it leaves keys unprocessed."""
    until = time.monotonic() + endpoint.DEADLINE
    idle = 0
    while True:
        answer = wait()
        found = answer["Responses"].get(table.physical_name, [])
        keys = answer["UnprocessedKeys"].get(table.physical_name, {}).get("Keys", [])
        yield found
        if not keys:
            return
        idle = 0 if found else idle + 1
        pause = endpoint.pause(idle)
        if idle > _RETRIES or time.monotonic() + pause > until:
            raise UnprocessedError(table.name)
        time.sleep(pause)
        wait = _batch(table, request, keys)


def _read(operation: str, request: dict[str, Any]) -> Callable[[], Any]:
    """Sends it; what is returned waits for the answer."""
    meter = _meter.get()
    if meter is None:
        return _transport(operation, request, may_repeat=True)
    wait = _transport(operation, request | {"ReturnConsumedCapacity": "TOTAL"}, may_repeat=True)

    def metered() -> Any:
        answer = wait()
        meter.add(answer["ConsumedCapacity"])
        return answer

    return metered


def _write(operation: str, request: dict[str, Any]) -> Any:
    """Where the answer was lost, it is repeated only under a condition, and whoever gave one knows what that means:
    it fails the second time, or does once more what the same call would do that came a moment later.
    """
    try:
        return _transport(operation, request, may_repeat="ConditionExpression" in request)()
    except CallError as error:
        if error.code == "ConditionalCheckFailedException":
            raise ConditionFailedError from None
        raise


def _expression(
    member: str, text: str, values: Mapping[str, Value] | None = None, names: str | None = None
) -> dict[str, Any]:
    request: dict[str, Any] = {member: text}
    if found := _names(names or text):
        request["ExpressionAttributeNames"] = found
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": attribute(value) for name, value in values.items()}
    return request


@lru_cache(maxsize=1000)
def _projection(attributes: tuple[str, ...]) -> dict[str, Any]:
    return _expression("ProjectionExpression", ", ".join(f"#{name}" for name in attributes))


@lru_cache(maxsize=1000)
def _names(text: str) -> dict[str, str]:
    """The names in expressions, which are the same few for ever."""
    return {f"#{name}": name for name in _NAME.findall(text)}
