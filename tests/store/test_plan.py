"""Which way is chosen for which query."""

from typing import Any

import pytest

from functions.store import plan
from functions.store.query import Query
from functions.store.walk import Range, Source

TIME, LATER = "2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z"


@pytest.fixture(autouse=True)
def _shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", "2")


def told(source: Source | None) -> str | None:
    """The source in words."""
    if source is None:
        return None
    name = source.table.name if source.index is None else source.index.name
    return f"{source.name}: {name}, {len(source.partitions)} partitions, {source.prefix} {source.places}"


def source(name: str, index: str, partitions: int, low: str = "0", high: str = "2", *, prefix: str = "") -> str:
    return f"{name}: {index}, {partitions} partitions, {prefix} {Range(low, high)}"


def by(order: str) -> str:
    return source("order", f"by_{order}", 2)


CUSTOMER = source("customer", "by_customerId", 2, prefix="0a7")

CASES: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, None, by("id")),
    ({"order_by": "visitors"}, None, by("visitors")),
    ({"equal": {"sessionToken": "t"}}, source("token", "store-tokens", 1), by("id")),
    ({"equal": {"code": "c"}}, source("code", "by_code", 2, "0c\x00", "0c\x00~"), by("id")),
    (
        {"equal": {"code": "c"}, "order_by": "code"},
        None,
        source("range in order", "by_code", 2, "0c\x00", "0c\x00~"),
    ),
    ({"equal": {"customerId": 7}}, None, CUSTOMER),
    ({"equal": {"customerId": 7}, "order_by": "code"}, CUSTOMER, by("code")),
    (
        {"equal": {"customerId": 7}, "order_by": "customerId"},
        None,
        source("range in order", "by_customerId", 2, "0a7", "0a7~"),
    ),
    ({"equal": {"customerId": 7}, "statuses": frozenset({"active"})}, None, CUSTOMER),
    ({"equal": {"storeId": 7}}, None, source("store in order", "by_storeId", 2, prefix="0a7")),
    (
        {"equal": {"storeId": 7}, "order_by": "visitors"},
        None,
        source("store in order", "of_store_by_visitors", 1),
    ),
    (
        {"equal": {"storeId": 7}, "order_by": "storeId"},
        None,
        source("range in order", "by_storeId", 2, "0a7", "0a7~"),
    ),
    (
        {"equal": {"storeId": 8, "customerId": 7}, "order_by": "createdAt"},
        CUSTOMER,
        source("store in order", "of_store_by_createdAt", 1),
    ),
    ({"equal": {"storeId": 8, "customerId": 7}}, None, CUSTOMER),
    (
        {"equal": {"storeId": 8, "customerId": 7}, "order_by": "customerId"},
        None,
        source("range in order", "by_customerId", 2, "0a7", "0a7~"),
    ),
    ({"statuses": frozenset({"active"})}, None, source("open", "store-tokens", 2)),
    ({"statuses": frozenset({"active"}), "order_by": "code"}, source("open", "store-tokens", 2), by("code")),
    ({"statuses": frozenset({"active", "completed"})}, None, by("id")),
    (
        {"statuses": frozenset({"active"}), "equal": {"storeId": 7}, "order_by": "code"},
        source("open", "store-tokens", 2),
        source("store in order", "of_store_by_code", 1),
    ),
    (
        {"least": {"createdAt": TIME}, "order_by": "createdAt"},
        None,
        source("range in order", "by_createdAt", 2, f"0{TIME}", "1"),
    ),
    (
        {"least": {"visitors": 3}, "order_by": "createdAt"},
        source("range of visitors", "by_visitors", 2, "0a3", "1"),
        by("createdAt"),
    ),
    # Of two ranges, that with both ends; and what follows for `createdAt`: clocks differ by 5 minutes.
    (
        {"least": {"visitors": 3, "updatedAt": TIME}, "most": {"updatedAt": LATER}},
        source("range of updatedAt", "by_updatedAt", 2, f"0{TIME}", f"0{LATER}~"),
        by("id"),
    ),
    (
        {"most": {"expiresAt": LATER}, "order_by": "createdAt"},
        source("range of expiresAt", "by_expiresAt", 2, "0", f"0{LATER}~"),
        source("order", "by_createdAt", 2, "0", "02026-03-02T00:05:00.000Z~"),
    ),
    (
        {"least": {"createdAt": LATER}, "order_by": "expiresAt"},
        source("range of createdAt", "by_createdAt", 2, f"0{LATER}", "1"),
        source("order", "by_expiresAt", 2, "02026-03-01T23:55:00.000Z", "2"),
    ),
    (
        {"equal": {"storeId": 7}, "least": {"createdAt": TIME}, "order_by": "visitors"},
        source("store, range of createdAt", "of_store_by_createdAt", 1, f"0{TIME}", "1"),
        source("store in order", "of_store_by_visitors", 1),
    ),
]


@pytest.mark.parametrize(("asked", "collect", "walk"), CASES, ids=range(len(CASES)))
def test_the_cheapest_way_is_chosen(asked: dict[str, Any], collect: str | None, walk: str) -> None:
    chosen = plan.choose("retailer", Query(**asked))
    assert (told(chosen.collect), told(chosen.walk)) == (collect, walk)


@pytest.mark.parametrize(
    ("least", "most"),
    [("9999-12-31T23:59:59.999Z", None), (None, "9999-12-31T23:59:59.999Z"), ("0001-01-01T00:00:00.000Z", None)],
)
def test_the_ends_of_the_calendar_are_bounds_like_others(least: str | None, most: str | None) -> None:
    bounds: dict[str, Any] = {
        "least": {"createdAt": least} if least else {},
        "most": {"expiresAt": most} if most else {},
    }
    for order in ("createdAt", "expiresAt"):
        assert not plan.choose("retailer", Query(order_by=order, **bounds)).walk.places.is_empty()


@pytest.mark.parametrize(
    ("asked", "at_once"),
    [
        ({}, False),
        ({"statuses": frozenset({"completed"})}, False),  # there is nothing to collect
        ({"statuses": frozenset({"active"}), "order_by": "code"}, True),
        ({"least": {"visitors": 3}, "order_by": "createdAt"}, True),
        ({"least": {"createdAt": TIME}}, False),  # the walk's index tells, too: it will not take all rounds
        ({"equal": {"sessionToken": "t"}, "least": {"visitors": 3}}, False),  # few have one token, code or customer
        ({"equal": {"code": "c"}, "least": {"visitors": 3}}, False),
        ({"equal": {"customerId": 7}, "least": {"visitors": 3}, "order_by": "code"}, False),
    ],
)
def test_the_walk_begins_at_once_where_it_may_well_be_needed(asked: dict[str, Any], at_once: bool) -> None:
    assert plan.choose("retailer", Query(**asked)).at_once == at_once


@pytest.mark.parametrize(
    ("asked", "is_common"),
    [
        ({"statuses": frozenset({"completed", "expired"})}, True),
        ({"statuses": frozenset({"expired"})}, False),
        ({"statuses": frozenset({"active"})}, True),  # of the open ones
        ({"statuses": frozenset({"active"}), "equal": {"storeId": 7}, "order_by": "code"}, False),
        ({"statuses": frozenset({"completed"}), "least": {"visitors": 3}}, False),
    ],
)
def test_what_matches_often_is_known_beforehand(asked: dict[str, Any], is_common: bool) -> None:
    query = Query(**asked)
    assert plan.choose("retailer", query).is_common(query) == is_common
