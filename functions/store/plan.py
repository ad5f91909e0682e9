"""How the sessions that a query asks for are found with the least reading.

There are two ways. Where few sessions can be meant (a token, a customer, sessions still open, a narrow range), all of
them are collected, filtered, and sorted in memory; that is tried first, and given up where there are more than a few.
Else an index is walked in the query's own order from the cursor on. Either way gives the same sessions in the same
order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.store import session
from functions.store.ordering import encode
from functions.store.query import COUNTS, TIMES, Query
from functions.store.walk import Range
from sessions import clock
from sessions.tables import Index


@dataclass(frozen=True, slots=True)
class Source:
    """A range of an index, in each of some partitions, that has all sessions that are asked for, and maybe others.

    `implied` are the members whose filters the range itself obeys; `known` those that its entries carry.
    """

    name: str
    index: Index
    partitions: Sequence[str]
    places: Range
    implied: frozenset[str]
    known: frozenset[str]

    def filtered(self, query: Query) -> frozenset[str]:
        """The filters that entries have still to be held against, or their sessions."""
        return query.filtered - self.implied

    def undecided(self, query: Query) -> frozenset[str]:
        """The filters that only the session itself can tell about."""
        return self.filtered(query) - self.known


@dataclass(frozen=True, slots=True)
class Plan:
    """What to collect, where something may be few enough, and what to walk else."""

    collect: Source | None
    walk: Source


def choose(account: str, query: Query) -> Plan:
    """The plan for a query that does not ask for one session by its id."""
    walk = _in_order(account, query)
    return Plan(_few(account, query, walk), walk)


def _in_order(account: str, query: Query) -> Source:
    """The smallest index that has the query's order."""
    order, places = query.order_by, _range(query.order_by, query)
    if order == "id" and "customerId" in query.equal:
        return _of_customer(account, query, places)
    if "storeId" in query.equal and order in session.OF_STORE:
        return _of_store(account, query, order, "store in order")
    if order == "id" and _is_open(query):
        return _open(account, query, places)
    return _by(account, query, order, "range in order" if query.is_ranged(order) else "order")


def _few(account: str, query: Query, walk: Source) -> Source | None:
    """What may hold few sessions, the best one alone; None where the walk reads little more than it gives."""
    order = query.order_by
    if "sessionToken" in query.equal:
        token = session.of_account(account, query.equal["sessionToken"])
        return _source("token", session.OF_TOKEN, [token], places=Range(), implied={"sessionToken"})
    if "code" in query.equal and order != "code":
        return _by(account, query, "code", "code")
    if not walk.filtered(query) or walk.index in (session.OF_CUSTOMER, session.OPEN_NOW):
        return None
    if "customerId" in query.equal:
        return _of_customer(account, query, Range())
    if _is_open(query):
        return _open(account, query, Range())
    bounded = [name for name in (*TIMES, *COUNTS) if name != order and query.is_ranged(name)]
    # Of several, one that is bounded on both sides is likely the narrowest.
    bounded.sort(key=lambda name: (name in query.least) + (name in query.most), reverse=True)
    if "storeId" in query.equal:
        narrowest = next((name for name in bounded if name in session.OF_STORE), "id")
        return _of_store(account, query, narrowest, "store")
    return _by(account, query, bounded[0], f"range of {bounded[0]}") if bounded else None


def _of_customer(account: str, query: Query, places: Range) -> Source:
    customer = session.of_account(account, query.equal["customerId"])
    return _source("customer", session.OF_CUSTOMER, [customer], places=places, implied={"customerId"})


def _open(account: str, query: Query, places: Range) -> Source:
    return _source("open", session.OPEN_NOW, session.shards(account), places=places, implied=set())


def _of_store(account: str, query: Query, order: str, name: str) -> Source:
    store = session.of_account(account, query.equal["storeId"])
    return _source(name, session.OF_STORE[order], [store], places=_range(order, query), implied={"storeId", order})


def _by(account: str, query: Query, order: str, name: str) -> Source:
    return _source(
        name, session.BY_ORDERING[order], session.shards(account), places=_range(order, query), implied={order}
    )


def _source(
    name: str,
    index: Index,
    partitions: Sequence[str],
    *,
    places: Range,
    implied: set[str],
) -> Source:
    known = session.MEMBERS if "values" in index.projected else ("id", *index.projected)
    return Source(name, index, partitions, places, frozenset(implied), frozenset(known))


def _is_open(query: Query) -> bool:
    return bool(query.statuses) and query.statuses <= session.OPEN


def _range(name: str, query: Query) -> Range:
    """The places in this ordering that the filters leave, those that follow from other filters included."""
    places = Range()
    after_nulls = encode(name, None)
    if name in query.equal:
        exact = encode(name, query.equal[name])
        places = places.within(exact, exact + "~")
    if name in query.least:
        places = places.within(encode(name, query.least[name]), after_nulls)
    if name in query.most:
        places = places.within(high=encode(name, query.most[name]) + "~")
    if name == "createdAt":
        for other in TIMES:
            if other in query.most and other != name:
                latest = _shifted(str(query.most[other]), session.CLOCK_DIFFERENCE)
                places = places.within(high=encode(name, latest) + "~")
    elif name in TIMES and "createdAt" in query.least:
        places = places.within(encode(name, _shifted(str(query.least["createdAt"]), -session.CLOCK_DIFFERENCE)))
    return places


def _shifted(moment: str, duration: timedelta) -> str:
    try:
        return clock.milliseconds(datetime.fromisoformat(moment) + duration)
    except OverflowError:
        return moment
