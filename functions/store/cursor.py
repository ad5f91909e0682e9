"""Cursors: a position in an ordering, as text that a caller keeps and gives back.

A cursor carries no authority: it says where to go on, and never in whose sessions. It stays good when its session is
gone, because it is the place itself and not a name for it.
"""

import base64
import binascii
import zlib
from dataclasses import dataclass

from functions.store.ordering import is_place

_MARK = "1"  # the form of this cursor
_AT, _BEYOND = "=", "|"
_CHECK_DIGITS = 8
_LONGEST = 2048


class BadCursorError(Exception):
    """Damaged, none of ours, or made for another ordering."""


@dataclass(frozen=True, slots=True)
class Position:
    """`place` is a session's place in the ordering (`ordering.place`): beyond it, or at it and beyond it."""

    place: str
    inclusive: bool = False


def write(ordering: str, position: Position) -> str:
    """The cursor of this position: base64url, without padding."""
    body = f"{_MARK}{ordering}{_AT if position.inclusive else _BEYOND}{position.place}"
    checked = f"{zlib.crc32(body.encode()):0{_CHECK_DIGITS}x}{body}"
    return base64.urlsafe_b64encode(checked.encode()).decode().rstrip("=")


def read(ordering: str, cursor: str) -> Position:
    """The position that `write` wrote for this ordering. `BadCursorError` for anything else."""
    if len(cursor) > _LONGEST:
        raise BadCursorError
    try:
        plain = cursor.rstrip("=")
        text = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadCursorError from None
    check, body = text[:_CHECK_DIGITS], text[_CHECK_DIGITS:]
    if check != f"{zlib.crc32(body.encode()):0{_CHECK_DIGITS}x}" or not body.startswith(_MARK + ordering):
        raise BadCursorError
    relation, place = body[len(_MARK + ordering) :][:1], body[len(_MARK + ordering) + 1 :]
    if relation not in (_AT, _BEYOND) or not is_place(ordering, place):
        raise BadCursorError
    return Position(place, inclusive=relation == _AT)
