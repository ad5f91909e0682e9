"""Every plan, ordering, filter and page gives what going through all sessions one by one would give."""

import json
import zlib
from collections.abc import Callable, Iterable
from itertools import count, islice, product
from typing import Any, Literal

import boto3
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.store import listing, saves, session, walk
from functions.store.cursor import Position
from functions.store.ordering import place
from functions.store.query import Query
from functions.store.walk import Entry, is_beyond
from sessions import dynamodb, endpoint, log
from sessions.connection import Connection
from tests.store import costs
from tests.store.sessions import (
    MINUTES,
    Values,
    as_session,
    brute_force,
    changed,
    fill,
    ids,
    item,
    pages,
    queries,
    through,
    values,
)

ENGINES = {
    "moto, 1 shard": ("aws", 1, False),
    "moto, 3 shards": ("aws", 3, False),
    "moto, 2 shards, little work": ("aws", 2, True),
    "dynalite, 8 shards": ("on_dynalite", 8, False),
    "dynalite, 8 shards, little work": ("on_dynalite", 8, True),
}
"""With little work in a request, few sessions do what many do else: most pages are short."""

LIKE: Values = {
    "code": "a",
    "status": "active",
    "sessionToken": "t1",
    "createdAt": MINUTES[0],
    "later": [1, 1, 1, 1],
    "nulls": (False, False),
}

Property = Callable[..., None]


class Engine:
    """Where the sessions are, and how many examples it is quick enough for."""

    def __init__(self, fixture: str) -> None:
        self.is_moto = fixture == "aws"
        self._accounts = count()

    def new_account(self) -> str:
        """One without sessions. moto's queries cost what is in the table, so that is emptied, too."""
        if self.is_moto:
            client = boto3.client("dynamodb")
            for table in (session.SESSIONS, session.TOKENS):
                for one in client.scan(TableName=table.physical_name)["Items"]:
                    key = {name: one[name] for name in table.key.attributes()}
                    client.delete_item(TableName=table.physical_name, Key=key)
        return f"retailer{next(self._accounts)}-"

    def check(self, examples: int, **strategies: st.SearchStrategy[Any]) -> Callable[[Property], None]:
        """Runs the property for so many examples, the same ones every time; a fifth of them elsewhere than on moto."""
        unmoved = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

        def run(holds: Property) -> None:
            settings(
                deadline=None,
                derandomize=True,
                database=None,
                max_examples=examples if self.is_moto else examples // 5,
                suppress_health_check=unmoved,
                phases=[Phase.explicit, Phase.generate],  # to make a failure smaller takes minutes
            )(given(**strategies)(holds))()

        return run


@pytest.fixture(params=list(ENGINES.values()), ids=list(ENGINES))
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    fixture, shards, has_little_work = request.param
    request.getfixturevalue(fixture)
    monkeypatch.setenv("STORE_SHARDS", str(shards))
    if has_little_work:
        for name, most in (("MOST_TOLD", 5), ("MOST_ENTRIES", 5), ("MOST_SESSIONS", 4), ("MOST_COLLECTED", 3)):
            monkeypatch.setattr(listing, name, most)
    return Engine(fixture)


def sessions_of(drawn: Iterable[Values]) -> list[Values]:
    return [as_session(number, one) for number, one in enumerate(drawn, 1)]


def several(least: int, most: int) -> st.SearchStrategy[list[Values]]:
    return st.lists(values, min_size=least, max_size=most)


def test_all_pages_either_way_are_what_going_through_all_sessions_gives(engine: Engine) -> None:
    """Beside them are another retailer's sessions with equal ids, codes and tokens."""

    @engine.check(30, drawn=several(8, 24), others=several(4, 4), asked=st.lists(queries(), min_size=20, max_size=20))
    def holds(drawn: list[Values], others: list[Values], asked: list[Query]) -> None:
        account, neighbour = engine.new_account(), engine.new_account()
        sessions = sessions_of(drawn)
        fill(account, (item(account, one) for one in sessions))
        fill(neighbour, (item(neighbour, one) for one in sessions_of(others)))
        for query in asked:
            expected = brute_force(sessions, query)
            forward = list(pages(account, query))
            assert [one for page in forward for one in ids(page)] == expected
            priorities = [json.loads(body)["priority"] for page in forward for body in page.bodies]
            assert priorities == [sessions[one - 1]["priority"] for one in expected]
            if not expected:
                continue
            last = next(one for one in sessions if one["id"] == expected[-1])
            end = Position(place(query.order_by, last[query.order_by], last["id"]), inclusive=True)
            backward = [ids(page) for page in pages(account, changed(query, before=through(query, end)))]
            assert [one for page in reversed(backward) for one in page] == expected


