"""Attribute values as DynamoDB's JSON has them: a type's letters and the value.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

import base64
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Value = Any  # str, int, Decimal, bool, None, bytes; lists and dicts of them; sets of str, of numbers or of bytes
Item = dict[str, Value]


def size(item: Mapping[str, Value]) -> int:
    """Bytes of the item, names included, by the rule that capacity is counted by.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    octets = 0
    for name, value in item.items():
        octets += len(name.encode())
        octets += len(value) if isinstance(value, str) and value.isascii() else _size(value)
    return octets


def encoded(item: Mapping[str, Value]) -> dict[str, Any]:
    """The item as requests have it. Binary values stand as `bytes`, for whoever writes the JSON."""
    return {name: {"S": value} if isinstance(value, str) else attribute(value) for name, value in item.items()}


def decoded(item: Mapping[str, Any]) -> Item:
    """The item of an answer."""
    return {name: given["S"] if "S" in given else _value(given) for name, given in item.items()}


def plain(items: Iterable[Mapping[str, Any]]) -> list[Item]:
    """The items of an answer."""
    return [decoded(item) for item in items]


def attribute(value: Value) -> dict[str, Any]:
    """`TypeError` for a value that would lose something."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case Decimal() if value.is_finite():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [attribute(member) for member in value]}
        case dict():
            return {"M": encoded(value)}
        case set() | frozenset():
            return _set(value)
        case _:
            raise TypeError(type(value).__name__)


def _set(members: set[Value] | frozenset[Value]) -> dict[str, Any]:
    kind, *others = {next(iter(attribute(member))) for member in members} or {"S"}
    if others or kind not in ("S", "N", "B"):
        raise TypeError(f"a set of {kind}")
    return {f"{kind}S": [attribute(member)[kind] for member in sorted(members)]}


def _value(given: Mapping[str, Any]) -> Value:
    ((kind, value),) = given.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _number(value)
        case "NULL":
            return None
        case "B":
            return _bytes(value)
        case "L":
            return [_value(member) for member in value]
        case "M":
            return decoded(value)
        case "SS":
            return set(value)
        case "NS":
            return set(map(_number, value))
        case "BS":
            return set(map(_bytes, value))
        case _:
            raise TypeError(kind)


def _number(value: str) -> int | Decimal:
    try:
        return int(value)
    except ValueError:
        return Decimal(value)


def _bytes(value: str | bytes) -> bytes:
    """Text in JSON."""
    return base64.b64decode(value) if isinstance(value, str) else value


def _size(value: Value) -> int:
    match value:
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case int():
            return len(str(abs(value))) // 2 + 2
        case Decimal():
            return len(value.as_tuple().digits) // 2 + 2
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
