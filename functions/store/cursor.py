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
_NEXT = "\x1f"  # no place has it
_LONGEST = 2048
_LONGEST_BODY = 1500  # octets, which are 2011 characters of base64
_LONGEST_TRAIL = 20
_LONGEST_PLACE = 1000  # octets: DynamoDB takes 1024, and a listing may put something behind a place


class BadCursorError(Exception):
    """Damaged, none of ours, or made for another ordering."""


@dataclass(frozen=True, slots=True)
class Position:
    """`place` is a session's place in the ordering (`ordering.place`): beyond it, or at it and beyond it.

    `trail` has where the pages before began, the last one last, as far as they are needed to find the same pages on
    the way back; an empty place is the beginning of all.
    """

    place: str
    inclusive: bool = False
    trail: "tuple[Position, ...]" = ()

    def turned(self, trail: "tuple[Position, ...]" = ()) -> "Position":
        """The same position for a walk the other way."""
        return Position(self.place, inclusive=not self.inclusive, trail=trail)


def write(ordering: str, position: Position) -> str:
    """The cursor of this position: base64url, without padding. A trail that is too long loses its beginning."""
    for first in range(max(0, len(position.trail) - _LONGEST_TRAIL), len(position.trail) + 1):
        told = (position, *position.trail[first:])
        body = _MARK + ordering + _NEXT.join((_AT if one.inclusive else _BEYOND) + one.place for one in told)
        if len(body.encode()) <= _LONGEST_BODY:
            break
    return _sealed(body)


def _sealed(body: str) -> str:
    checked = f"{zlib.crc32(body.encode()):0{_CHECK_DIGITS}x}{body}"
    return base64.urlsafe_b64encode(checked.encode()).decode().rstrip("=")


def read(ordering: str, cursor: str) -> Position:
    """The position that `write` wrote for this ordering. `BadCursorError` for anything else."""
    if len(cursor) > _LONGEST:
        raise BadCursorError
    plain = cursor.rstrip("=")
    padding = "=" * (-len(plain) % 4)
    try:
        text = base64.b64decode(plain + padding, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadCursorError from None
    body = text[_CHECK_DIGITS:]
    if cursor not in (plain, plain + padding) or plain != _sealed(body) or not body.startswith(_MARK + ordering):
        raise BadCursorError
    position, *trail = [_position(ordering, one) for one in body[len(_MARK + ordering) :].split(_NEXT)]
    if len(trail) > _LONGEST_TRAIL or not position.place:
        raise BadCursorError
    return Position(position.place, inclusive=position.inclusive, trail=tuple(trail))


def _position(ordering: str, text: str) -> Position:
    relation, place = text[:1], text[1:]
    # Anybody can make a cursor, and its checksum: a place must be one, and short enough for a sort key.
    if (
        relation not in (_AT, _BEYOND)
        or (place and not is_place(ordering, place))
        or len(place.encode()) > _LONGEST_PLACE
    ):
        raise BadCursorError
    return Position(place, inclusive=relation == _AT)
