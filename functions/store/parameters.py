"""What a request asks for by its query parameters, and what is wrong with it where it may not ask so.

Faults are told in the words of Joi, a validator: `rule` is its name for the rule, and the text reads as its texts do.
Where a parameter that has one value comes several times, the last one counts, as in API Gateway's own
`queryStringParameters`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple, TypeVar

from functions.store import cursor, ordering
from functions.store.cursor import BadCursorError, Position
from functions.store.query import COUNTS, STATUSES, TIMES, Query
from functions.store.session import LONGEST_TEXT
from sessions import clock

MOST_SESSIONS = 200

_DIRECTIONS: tuple[Literal["asc", "desc"], ...] = ("asc", "desc")
_NUMBERS = ("id", "storeId", "customerId")
_TEXTS = ("code", "sessionToken")

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_INTEGER = len(str(ordering.LARGEST_INTEGER))
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which are no text."""
_STATUS = re.compile(r"status(\[[0-9]*\])?")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = "must be the id of a session, or a cursor of this ordering"

_LONGEST_SECONDS = 12  # digits, of the year 9999
_HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_LEAP = ":60"
_TIME = re.compile(
    rf"(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt](?P<hour>{_HOUR}:(?:[0-5][0-9]|60))(?:\.(?P<fraction>[0-9]+))?"
    rf"(?:[Zz]|(?P<sign>[+ -])(?P<offset>{_HOUR}))"
)

T = TypeVar("T")


class Fault(NamedTuple):
    """`field` is the parameter's bare name; `text` the whole sentence, with the name in quotes."""

    field: str
    rule: str
    text: str


class InvalidParametersError(Exception):
    """Has all faults, in the order of the documentation; and the sessions that are named by `after` and `before`, of
    which it is not known yet whether they are there.
    """

    def __init__(self, faults: Sequence[Fault], named: Mapping[str, int]) -> None:
        super().__init__(", ".join(f"{fault.field} {fault.rule}" for fault in faults))
        self.faults = tuple(faults)
        self.named = named


