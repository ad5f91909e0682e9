from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.store.ordering import LARGEST_INTEGER, ORDERINGS, SMALLEST_INTEGER, encode, is_place, place
from sessions import clock

EXAMPLES = 300
IDS = st.integers(SMALLEST_INTEGER, LARGEST_INTEGER) | st.integers(-12, 12)
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000))
LETTERS = st.sampled_from(" !/09AZaz~\x7f\x80é߿\u0800\ue000\ufffd\uffff\U00010000\U0001f600\U0010ffff")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": IDS,
    "time": MOMENTS,
    "text": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
    | st.text(LETTERS, min_size=1, max_size=4),
}


def nullable(name: str) -> st.SearchStrategy[Any]:
    return VALUES[ORDERINGS[name]] if name == "id" else st.none() | VALUES[ORDERINGS[name]]


def in_order(value: Any) -> tuple[bool, Any]:
    """What Python sorts by as the contract says: null last, texts by their UTF-8 bytes."""
    if value is None:
        return True, 0
    return False, value.encode() if isinstance(value, str) else value


def text(name: str, value: Any) -> bytes:
    """What DynamoDB sorts by."""
    return encode(name, clock.milliseconds(value) if isinstance(value, datetime) else value).encode()


def placed(name: str, value: Any, session_id: int) -> bytes:
    return place(name, clock.milliseconds(value) if isinstance(value, datetime) else value, session_id).encode()


@pytest.mark.parametrize("name", ORDERINGS)
def test_texts_are_in_the_order_of_their_values(name: str) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(nullable(name), nullable(name))
    def check(left: Any, right: Any) -> None:
        assert (text(name, left) < text(name, right)) == (in_order(left) < in_order(right))
        assert (text(name, left) == text(name, right)) == (left == right)

    check()


@pytest.mark.parametrize("name", [name for name in ORDERINGS if name != "id"])
def test_places_are_in_the_order_of_their_values_and_then_of_their_ids(name: str) -> None:
    values = nullable(name)

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(st.tuples(values, values) | values.map(lambda one: (one, one)), IDS, IDS)
    def check(both: tuple[Any, Any], first: int, second: int) -> None:
        left, right = both
        expected = (*in_order(left), first) < (*in_order(right), second)
        assert (placed(name, left, first) < placed(name, right, second)) == expected

    check()


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
@given(IDS, IDS)
def test_places_by_id_are_in_the_order_of_the_ids(first: int, second: int) -> None:
    assert (placed("id", first, first) < placed("id", second, second)) == (first < second)
    assert place("id", first, first) == encode("id", first)


@pytest.mark.parametrize("name", ORDERINGS)
def test_every_place_has_the_form_of_one(name: str) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(nullable(name).filter(lambda one: not isinstance(one, str) or len(one) <= 256), IDS)
    def check(value: Any, session_id: int) -> None:
        assert is_place(name, placed(name, value, session_id).decode())

    check()


def test_the_ends_of_the_integers_are_the_ends_of_the_order() -> None:
    numbers = (SMALLEST_INTEGER, SMALLEST_INTEGER + 1, -10, -9, -1, 0, 1, 9, 10, LARGEST_INTEGER - 1, LARGEST_INTEGER)
    texts = [encode("storeId", number) for number in (*numbers, None)]

    assert texts == sorted(texts)
    assert len(set(texts)) == len(texts)
    assert encode("storeId", 7) == "0a7", "nothing is padded"


def test_a_text_comes_before_those_that_it_begins() -> None:
    assert place("code", "a", LARGEST_INTEGER) < place("code", "a ", SMALLEST_INTEGER)
    assert place("code", "a", LARGEST_INTEGER) < place("code", "a0", SMALLEST_INTEGER)


def test_an_instant_is_of_fixed_width_in_utc_and_cut_to_milliseconds() -> None:
    east = timezone(timedelta(hours=2))

    assert clock.milliseconds(datetime(2019, 8, 24, 14, 15, 22, 123999, tzinfo=east)) == "2019-08-24T12:15:22.123Z"
    assert clock.milliseconds(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000Z"
    assert clock.milliseconds(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == "9999-12-31T23:59:59.999Z"
