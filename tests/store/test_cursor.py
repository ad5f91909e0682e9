import base64
import zlib
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.store import cursor
from functions.store.cursor import BadCursorError, Position
from functions.store.ordering import LARGEST_INTEGER, ORDERINGS, SMALLEST_INTEGER, place
from sessions import clock

IDS = st.integers(SMALLEST_INTEGER, LARGEST_INTEGER)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": IDS,
    "time": st.datetimes(timezones=st.just(UTC)).map(clock.milliseconds),
    "text": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=256),
}


def positions(name: str) -> st.SearchStrategy[Position]:
    values = VALUES[ORDERINGS[name]]
    places = st.builds(place, st.just(name), values if name == "id" else st.none() | values, IDS)
    starts = st.builds(Position, st.just("") | places, inclusive=st.booleans())
    return st.builds(Position, places, inclusive=st.booleans(), trail=st.lists(starts, max_size=4).map(tuple))


def forged(body: str) -> str:
    """A cursor with this body, and the checksum that goes with it."""
    return base64.urlsafe_b64encode(f"{zlib.crc32(body.encode()):08x}{body}".encode()).decode().rstrip("=")


@pytest.mark.parametrize("name", ORDERINGS)
def test_a_cursor_leads_back_to_its_position_and_goes_into_a_url_as_it_is(name: str) -> None:
    @settings(max_examples=100, derandomize=True, deadline=None, database=None)
    @given(positions(name))
    def check(position: Position) -> None:
        text = cursor.write(name, position)
        assert text.isascii()
        assert text.replace("-", "").replace("_", "").isalnum()
        assert not text.removeprefix("-").isdecimal(), "else it could be a bare id"
        assert cursor.read(name, text) == cursor.read(name, text + "=" * (-len(text) % 4)) == position
        for other in set(ORDERINGS) - {name}:
            with pytest.raises(BadCursorError):
                cursor.read(other, text)

    check()


def test_a_damaged_cursor_is_refused() -> None:
    text = cursor.write("createdAt", Position(place("createdAt", "2019-08-24T14:15:22.000Z", 7)))
    damaged: list[Any] = [text[:end] for end in range(len(text))] + [
        text[1:],
        text * 2,
        text + "A",
        "A" + text,
        "é" + text,
    ]
    damaged += [text + "=" * count for count in range(1, 5) if count != -len(text) % 4]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    damaged += [text[:at] + one + text[at + 1 :] for at in range(len(text)) for one in letters if one != text[at]]
    for one in damaged:
        with pytest.raises(BadCursorError):
            cursor.read("createdAt", one)


def test_a_forged_cursor_must_still_be_a_position() -> None:
    good = place("id", 7, 7)
    assert cursor.read("id", forged(f"1id|{good}")) == Position(good)

    for body in (
        "",
        "1",
        "1id",
        "1id|",
        "1id=",
        f"2id|{good}",
        f"1id#{good}",
        f"1id|{good}0",
        f"1id|{good[:-1]}",
        f"1id|{good[:-1]}x",
        f"1id|{good}\n",
        "1id|0a\u0665",
        f"1id|1{good}",
        f"1createdAt|0now{good}",
        f"1code|0\x00{good}",
        f"1code|0a\x01\x00{good}",
        f"1code|0{'a' * 257}\x00{good}",
    ):
        for name in ("id", "createdAt", "code"):
            with pytest.raises(BadCursorError):
                cursor.read(name, forged(body))


@settings(max_examples=1000, derandomize=True, deadline=None, database=None)
@given(
    st.sampled_from(list(ORDERINGS)),
    st.text() | st.text("AZaz09-_=+/", max_size=40) | st.text().map(lambda one: one * 99),
)
def test_no_text_is_more_than_refused(name: str, text: str) -> None:
    with pytest.raises(BadCursorError):
        cursor.read(name, text)


def test_a_trail_that_is_too_long_loses_its_beginning() -> None:
    places = [Position(place("code", "x" * 250, number)) for number in range(40)]
    short = [Position(place("id", number, number)) for number in range(40)]
    for name, trail, kept in (("code", places, 4), ("id", short, 20)):
        found = cursor.read(name, cursor.write(name, Position(trail[0].place, trail=tuple(trail))))
        assert (found.place, found.trail) == (trail[0].place, tuple(trail[-kept:]))


def test_what_no_sort_key_can_hold_is_no_place() -> None:
    for text in (f"1code|0{chr(0x10FFFF) * 250}\x000a7", f"1id|0a7\x1f|0a7\x1f|{'0a7' * 400}"):
        with pytest.raises(BadCursorError):
            cursor.read(text[1:].split("|")[0], forged(text))