def test_walking_forward_and_back_returns_the_same_pages(engine: Engine) -> None:
    @engine.check(15, drawn=several(8, 24), asked=st.lists(queries(), min_size=10, max_size=10))
    def holds(drawn: list[Values], asked: list[Query]) -> None:
        account = engine.new_account()
        fill(account, (item(account, one) for one in sessions_of(drawn)))
        for query in asked:
            forward = list(pages(account, query))
            back = [ids(forward[-1])]
            position = forward[-1].previous
            while position is not None:
                found = listing.page(account, changed(query, before=through(query, position)))
                back.insert(0, ids(found))
                assert found.following is not None
                position = found.previous
            assert back == [ids(page) for page in forward]


def test_a_page_begins_beyond_the_session_whose_bare_id_is_given(engine: Engine) -> None:
    """Also where that session does not match the filters."""

    @engine.check(15, drawn=several(8, 16), query=queries(), chosen=st.integers(1, 8))
    def holds(drawn: list[Values], query: Query, chosen: int) -> None:
        account = engine.new_account()
        sessions = sessions_of(drawn)
        fill(account, (item(account, one) for one in sessions))
        start = next(one for one in sessions if one["id"] == chosen)
        everything = brute_force(sessions, Query(order_by=query.order_by, direction=query.direction))
        beyond = everything[everything.index(chosen) + 1 :]
        before = everything[: everything.index(chosen)]
        found = [one for page in pages(account, changed(query, after=start["id"])) for one in ids(page)]
        assert found == [one for one in brute_force(sessions, query) if one in beyond]
        previous = [ids(page) for page in pages(account, changed(query, before=start["id"]))]
        expected = [one for one in brute_force(sessions, query) if one in before]
        assert [one for page in reversed(previous) for one in page] == expected


