"""What pages cost, measured on an engine that counts as DynamoDB does."""

import json
import random
from functools import partial
from itertools import product
from typing import Literal, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.store import saves, session
from functions.store.cursor import Position
from functions.store.ordering import LARGEST_INTEGER, ORDERINGS, SMALLEST_INTEGER, place
from functions.store.query import COUNTS, STATUSES, TIMES, Query
from sessions import attributes, dynamodb
from tests.store import costs
from tests.store.sessions import Values, brute_force, changed, fill, ids, item, through

SHARDS = 8
DIRECTIONS: tuple[Literal["asc", "desc"], ...] = ("asc", "desc")


@pytest.fixture(autouse=True)
def _shards(on_dynalite: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", str(SHARDS))


def test_a_page_costs_the_same_whatever_there_is_beside_it() -> None:
    """A thousand sessions in one store, and five thousand in two thousand; the first page and the one after it."""
    sizes = {"3a4a5e0e-5b0f-4c4e-9d57-a2f1c7a4a6b1": (1_000, 1), "large": (5_000, 2_000)}
    for account, (count, stores) in sizes.items():
        fill(account, (item(account, one, padding=700) for one in costs.sessions(count, stores=stores)))
    for ordering, direction in product(ORDERINGS, DIRECTIONS):
        index_units: dict[str, set[float]] = {}
        for account, (count, stores) in sizes.items():
            for name, filters in (costs.filters(count, stores) | costs.ranges(ordering, count)).items():
                if name not in costs.BOUND:
                    continue
                query = Query(order_by=ordering, direction=direction, **filters)
                first, cost = costs.page(account, query)
                label = f"{account}, by {ordering} {direction}, {name}"
                costs.check(first, cost, label)
                index_units.setdefault(name, set()).add(cost.index)
                if first.following is not None:
                    second, cost = costs.page(account, changed(query, after=through(query, first.following)))
                    costs.check(second, cost, f"{label}, second page")
        assert all(len(found) == 1 for name, found in index_units.items() if name != "customer"), index_units
    _check_half_a_day("large", *sizes["large"])


def _check_half_a_day(account: str, count: int, stores: int) -> None:
    """All pages of 720 sessions of a range in another order, where its index tells that order, are full."""
    for ordering, direction in product(("id", "customerId"), DIRECTIONS):
        query = Query(order_by=ordering, direction=direction, count=100, **costs.filters(count, stores)["half a day"])
        found: list[int] = []
        for _ in range(8):
            page, cost = costs.page(account, query)
            found += ids(page)
            assert (cost.index, cost.rounds, cost.short) == (16, 2, False), (ordering, direction, cost)
            if page.following is not None:
                query = changed(query, after=through(query, page.following))
        assert (len(set(found)), page.following) == (721, None)


@pytest.mark.parametrize(
    "code",
    [str(UUID(int=2**127)), "\U0001f600" * 9, '"' * 18, "\U0001f600" * 64, '"' * 256],
    ids=["uuid", "36 octets", "36 octets of JSON", "256 octets", "512 octets of JSON"],
)
def test_an_order_by_customers_costs_no_more_where_ids_and_codes_are_long(code: str) -> None:
    """Entries of that index carry much, and a code that is not too long for that."""
    chance = random.Random(4)
    many = [
        one
        | {
            "id": LARGEST_INTEGER - one["id"],
            "customerId": LARGEST_INTEGER - chance.randint(1, 40),
            "storeId": SMALLEST_INTEGER,
            "visitors": LARGEST_INTEGER,
            "groupSize": LARGEST_INTEGER,
            "code": code,
            "status": "cancelled",
            **dict.fromkeys(TIMES, "9999-12-31T23:59:59.999Z"),
            "createdAt": "0001-01-01T00:00:00.000Z",
        }
        for one in costs.sessions(500, stores=1)
    ]
    fill("long", (item("long", one, padding=700) for one in many))
    for direction in DIRECTIONS:
        query = Query(order_by="customerId", direction=direction)
        for _ in range(5):
            found, cost = costs.page("long", query)
            costs.check(found, cost, f"by customer {direction}")
            assert found.following is not None
            query = changed(query, after=through(query, found.following))


def test_a_customer_with_140_sessions_costs_no_more_than_one_with_few() -> None:
    """In any order, and with any other filter that the index tells."""
    made = costs.sessions(10_000, stores=3)[:700]
    customers = {
        one: [session | {"customerId": one} for session in made[140 * one : 140 * one + 140]] for one in range(5)
    }
    fill("good", (item("good", one, padding=700) for ones in customers.values() for one in ones))
    for customer, ordering, direction in product(customers, ORDERINGS, DIRECTIONS):
        for statuses in (frozenset[str](), frozenset({"completed"})):
            query = Query(order_by=ordering, direction=direction, equal={"customerId": customer}, statuses=statuses)
            found, cost = costs.page("good", query)
            costs.check(found, cost, f"customer {customer} by {ordering} {direction}, {set(statuses)}")
            assert ids(found) == brute_force(customers[customer], query)[:20]


def test_a_page_of_sessions_of_4_kilobytes_costs_half_a_unit_for_each() -> None:
    made = costs.sessions(200, stores=3)
    room = [session.READ_BLOCK - 8 - attributes.size(item("full", one)) for one in made]
    items = [item("full", one, padding=size) for one, size in zip(made, room, strict=True)]
    assert {(attributes.size(one), session.weight(one)) for one in items} == {(session.READ_BLOCK - 8, 1)}
    fill("full", items)
    for ordering, direction in product(ORDERINGS, DIRECTIONS):
        for equal in ({}, {"storeId": 1}, {"customerId": 7}):
            found, cost = costs.page("full", Query(order_by=ordering, direction=direction, equal=equal))
            costs.check(found, cost, f"by {ordering} {direction}, {equal}")


@pytest.mark.parametrize("shards", [8, 16])
def test_no_request_costs_more_than_150_units_and_3_rounds(monkeypatch: pytest.MonkeyPatch, shards: int) -> None:
    """Many a session is larger than a block here, customers and stores fill theirs, and pages are long."""
    monkeypatch.setenv("STORE_SHARDS", str(shards))
    chance = random.Random(5)
    many = costs.sessions(1_500, stores=40)
    sizes = chance.choices((0, 3_000, 9_000, 60_000, 128_000), weights=(60, 20, 10, 6, 4), k=len(many))
    fill("many", (item("many", one, padding=size) for one, size in zip(many, sizes, strict=True)))
    for kind, number in product(("customer", "store"), range(1, 61)):
        body = json.dumps({"name": "." * 3_700})
        saves.save_record("many", cast(session.Kind, kind), number, body=body, version="1")
    chosen = st.sampled_from(many)

    @settings(
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=200,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(data=st.data(), count=st.sampled_from((1, 20, 100, 200)))
    def holds(data: st.DataObject, count: int) -> None:
        """Each filter, if given, is one that some session passes."""
        like = data.draw(chosen)
        equal = {name: like[name] for name in ("storeId", "customerId", "code") if data.draw(st.integers(0, 4)) == 0}
        ranged = [name for name in (*TIMES, *COUNTS) if like[name] is not None and data.draw(st.integers(0, 3)) == 0]
        query = Query(
            count=count,
            order_by=data.draw(st.sampled_from(sorted(ORDERINGS))),
            direction=data.draw(st.sampled_from(("asc", "desc"))),
            equal={name: value for name, value in equal.items() if value is not None},
            statuses=data.draw(st.frozensets(st.sampled_from(STATUSES), max_size=2)),
            least={name: like[name] for name in ranged if data.draw(st.booleans())},
            most={name: like[name] for name in ranged if data.draw(st.booleans())},
        )
        given = st.none() | chosen.map(lambda one: int(one["id"])) | chosen.map(partial(_position, query))
        start = data.draw(given)
        if isinstance(start, Position) and data.draw(st.booleans()):
            start = start._replace(trail=(data.draw(st.just(Position("")) | chosen.map(partial(_position, query))),))
        query = changed(query, **{data.draw(st.sampled_from(("after", "before"))): start})
        found, cost = costs.page("many", query)
        assert cost.units <= 150, (query, cost)
        assert cost.rounds <= 3, (query, cost)
        assert cost.units == pytest.approx(cost.logged), "the log says what was measured"
        further = found.following if query.before is None else found.previous
        assert len(found.bodies) == count or cost.short or further is None

    holds()


def test_sessions_that_are_gone_cost_as_others_do() -> None:
    """Each of the others has its own customer and store, and is one of two that the open ones name."""
    many = [
        one | {"status": "active", "customerId": number, "storeId": number}
        for number, one in enumerate(costs.sessions(400, stores=1))
    ]
    fill("gone", (item("gone", one) for one in many))
    for one in many[::2]:
        dynamodb.delete(session.SESSIONS, {"session": session.session_key("gone", one["id"])})
    for count in (20, 100, 200):
        found, cost = costs.page("gone", Query(count=count, statuses=frozenset({"active"})))
        assert found.bodies
        assert cost.units <= 150, (count, cost)


def test_a_range_without_room_costs_nothing() -> None:
    fill("none", (item("none", one) for one in costs.sessions(40, stores=1)))
    for ordering, name in product(ORDERINGS, COUNTS):
        found, cost = costs.page("none", Query(order_by=ordering, least={name: 3}, most={name: 2}))
        assert (found.bodies, cost.calls, cost.rounds) == ([], 0, 0)


def _position(query: Query, one: Values) -> Position:
    return Position(place(query.order_by, one[query.order_by], one["id"]), inclusive=one["id"] % 2 == 0)


@pytest.mark.parametrize("shards", [8, 16])
def test_no_order_by_customers_costs_more_than_150_units_whatever_the_entries_are(
    monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    """The entries of that index are as large as they can be, and every page but the last asks for many."""
    monkeypatch.setenv("STORE_SHARDS", str(shards))
    chance = random.Random(3)
    many = [
        one
        | {
            "id": 9 * 10**18 + one["id"],
            "customerId": 9 * 10**18 + chance.randint(1, 2_000_000),
            "code": '"' * 220 + one["code"],
            "status": "completed",
        }
        for one in costs.sessions(160 * shards, stores=4)
    ]
    many[chance.randrange(len(many))]["status"] = "cancelled"
    account = "x" * 128
    fill(account, (item(account, one, padding=127_000 if one["status"] == "cancelled" else 100) for one in many))
    for count, statuses in product(
        (1, 20, 70, 100, 200), ({"expired"}, {"completed"}, {"cancelled"}, {"cancelled", "completed"})
    ):
        for least in ({}, {"visitors": 0}):
            query = Query(order_by="customerId", count=count, statuses=frozenset(statuses), least=least)
            _, cost = costs.page(account, query)
            assert cost.units <= 150, (query, cost)
            assert cost.rounds <= 3, (query, cost)
