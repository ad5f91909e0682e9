import base64
import random
import zlib
from datetime import UTC
from typing import Any
from uuid import UUID

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

    def among(places: st.SearchStrategy[str], trails: st.SearchStrategy[Any]) -> st.SearchStrategy[Position]:
        kinds = st.sampled_from(({}, {"inclusive": True}, {"inclusive": True, "again": True}))
        return st.builds(lambda place, kind, trail: Position(place, trail=trail, **kind), places, kinds, trails)

    starts = among(st.just("") | places, st.just(()))
    return among(places, st.lists(starts, max_size=4).map(tuple))


def forged(body: str, trail: bytes | None = None) -> str:
    """A cursor with this body, this trail as it is packed, and the checksum that goes with both."""
    told = body.encode() + (b"" if trail is None else b"\x1f" + trail)
    return base64.urlsafe_b64encode(f"{zlib.crc32(told):08x}".encode() + told).decode().rstrip("=")


def packed(trail: str) -> bytes:
    return zlib.compress(trail.encode(), wbits=-15)


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


@pytest.mark.parametrize("trail", [False, True], ids=["plain", "with a trail"])
def test_a_damaged_cursor_is_refused(trail: bool) -> None:
    at = Position(place("createdAt", "2019-08-24T14:15:22.000Z", 7))
    text = cursor.write("createdAt", at if not trail else Position(at.place, trail=(Position(""), at, at)))
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
    chance = random.Random(1)
    moments = [f"2026-01-{number // 24 + 1:02}T{number % 24:02}:04:05.678Z" for number in range(200)]
    made = {
        "id": [place("id", number, number) for number in range(10**18, 10**18 + 200)],
        "code": sorted(place("code", str(UUID(int=chance.getrandbits(128))), number) for number in range(200)),
        "createdAt": [place("createdAt", moment, chance.randrange(10**9)) for moment in moments],
        "visitors": [place("visitors", 2, chance.randrange(10**9)) for _ in range(200)],
    }
    for name, places in made.items():
        trail = tuple(map(Position, places))
        text = cursor.write(name, Position(trail[0].place, trail=trail))
        assert cursor.read(name, text) == Position(trail[0].place, trail=trail[-100:])
        assert len(text) <= 4000

    long = ["".join(chance.choices("0123456789abcdefghijklmnopqrstuvwxyz\u00e9\u0416", k=200)) for _ in range(200)]
    trail = tuple(Position(place("code", one, 7)) for one in long)
    kept = cursor.read("code", cursor.write("code", Position(trail[0].place, trail=trail))).trail
    assert kept == trail[-len(kept) :]
    assert len(kept) > 10


def test_a_forged_trail_must_still_be_one() -> None:
    good = place("id", 7, 7)
    trail = "\x1f".join([f"={good}"] * 100)
    assert cursor.read("id", forged(f"1id|{good}", packed(trail))).trail == (Position(good, inclusive=True),) * 100
    for one in (
        b"",
        trail.encode(),
        packed(trail)[:-1],
        packed(trail) + b"x",
        packed(""),
        packed(f"{trail}\x1f={good}"),
        packed(f"={good}\x1f"),
        packed(f"={good}\x1f={good}x"),
        packed(f"={'0a7' * 400}"),
        packed("=" * 50_000_000),
        zlib.compress(trail.encode()),
    ):
        with pytest.raises(BadCursorError):
            cursor.read("id", forged(f"1id|{good}", one))


def test_what_no_sort_key_can_hold_is_no_place() -> None:
    text = f"1code|0{chr(0x10FFFF) * 250}\x000a7"
    with pytest.raises(BadCursorError):
        cursor.read("code", forged(text))