class _RefusedError(Exception):
    """What is wrong with one value: the rule, and what the value must be, to go on after the field's name."""

    def __init__(self, rule: str, demand: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.demand = demand


def parse(parameters: Mapping[str, Sequence[str]] | None) -> Query:
    """The query that the parameters ask for. `InvalidParametersError` where any is at fault; unknown ones are not."""
    reader = _Reader(parameters or {})
    count = reader.read("count", partial(_integer, least=1, most=MOST_SESSIONS))
    order_by = reader.read("orderBy", partial(_choice, allowed=tuple(ordering.ORDERINGS)))
    known = "id" if order_by is None else order_by
    # In an ordering that is none, a cursor is as good as in any other: damaged ones are told all the same.
    position = partial(_position, orderings=tuple(ordering.ORDERINGS) if reader.has_faults("orderBy") else (known,))
    after, before = reader.read("after", position), reader.read("before", position)
    if reader.has("after") and reader.has("before"):
        reader.refuse("after", _RefusedError("object.oxor", 'must not be given together with "before"'))
    direction = reader.read("direction", partial(_choice, allowed=_DIRECTIONS))
    equal: dict[str, int | str | None] = {name: reader.read(name, _integer) for name in _NUMBERS}
    equal |= {name: reader.read(name, _text) for name in _TEXTS}
    statuses = reader.read_statuses()
    least: dict[str, int | str | None] = {}
    most: dict[str, int | str | None] = {}
    for name in TIMES:
        least[name] = reader.read(_bound("min", name), partial(_instant, is_lower_bound=True))
        most[name] = reader.read(_bound("max", name), partial(_instant, is_lower_bound=False))
    for name in COUNTS:
        least[name] = reader.read(_bound("min", name), partial(_integer, least=0))
        most[name] = reader.read(_bound("max", name), partial(_integer, least=1))
    if reader.faults:
        named = {name: given for name, given in (("after", after), ("before", before)) if isinstance(given, int)}
        raise InvalidParametersError(reader.faults, named)
    return Query(
        count=Query().count if count is None else count,
        order_by=known,
        direction="desc" if direction == "desc" else "asc",
        after=after,
        before=before,
        equal=_given(equal),
        statuses=statuses,
        least=_given(least),
        most=_given(most),
    )


class _Reader:
    """Reads one parameter after the other, and gathers what is wrong with them."""

    def __init__(self, parameters: Mapping[str, Sequence[str]]) -> None:
        self._parameters = parameters
        self.faults: list[Fault] = []

    def has(self, name: str) -> bool:
        return bool(self._parameters.get(name))

    def has_faults(self, name: str) -> bool:
        return any(fault.field == name for fault in self.faults)

    def read(self, name: str, understand: Callable[[str], T]) -> T | None:
        """What the parameter says; None where it is not given, or at fault."""
        if not self.has(name):
            return None
        try:
            return understand(self._parameters[name][-1])
        except _RefusedError as error:
            self.refuse(name, error)
            return None

    def read_statuses(self) -> frozenset[str]:
        """`status=a&status=b`, `status[]=a`, `status[0]=a&status[1]=b`, `status=a,b`, and any mixture."""
        given = [values for name, values in self._parameters.items() if _STATUS.fullmatch(name)]
        words = frozenset(word for values in given for value in values for word in value.split(","))
        if not words <= frozenset(STATUSES):
            self.refuse("status", _not_one_of(STATUSES))
        return words

    def refuse(self, name: str, error: _RefusedError) -> None:
        self.faults.append(Fault(name, error.rule, f'"{name}" {error.demand}'))


def _given(members: Mapping[str, int | str | None]) -> dict[str, int | str]:
    return {name: value for name, value in members.items() if value is not None}


def _bound(side: str, member: str) -> str:
    return f"{side}{member[0].upper()}{member[1:]}"


def _integer(value: str, least: int = ordering.SMALLEST_INTEGER, most: int = ordering.LARGEST_INTEGER) -> int:
    if not _INTEGER.fullmatch(value):
        raise _not_an_integer(value)
    number = _number(value, _LONGEST_INTEGER)
    if number is None or not ordering.SMALLEST_INTEGER <= number <= ordering.LARGEST_INTEGER:
        raise _RefusedError("number.unsafe", "must be a safe number")
    if number < least:
        raise _RefusedError("number.min", f"must be greater than or equal to {least}")
    if number > most:
        raise _RefusedError("number.max", f"must be less than or equal to {most}")
    return number


def _number(value: str, longest: int) -> int | None:
    """The integer, None where it has more digits than `longest`: Python refuses to read thousands, zeros or not."""
    digits = value.lstrip("-0")
    if len(digits) > longest:
        return None
    return int(digits or "0") * (-1 if value.startswith("-") else 1)


def _not_an_integer(value: str) -> _RefusedError:
    if _DECIMAL.fullmatch(value):
        return _RefusedError("number.integer", "must be an integer")
    return _RefusedError("number.base", "must be a number")


def _choice(value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise _not_one_of(allowed)
    return value


def _not_one_of(allowed: Iterable[str]) -> _RefusedError:
    return _RefusedError("any.only", f"must be one of [{', '.join(allowed)}]")


def _text(value: str) -> str:
    if not value:
        raise _RefusedError("string.empty", "is not allowed to be empty")
    if _UNPRINTABLE.search(value):
        raise _RefusedError("string.base", "must be a string without control characters")
    if len(value.encode()) > LONGEST_TEXT:
        raise _RefusedError("string.max", f"length must be less than or equal to {LONGEST_TEXT} bytes long")
    return value


def _instant(value: str, *, is_lower_bound: bool) -> str:
    """The bound in whole milliseconds, as sessions have them: none lies between this and what was asked for."""
    try:
        return clock.milliseconds(_seconds(value) if _INTEGER.fullmatch(value) else _date_time(value, is_lower_bound))
    except (ValueError, OverflowError):  # it has the form, but no calendar has it
        raise _not_a_time() from None


def _seconds(value: str) -> datetime:
    seconds = _number(value, _LONGEST_SECONDS)
    if seconds is None:
        raise _not_a_time()
    return _EPOCH + timedelta(seconds=seconds)


def _date_time(value: str, rounds_up: bool) -> datetime:
    form = _TIME.fullmatch(value)
    if form is None:
        raise _not_a_time()
    sign = (form["sign"] or "+").replace(" ", "+")  # a plus that was not percent-encoded arrives as a blank
    hour, fraction = form["hour"], form["fraction"] or ""
    if hour.endswith(_LEAP):  # there is no such `datetime`; it is the last instant of its minute, as in events
        hour, fraction = hour.replace(_LEAP, ":59"), "999"
    whole = datetime.fromisoformat(f"{form['day']}T{hour}{sign}{form['offset'] or '00:00'}").astimezone(UTC)
    milliseconds = int(fraction[:3].ljust(3, "0"))
    if rounds_up and fraction[3:].strip("0"):
        milliseconds += 1
    return whole + timedelta(milliseconds=milliseconds)


def _not_a_time() -> _RefusedError:
    return _RefusedError("date.format", "must be an RFC 3339 date-time with an offset, or integer unix seconds")


def unknown_session(field: str) -> Fault:
    """The parameter is a bare id, and the account has no such session."""
    return Fault(field, "any.invalid", f'"{field}" {_POSITION}')


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """As the documentation has the parameters, as far as `after` and `before` go."""
    return sorted(faults, key=lambda fault: {"count": 0, "orderBy": 1, "after": 2, "before": 3}.get(fault.field, 4))


def _position(value: str, orderings: Sequence[str]) -> Position | int:
    """A bare id, or a cursor for one of these orderings. No cursor consists of digits: base64 of ASCII never does."""
    if not value:
        raise _RefusedError("string.empty", "is not allowed to be empty")
    if _INTEGER.fullmatch(value):
        return _integer(value)
    for name in orderings:
        try:
            return cursor.read(name, value)
        except BadCursorError:
            continue
    raise _RefusedError("any.invalid", _POSITION)
