"""What is stored of a session tells what was saved, and is small."""

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.store import session
from functions.store.ordering import LARGEST_INTEGER, SMALLEST_INTEGER
from functions.store.query import STATUSES
from functions.store.walk import Range, Source
from sessions import clock
from sessions.attributes import Item, size
from sessions.tables import Index

TIMES = st.datetimes(timezones=st.just(UTC)).map(clock.milliseconds)
INTEGERS = st.integers(SMALLEST_INTEGER, LARGEST_INTEGER)
NATURALS = st.integers(0, LARGEST_INTEGER)
CODES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)
SESSIONS = st.fixed_dictionaries(
    {
        "id": INTEGERS,
        "code": CODES,
        "storeId": st.none() | INTEGERS,
        "visitors": NATURALS,
        "groupSize": NATURALS,
        "expiresAt": TIMES,
        "customerId": INTEGERS,
        "codeLastSuccesfullyScannedAt": st.none() | TIMES,
        "customerLastEnteredAt": st.none() | TIMES,
        "createdAt": TIMES,
        "updatedAt": TIMES,
        "status": st.sampled_from(STATUSES),
        "sessionToken": CODES,
    }
)


def entry(item: Item, index: Index) -> Item:
    names = {*session.SESSIONS.key.attributes(), *index.key.attributes(), *index.projected}
    return {name: value for name, value in item.items() if name in names}


def test_an_item_and_the_entries_of_its_indexes_tell_what_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the code, the index of customers tells nothing where it is long."""
    monkeypatch.setenv("STORE_SHARDS", "8")

    @settings(max_examples=1000, derandomize=True, deadline=None, database=None)
    @given(SESSIONS)
    def check(values: dict[str, Any]) -> None:
        item = session.item_of("retailer", values=values, body="{}", version="1")
        assert session.known_of(item) == values
        by_customer = session.known_of(entry(item, session.BY_ORDERING["customerId"]))
        is_long = len(json.dumps(values["code"], ensure_ascii=False).encode()) > 38
        left_out = {"sessionToken", *(["code"] if is_long else [])}
        assert by_customer == {name: value for name, value in values.items() if name not in left_out}

    check()


def test_no_entry_is_larger_than_what_work_counts_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", "16")
    late, most = "9999-12-31T23:59:59.999Z", LARGEST_INTEGER
    largest: dict[str, Any] = dict.fromkeys(("visitors", "groupSize", "customerId", "id"), most)
    largest |= dict.fromkeys(("expiresAt", "updatedAt", "codeLastSuccesfullyScannedAt", "customerLastEnteredAt"), late)
    largest |= {"storeId": SMALLEST_INTEGER, "createdAt": "0001-01-01T00:00:00.000Z", "status": "cancelled"}
    version = "\n".join(("2026-01-02T03:04:05.678901Z",) * 2 + ("\U0001f600" * 256,) * 2)
    for code in ("x" * 36, "\U0001f600" * 64):
        item = session.item_of(
            "retailer", values=largest | {"code": code, "sessionToken": code}, body=" " * 128 * 1024, version=version
        )
        for index in session.SESSIONS.indexes:
            source = Source("", session.SESSIONS, index, ["", ""], Range(), frozenset())
            assert size(entry(item, index)) <= source.largest_entry, index.name
        open_one = Source("", session.TOKENS, None, ["", ""], Range(), frozenset())
        assert size(session.open_of(item)) <= open_one.largest_entry
        token = Source("", session.TOKENS, None, [""], Range(), frozenset({"sessionToken"}))
        assert size(session.token_of("retailer", item)) <= token.largest_entry
