"""How the sessions that a query asks for are found with the least reading.

There are two ways. Where few sessions can be meant (a token, a customer, sessions still open, a narrow range), all of
them are collected, filtered, and sorted in memory; that is tried first, and given up where there are more than a few.
Else an index is walked in the query's own order from the cursor on. Either way gives the same sessions in the same
order.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from functions.store import session
from functions.store.ordering import encode
from functions.store.query import COUNTS, TIMES, Query
from functions.store.walk import Range, Source
from sessions import clock


class Plan(NamedTuple):
    """What to collect, where something may be few enough, and what to walk else.

    `at_once`: both begin together, as what is collected may well be too many, and the walk takes all rounds there are.
    """

    collect: Source | None
    walk: Source
    at_once: bool = False

    def is_common(self, query: Query) -> bool:
        """Whether most of what the walk comes by will match, as far as can be told: sessions come to be completed, and
        those among the open ones are open.
        """
        has_them = self.walk.table is session.TOKENS or "completed" in query.statuses
        return has_them and self.walk.undecided(query) == {"status"}


def choose(account: str, query: Query) -> Plan:
    """The plan for a query that does not ask for one session by its id."""
    walk = _in_order(account, query)
    collect = _few(account, query, walk)
    if collect is None or collect.places.is_empty() or query.equal.keys() & {"sessionToken", "code", "customerId"}:
        return Plan(collect, walk)
    return Plan(collect, walk, at_once=bool(walk.undecided(query)))


def _in_order(account: str, query: Query) -> Source:
    """The smallest index that has the query's order."""
    order, equal = query.order_by, query.equal
    if order == "id" and "customerId" in equal:
        return _of_customer(account, query)
    if "storeId" in equal and order not in ("storeId", "customerId" if "customerId" in equal else ""):
        return _of_store(account, query, order, "store in order")
    if order == "id" and _is_open(query):
        return _open(account)
    return _by(account, query, order, "range in order" if query.is_ranged(order) else "order")


def _few(account: str, query: Query, walk: Source) -> Source | None:
    """What may hold few sessions, the best one alone; None where the walk reads little more than it gives."""
    order, equal = query.order_by, query.equal
    if "sessionToken" in equal:
        token = session.token_partition(account, str(equal["sessionToken"]))
        return Source("token", session.TOKENS, None, [token], Range(), frozenset({"sessionToken"}))
    if "code" in equal and order != "code":
        return _by(account, query, "code", "code")
    if not walk.filtered(query) or walk.table is session.TOKENS:
        return None
    if "customerId" in equal:
        return None if "customerId" in walk.implied else _of_customer(account, query)
    if _is_open(query):
        return _open(account)
    bounded = [name for name in (*TIMES, *COUNTS) if name != order and query.is_ranged(name)]
    if not bounded:
        return None
    # Of several, one that is bounded on both sides is likely the narrowest.
    narrowest = max(bounded, key=lambda name: (name in query.least) + (name in query.most))
    if "storeId" in equal:
        return _of_store(account, query, narrowest, f"store, range of {narrowest}")
    return _by(account, query, narrowest, f"range of {narrowest}")


def _of_customer(account: str, query: Query) -> Source:
    """All of the customer's sessions, by their ids."""
    customer = int(query.equal["customerId"])
    return Source(
        "customer",
        session.SESSIONS,
        session.BY_ORDERING["customerId"],
        session.customer_shards(account, customer),
        Range(),
        frozenset({"customerId"}),
        encode("customerId", customer),
    )


def _open(account: str) -> Source:
    return Source("open", session.TOKENS, None, session.shards(account), Range(), frozenset())


def _of_store(account: str, query: Query, order: str, name: str) -> Source:
    places, implied = _range(order, query), frozenset({"storeId", order})
    if order == "id":
        index, partitions = session.BY_ORDERING["storeId"], session.shards(account)
        prefix = encode("storeId", query.equal["storeId"])
        return Source(name, session.SESSIONS, index, partitions, places, implied, prefix)
    partitions = [session.of_account(account, query.equal["storeId"])]
    return Source(name, session.SESSIONS, session.OF_STORE[order], partitions, places, implied)


def _by(account: str, query: Query, order: str, name: str) -> Source:
    partitions = session.shards(account)
    if order == "customerId" in query.equal:
        partitions = session.customer_shards(account, int(query.equal["customerId"]))
    index = session.BY_ORDERING[order]
    return Source(name, session.SESSIONS, index, partitions, _range(order, query), frozenset({order}))


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
                latest = _shifted(name, query.most[other], session.CLOCK_DIFFERENCE)
                places = places.within(high=latest and latest + "~")
    elif name in TIMES and "createdAt" in query.least:
        places = places.within(_shifted(name, query.least["createdAt"], -session.CLOCK_DIFFERENCE))
    return places


def _shifted(name: str, moment: int | str, duration: timedelta) -> str | None:
    """The text of this bound when it is moved; None where it leaves the calendar, and so bounds nothing."""
    try:
        return encode(name, clock.milliseconds(datetime.fromisoformat(str(moment)) + duration))
    except OverflowError:
        return None
