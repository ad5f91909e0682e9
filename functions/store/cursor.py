"""Cursors: a position in an ordering, as text that a caller keeps and gives back.

A cursor carries no authority: it says where to go on, and never in whose sessions. It stays good when its session is
gone, because it is the place itself and not a name for it.
"""

import base64
import binascii
import zlib
from typing import NamedTuple

from functions.store.ordering import is_place

_MARK = "1"  # the form of this cursor
_AT, _BEYOND, _AGAIN = "=", "|", "!"
_CHECK_DIGITS = 8
_NEXT = "\x1f"  # no place has it
_LONGEST = 4000  # characters: what carries URLs takes at least twice that
_LONGEST_BODY = 2990  # octets, which with the check are 3998 characters of base64
_LONGEST_TRAIL = 100
_LONGEST_PLACE = 1000  # octets: DynamoDB takes 1024, and a listing may put something behind a place


class BadCursorError(Exception):
    """Damaged, none of ours, or made for another ordering."""


class Position(NamedTuple):
    """`place` is a session's place in the ordering (`ordering.place`): beyond it, or at it and beyond it.

    `trail` has where the pages before began, the last one last, as far as they are needed to find the same pages on
    the way back; an empty place is the beginning of all. `again`: the session that is at it, inclusive, could not be
    shown on the page before, as there was no time left.
    """

    place: str
    inclusive: bool = False
    trail: "tuple[Position, ...]" = ()
    again: bool = False

    def turned(self, trail: "tuple[Position, ...]" = ()) -> "Position":
        """The same position for a walk the other way."""
        return Position(self.place, inclusive=not self.inclusive, trail=trail)


def write(ordering: str, position: Position) -> str:
    """The cursor of this position: base64url, without padding. A trail that is too long loses its beginning."""
    body = (_MARK + ordering + _text(position)).encode()
    for first in range(max(0, len(position.trail) - _LONGEST_TRAIL), len(position.trail)):
        trail = _NEXT.join(map(_text, position.trail[first:]))
        told = body + _NEXT.encode() + _deflated(trail.encode())
        if len(told) <= _LONGEST_BODY:
            return _sealed(told)
    return _sealed(body)


def read(ordering: str, cursor: str) -> Position:
    """The position that `write` wrote for this ordering. `BadCursorError` for anything else."""
    if len(cursor) > _LONGEST:
        raise BadCursorError
    plain = cursor.rstrip("=")
    padding = "=" * (-len(plain) % 4)
    try:
        body = base64.b64decode(plain + padding, altchars=b"-_", validate=True)[_CHECK_DIGITS:]
        told, separator, trail = body.partition(_NEXT.encode())
        text = told.decode()
        steps = _inflated(trail).decode().split(_NEXT) if separator else []
    except (binascii.Error, ValueError, zlib.error):
        raise BadCursorError from None
    if cursor not in (plain, plain + padding) or plain != _sealed(body) or not text.startswith(_MARK + ordering):
        raise BadCursorError
    position = _position(ordering, text[len(_MARK + ordering) :])
    if len(steps) > _LONGEST_TRAIL or not position.place:
        raise BadCursorError
    return position._replace(trail=tuple(_position(ordering, one) for one in steps))


def _sealed(body: bytes) -> str:
    """Begins with a letter, as base64 of a digit of the check does: so no cursor could be the number of a session."""
    checked = f"{zlib.crc32(body):0{_CHECK_DIGITS}x}".encode() + body
    return base64.urlsafe_b64encode(checked).decode().rstrip("=")


def _deflated(trail: bytes) -> bytes:
    """Places beside each other are alike: a third is left of them, or less."""
    deflating = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return deflating.compress(trail) + deflating.flush()


def _inflated(packed: bytes) -> bytes:
    """Anybody can make a cursor: what would be longer than any trail is refused before it is there."""
    inflating = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    trail = inflating.decompress(packed, _LONGEST_TRAIL * (_LONGEST_PLACE + 2))
    if not inflating.eof or inflating.unused_data:
        raise BadCursorError
    return trail


def _text(position: Position) -> str:
    return (_AGAIN if position.again else _AT if position.inclusive else _BEYOND) + position.place


def _position(ordering: str, text: str) -> Position:
    relation, place = text[:1], text[1:]
    # Anybody can make a cursor, and its checksum: a place must be one, and short enough for a sort key.
    if (
        relation not in (_AT, _BEYOND, _AGAIN)
        or (place and not is_place(ordering, place))
        or len(place.encode()) > _LONGEST_PLACE
    ):
        raise BadCursorError
    return Position(place, inclusive=relation != _BEYOND, again=relation == _AGAIN)
