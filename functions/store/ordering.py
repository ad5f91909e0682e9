"""The eleven orderings, and the texts by which DynamoDB sorts sessions in each of them.

A session's place in an ordering is the text of its value and then the text of its id. Texts compare by their UTF-8
bytes: a value before another has a lesser text, and null comes after every value (last in ascending order, as in
PostgreSQL).
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["integer", "time", "text"]

ORDERINGS: Mapping[str, Kind] = {
    "id": "integer",
    "code": "text",
    "storeId": "integer",
    "visitors": "integer",
    "groupSize": "integer",
    "expiresAt": "time",
    "customerId": "integer",
    "codeLastSuccesfullyScannedAt": "time",
    "customerLastEnteredAt": "time",
    "createdAt": "time",
    "updatedAt": "time",
}
"""By the wire's names, the one-s spelling included."""

LARGEST_INTEGER = 2**63 - 1
SMALLEST_INTEGER = -(2**63)

_VALUE = "0"
_NULL = "1"
_END = "\x00"
"""Ends a text: so a text comes before those it begins. Codes have no control characters."""
_POSITIVE = "abcdefghijklmnopqrs"
"""Stand before as many digits as their place says: so fewer digits come first, and nothing is padded with zeros."""
_NEGATIVE = "ZYXWVUTSRQPONMLKJIH"
_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_INTEGER = "|".join(
    f"{letter}[0-9]{{{digits}}}" for letters in (_POSITIVE, _NEGATIVE) for digits, letter in enumerate(letters, 1)
)
_ID = f"{_VALUE}(?:{_INTEGER})"
_FORMS: Mapping[Kind, str] = {
    "integer": _ID,
    "time": _VALUE + r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",
    "text": f"{_VALUE}[^\x00-\x1f]{{1,256}}{_END}",
}


def place(ordering: str, value: Any, session_id: int) -> str:
    """The session's place: its value's text, then its id's. For `id` the two are one."""
    return encode(ordering, value) if ordering == "id" else encode(ordering, value) + encode("id", session_id)


def encode(ordering: str, value: Any) -> str:
    """The text of a value: the lesser value has the lesser text, equal ones have equal texts; null is the greatest."""
    if value is None:
        return _NULL
    match ORDERINGS[ordering]:
        case "integer":
            return _VALUE + _integer(value)
        case "time":
            return f"{_VALUE}{value}"
        case "text":
            return f"{_VALUE}{value}{_END}"


def integer_of(place: str) -> int:
    """The integer that a place begins with."""
    letter, digits = place[len(_VALUE)], place[len(_VALUE) + 1 :]
    if letter in _NEGATIVE:
        return -int(digits[: _NEGATIVE.index(letter) + 1].translate(_COMPLEMENT))
    return int(digits[: _POSITIVE.index(letter) + 1])


def text_of(place: str) -> str:
    """The text that a place begins with."""
    return place[len(_VALUE) : place.index(_END)]


def _integer(value: int) -> str:
    digits = str(abs(value))
    if value < 0:
        return _NEGATIVE[len(digits) - 1] + digits.translate(_COMPLEMENT)
    return _POSITIVE[len(digits) - 1] + digits


def is_place(ordering: str, text: str) -> bool:
    """Whether the text has the form of a session's place in this ordering."""
    form = _ID if ordering == "id" else f"(?:{_FORMS[ORDERINGS[ordering]]}|{_NULL}){_ID}"
    return re.fullmatch(form, text, re.DOTALL) is not None
