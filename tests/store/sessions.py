"""Sessions made up for tests, queries for them, and what going through all of them one by one would give."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from hypothesis import strategies as st

from functions.store import listing, session
from functions.store.cursor import Position, read, write
from functions.store.ordering import ORDERINGS
from functions.store.query import COUNTS, STATUSES, TIMES, Query
from sessions.attributes import Item, encoded

Values = dict[str, Any]

MINUTES = [f"2026-03-01T00:{minute:02d}:00.000Z" for minute in range(0, 60, 4)]
CODES = ["a", "aa", "ab", "ä", "😀", "~", "B", "1", "long " * 9, '"\\' * 10]
"""The last two are longer than what an index tells of a code."""
TOKENS = ["t1", "t2", "t3"]

times = st.sampled_from(MINUTES)
values = st.fixed_dictionaries(
    {
        "code": st.sampled_from(CODES),
        "storeId": st.one_of(st.none(), st.integers(1, 3)),
        "visitors": st.integers(0, 4),
        "groupSize": st.integers(0, 3),
        "customerId": st.integers(1, 4),
        "status": st.sampled_from(STATUSES),
        "sessionToken": st.sampled_from(TOKENS),
        "priority": st.integers(-10, 10),
        "createdAt": times,
        "later": st.lists(st.integers(-1, 4), min_size=4, max_size=4),
        "nulls": st.tuples(st.booleans(), st.booleans()),
    }
)


def as_session(session_id: int, drawn: Values) -> Values:
    """No time is more than 4 minutes before `createdAt`, as what comes in is checked to be."""
    drawn = dict(drawn)
    created = MINUTES.index(drawn["createdAt"])
    later, nulls = drawn.pop("later"), drawn.pop("nulls")
    moments = [MINUTES[min(max(created + steps, 0), len(MINUTES) - 1)] for steps in later]
    updated, expires, scanned, entered = moments
    return drawn | {
        "id": session_id,
        "updatedAt": updated,
        "expiresAt": expires,
        "codeLastSuccesfullyScannedAt": None if nulls[0] else scanned,
        "customerLastEnteredAt": None if nulls[1] else entered,
    }


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Each filter in one of seven."""
    equal: Values = {}
    least: Values = {}
    most: Values = {}
    for name, choices in (
        ("id", st.integers(1, 12)),
        ("storeId", st.integers(1, 3)),
        ("customerId", st.integers(1, 4)),
        ("code", st.sampled_from(CODES)),
        ("sessionToken", st.sampled_from(TOKENS)),
    ):
        if draw(st.integers(0, 6)) == 0:
            equal[name] = draw(choices)
    for name in TIMES:
        if draw(st.integers(0, 6)) == 0:
            least[name] = draw(times)
        if draw(st.integers(0, 6)) == 0:
            most[name] = draw(times)
    for name in COUNTS:
        if draw(st.integers(0, 6)) == 0:
            least[name] = draw(st.integers(0, 3))
        if draw(st.integers(0, 6)) == 0:
            most[name] = draw(st.integers(1, 4))
    statuses = draw(st.one_of(st.just(set[str]()), st.sets(st.sampled_from(STATUSES), max_size=2)))
    return Query(
        count=draw(st.integers(1, 6)),
        order_by=draw(st.sampled_from(sorted(ORDERINGS))),
        direction=draw(st.sampled_from(("asc", "desc"))),
        equal=equal,
        least=least,
        most=most,
        statuses=frozenset(statuses),
    )


def brute_force(sessions: Iterable[Values], query: Query) -> list[int]:
    """The ids that match, in order, by the contract's words."""

    def matches(one: Values) -> bool:
        return (
            all(one[name] == wanted for name, wanted in query.equal.items())
            and (not query.statuses or one["status"] in query.statuses)
            and all(one[name] is not None and one[name] >= bound for name, bound in query.least.items())
            and all(one[name] is not None and one[name] <= bound for name, bound in query.most.items())
        )

    def order(one: Values) -> Any:
        value = one[query.order_by]
        return value is None, value.encode() if isinstance(value, str) else value or 0, one["id"]

    found = sorted((one for one in sessions if matches(one)), key=order, reverse=query.direction == "desc")
    return [one["id"] for one in found]


def item(account: str, one: Values, *, version: str = "1", padding: int = 0) -> Item:
    """The session as it is stored; with so many bytes more."""
    shown = {"id": str(one["id"]), "customerId": str(one["customerId"]), "storeId": one["storeId"]}
    shown |= {"priority": one.get("priority", 0)}
    body = json.dumps(shown | {"metadata": {"padding": "." * padding}})
    return session.item_of(account, values=one, body=body, version=version)


def fill(account: str, items: Iterable[Item]) -> None:
    """Stores them and what stands beside them in batches, as no recorder does: its saves are conditional."""
    stored = [*items]
    put = [(session.SESSIONS.physical_name, one) for one in stored]
    put += [(session.TOKENS.physical_name, session.token_of(account, one)) for one in stored]
    put += [
        (session.TOKENS.physical_name, session.open_of(one))
        for one in stored
        if session.known_of(one)["status"] in session.OPEN
    ]

    def store(batch: list[tuple[str, Item]]) -> None:
        requests: dict[str, Any] = {}
        for table, one in batch:
            requests.setdefault(table, []).append({"PutRequest": {"Item": encoded(one)}})
        while requests:
            requests = boto3.client("dynamodb").batch_write_item(RequestItems=requests)["UnprocessedItems"]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store, [put[first : first + 25] for first in range(0, len(put), 25)]))


def ids(page: listing.Page) -> list[int]:
    return [int(json.loads(body)["id"]) for body in page.bodies]


def through(query: Query, position: Position) -> Position:
    """As a caller gives it back: by way of the cursor's text."""
    return read(query.order_by, write(query.order_by, position))


def pages(account: str, query: Query, most: int = 200) -> Iterator[listing.Page]:
    """All pages from here on, in the direction of the query's cursor."""
    for _ in range(most):
        found = listing.page(account, query)
        yield found
        further = found.following if query.before is None else found.previous
        if further is None:
            return
        further = through(query, further)
        query = changed(query, after=further) if query.before is None else changed(query, before=further)
    raise AssertionError("the walk does not end")


def changed(query: Query, **given: Any) -> Query:
    """The same query with these members, and no other cursor."""
    return query._replace(**({"after": None, "before": None} | given))