def test_who_is_shown_with_a_session_is_what_it_says_itself(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its indexes may still say another one. Where it is too late then to read the right one, the page ends
    before it, and the next page begins with it and has the time.
    """
    kinds: tuple[session.Kind, ...] = ("customer", "store")
    rounds = set[float]()
    monkeypatch.setattr(log, "measured", lambda _event, _plan, counts, **_data: rounds.add(counts["rounds"]))
    for name in ("_entries", "_bare_entries"):
        understood = getattr(walk, name)

        def misled(*arguments: Any, _understood: Callable[..., list[Entry]] = understood) -> list[Entry]:
            told = ("1", "4", None)
            return [one._replace(store=told[zlib.crc32(one.place.encode()) % 3]) for one in _understood(*arguments)]

        monkeypatch.setattr(walk, name, misled)

    @engine.check(
        25, drawn=several(8, 16), asked=st.lists(queries(), min_size=10, max_size=10), first=st.integers(1, 8)
    )
    def holds(drawn: list[Values], asked: list[Query], first: int) -> None:
        account, sessions = engine.new_account(), sessions_of(drawn)
        fill(account, (item(account, one) for one in sessions))
        for kind, number in product(kinds, range(1, 5)):
            saves.save_record(account, kind, number, body=f'"{kind} {number}"', version="1")
        for query, start in product(asked, (None, first)):
            in_order = brute_force(sessions, Query(order_by=query.order_by, direction=query.direction))
            beyond = in_order if start is None else in_order[in_order.index(start) + 1 :]
            found = pages(account, changed(query, after=start))
            shown = [json.loads(body) for page in found for body in page.bodies]
            assert [int(one["id"]) for one in shown] == [one for one in brute_force(sessions, query) if one in beyond]
            assert all(one["customer"] == f"customer {one['customerId']}" for one in shown)
            assert all(one["store"] == (one["storeId"] and f"store {one['storeId']}") for one in shown)

    assert max(rounds) == 3


class Changes:
    """Sessions that come, go, and change between the pages of a query: their ordering's value, or others only."""

    def __init__(self, engine: Engine, data: st.DataObject, drawn: list[Values], query: Query) -> None:
        self.account = engine.new_account()
        self.sessions = {one["id"]: one for one in sessions_of(drawn)}
        self.in_place = set(self.sessions)
        self._data = data
        self._query = query
        self._numbers = st.integers(1, len(drawn) + 3)
        self._matched = {number for number, one in self.sessions.items() if query.allows(one)}
        self._turn = 0
        fill(self.account, (item(self.account, one) for one in self.sessions.values()))

    def happen(self) -> None:
        """One of them."""
        number, self._turn = self._data.draw(self._numbers), self._turn + 1
        old = self.sessions.get(number)
        if old is not None and self._data.draw(st.booleans()):
            dynamodb.delete(session.SESSIONS, {"session": session.session_key(self.account, number)})
            self._matched.discard(number)
            self.in_place.discard(number)
            return
        new = as_session(number, self._data.draw(values))
        order = self._query.order_by
        if old is not None and self._data.draw(st.booleans()):
            new |= {order: old[order]}
        if old is None or new[order] != old[order]:
            self.in_place.discard(number)
        if not self._query.allows(new):
            self._matched.discard(number)
        self.sessions[number] = new
        fill(self.account, [item(self.account, new, version=f"2{self._turn:03d}")])

    def kept(self) -> list[int]:
        """Those that have matched and kept their place all the time, in order."""
        found = brute_force(self.sessions.values(), self._query)
        return [number for number in found if number in self._matched & self.in_place]

    def check(self, seen: list[int], expected: list[int]) -> None:
        """None of those is skipped or out of order, and none that kept its place is seen twice."""
        assert [number for number in seen if number in expected] == expected
        again = [number for number in seen if number in self.in_place]
        assert len(again) == len(set(again))


def test_who_keeps_the_place_is_neither_skipped_nor_seen_twice(engine: Engine) -> None:
    @engine.check(60, data=st.data(), drawn=several(8, 20), query=queries())
    def holds(data: st.DataObject, drawn: list[Values], query: Query) -> None:
        changes = Changes(engine, data, drawn, query)
        seen: list[int] = []
        position: Position | None = None
        for _ in range(100):
            found = listing.page(changes.account, changed(query, after=position))
            seen += ids(found)
            if found.following is None:
                break
            position = through(query, found.following)
            changes.happen()
        changes.check(seen, changes.kept())


def test_who_keeps_the_place_is_neither_skipped_nor_seen_twice_on_the_way_back(engine: Engine) -> None:
    """From the end, or from where some pages led to."""

    @engine.check(60, data=st.data(), drawn=several(8, 20), query=queries(), forward=st.integers(0, 4))
    def holds(data: st.DataObject, drawn: list[Values], query: Query, forward: int) -> None:
        changes = Changes(engine, data, drawn, query)
        everything = Query(order_by=query.order_by, direction=query.direction)
        last = changes.sessions[brute_force(changes.sessions.values(), everything)[-1]]
        position: Position | None = Position(place(query.order_by, last[query.order_by], last["id"]), inclusive=True)
        if forward:
            walked = list(islice(pages(changes.account, query), forward))
            position = walked[-1].previous
        if position is None:
            return
        turn, is_descending = position, query.direction == "desc"
        seen: list[int] = []
        for _ in range(100):
            found = listing.page(changes.account, changed(query, before=through(query, position)))
            seen = ids(found) + seen
            if found.previous is None:
                break
            position = found.previous
            changes.happen()
        places = {
            number: place(query.order_by, changes.sessions[number][query.order_by], number) for number in changes.kept()
        }
        changes.check(seen, [number for number, at in places.items() if is_beyond(at, turn, is_descending)])


def test_the_last_page_says_that_it_is_the_last_where_one_shard_has_all(on_dynalite: None) -> None:
    """In both directions, at every size of a page."""
    account, numbers = "retailer", [4, 14, 23, 28, 37, 42, 49, 56, 61, 75]
    assert {zlib.crc32(str(number).encode()) % 8 for number in numbers} == {0}
    drawn = as_session(1, dict.fromkeys(("storeId", "visitors", "groupSize", "customerId"), 1) | LIKE)
    fill(account, (item(account, drawn | {"id": number}) for number in numbers))
    for order, each in product(("id", "createdAt"), range(1, 11)):
        for query in (Query(order_by=order, count=each), Query(order_by=order, count=each, direction="desc")):
            found = [ids(page) for page in pages(account, query)]
            assert [len(page) for page in found] == [each] * (10 // each) + ([10 % each] if 10 % each else [])


def test_a_page_that_others_have_come_into_is_left_to_the_next_one(aws: dict[str, Any]) -> None:
    """Walking back, where the page of then has more sessions than a page may: nobody is skipped or seen twice."""
    drawn = as_session(1, dict.fromkeys(("storeId", "visitors", "groupSize", "customerId"), 1) | LIKE)
    fill("retailer", (item("retailer", drawn | {"id": 10 * number}) for number in range(1, 8)))
    query = Query(count=3, least={"visitors": 1})
    first = listing.page("retailer", query)
    assert first.following is not None
    second = listing.page("retailer", changed(query, after=through(query, first.following)))
    assert second.previous is not None
    fill("retailer", [item("retailer", drawn | {"id": 15})])

    back = list(pages("retailer", changed(query, before=through(query, second.previous))))
    assert [one for page in reversed(back) for one in ids(page)] == [10, 15, 20, 30]
    assert back[0].following is not None
    assert ids(listing.page("retailer", changed(query, after=through(query, back[0].following)))) == ids(second)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_cursor_of_one_direction_leads_both_ways_in_the_other(
    aws: dict[str, Any], count: int, direction: Literal["asc", "desc"]
) -> None:
    """What a filtered listing remembers of its pages is of no use there, and does no harm."""
    drawn = as_session(1, dict.fromkeys(("storeId", "visitors", "groupSize", "customerId"), 1) | LIKE)
    fill("retailer", (item("retailer", drawn | {"id": number}) for number in range(1, 10)))
    query = Query(count=count, least={"visitors": 1}, direction=direction)
    turned: Literal["asc", "desc"] = "desc" if direction == "asc" else "asc"
    all_turned = brute_force((drawn | {"id": number} for number in range(1, 10)), changed(query, direction=turned))

    def walked(position: Position, *, is_back: bool = False) -> list[list[int]]:
        side = "before" if is_back else "after"
        found = pages("retailer", changed(query, direction=turned, **{side: through(query, position)}))
        return [ids(page) for page in found][:: -1 if is_back else 1]

    for page in pages("retailer", query):
        for position in filter(None, (page.following, page.previous)):
            first = listing.page("retailer", changed(query, direction=turned, after=through(query, position)))
            onward = [ids(first)] if first.following is None else [ids(first), *walked(first.following)]
            back = [] if first.previous is None else walked(first.previous, is_back=True)
            assert [number for one in (*back, *onward) for number in one] == all_turned


def test_what_follows_from_a_bound_goes_to_both_ends_of_the_calendar(
    aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clocks differ, and five minutes more or less than there are bound nothing. Collected or walked by."""
    drawn = as_session(1, dict.fromkeys(("storeId", "visitors", "groupSize", "customerId"), 1) | LIKE)
    last, first = "9999-12-31T23:5{}:00.000Z", "0001-01-01T00:0{}:00.000Z"
    ends = [
        drawn | {"id": 1, "createdAt": last.format(9), "expiresAt": last.format(6), "updatedAt": last.format(9)},
        drawn | {"id": 2, "createdAt": first.format(3), "expiresAt": first.format(3), "updatedAt": first.format(0)},
    ]
    fill("retailer", (item("retailer", one) for one in ends))
    for query, expected in (
        (Query(order_by="createdAt", most={"expiresAt": last.format(7)}), [2, 1]),
        (Query(order_by="createdAt", most={"expiresAt": last.format(7)}, least={"expiresAt": last.format(6)}), [1]),
        (Query(order_by="createdAt", most={"updatedAt": last.format(9)}), [2, 1]),
        (Query(order_by="updatedAt", least={"createdAt": first.format(2)}), [2, 1]),
        (Query(order_by="updatedAt", least={"createdAt": first.format(2)}, most={"createdAt": first.format(3)}), [2]),
    ):
        for few in (100, 1):
            monkeypatch.setattr(listing, "MOST_COLLECTED", few)
            assert [number for page in pages("retailer", query) for number in ids(page)] == expected


def test_a_hundred_short_pages_are_found_again_on_the_way_back(
    aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And beyond them the same sessions, on other pages perhaps."""
    monkeypatch.setattr(listing, "MOST_SESSIONS", 3)
    monkeypatch.setattr(listing, "MOST_COLLECTED", 0)
    drawn = as_session(1, dict.fromkeys(("storeId", "visitors", "groupSize", "customerId"), 1) | LIKE)
    statuses = [("active", "completed")[zlib.crc32(bytes([number % 256])) % 3 > 0] for number in range(360)]
    sessions = [drawn | {"id": 9 * 10**18 + number, "status": status} for number, status in enumerate(statuses)]
    fill("retailer", (item("retailer", one) for one in sessions))
    query = Query(order_by="createdAt", count=5, statuses=frozenset({"completed", "expired"}))
    forward = list(pages("retailer", query))
    assert len(forward) > 110
    assert max(len(page.bodies) for page in forward) < 5
    position, back = forward[-1].previous, [ids(forward[-1])]
    assert position is not None
    back += [ids(page) for page in pages("retailer", changed(query, before=through(query, position)))]
    back.reverse()
    assert back[-101:] == [ids(page) for page in forward[-101:]]
    assert [one for page in back for one in page] == [one for page in forward for one in ids(page)]


def test_pages_are_planned_alike_whatever_they_begin_at(on_dynalite: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred sessions that could just be collected, were there no walk at the same time; at first there is none."""
    monkeypatch.setenv("STORE_SHARDS", "8")
    drawn = as_session(1, dict.fromkeys(("storeId", "groupSize", "customerId"), 1) | LIKE | {"visitors": 0})
    sizes = [9_000] * 80 + [5_000] * 20
    sessions = [drawn | {"id": number, "visitors": 4} for number in range(2, 102)]
    fill("retailer", (item("retailer", one, padding=size) for one, size in zip(sessions, sizes, strict=True)))
    fill("retailer", (item("retailer", drawn | {"id": number}) for number in (1, *range(102, 300))))
    query = Query(order_by="updatedAt", least={"visitors": 4})
    forward = list(pages("retailer", changed(query, after=1)))
    assert [one for page in forward for one in ids(page)] == [one["id"] for one in sessions]
    back, position = [ids(forward[-1])], forward[-1].previous
    for _ in forward[1:]:
        assert position is not None
        found, cost = costs.page("retailer", changed(query, before=through(query, position)))
        assert cost.units <= 150
        back.insert(0, ids(found))
        position = found.previous
    assert back == [ids(page) for page in forward]


def test_an_unknown_id_costs_no_connection(on_dynalite: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else has been asked for is answered before it is told, so that the next request finds all connections."""
    monkeypatch.setenv("STORE_SHARDS", "8")
    opened: list[Any] = []

    def connected(*given: Any) -> Connection:
        opened.append(given)
        return Connection(*given)

    monkeypatch.setattr(endpoint, "Connection", connected)
    for order, least in product(("id", "createdAt"), ({}, {"visitors": 3})):
        for turn in range(3):
            with pytest.raises(listing.UnknownSessionError):
                listing.page("retailer", Query(order_by=order, least=least, after=404))
            assert not (turn and opened)
            opened.clear()
