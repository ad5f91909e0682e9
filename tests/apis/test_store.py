"""A retailer's sessions, over HTTP: found, ordered, walked through, and nobody else's."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.store import demonstration
from functions.store.ordering import ORDERINGS
from tests.accounts import Headers, new_retailer
from tests.answers import Client
from tests.platform import Target, event, eventually

STORE = "/api/admin/v2/sessions"
NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)

Session = dict[str, Any]


def shown(events: Iterable[dict[str, Any]]) -> list[Session]:
    """The sessions of these events as they are answered, by id; each session, customer and store is saved once."""
    data = [one["data"] for one in events]
    known = {
        kind: {one[kind]["id"]: one[kind] | {"id": str(one[kind]["id"])} for one in data if kind in one}
        for kind in ("customer", "store")
    }
    sessions = sorted((one["session"] for one in data if "session" in one), key=lambda one: one["id"])
    return [
        one
        | {"id": str(one["id"]), "customerId": str(one["customerId"])}
        | {"customer": known["customer"].get(one["customerId"]), "store": known["store"].get(one["storeId"])}
        for one in sessions
    ]


ALL = shown(demonstration.events())


def ordered(sessions: Iterable[Session], order: str, direction: str = "asc") -> list[Session]:
    """Nulls last, ties by id; and all of that turned round."""

    def place(one: Session) -> tuple[bool, Any, int]:
        value = one[order]
        if order in ("id", "customerId"):
            value = int(value)
        elif order.endswith("At") and value is not None:
            value = datetime.fromisoformat(value)
        return value is None, 0 if value is None else value, int(one["id"])

    return sorted(sessions, key=place, reverse=direction == "desc")


def walked(
    http: Client, headers: Headers, query: dict[str, Any], begin: dict[str, Any] | None = None, side: str = "next"
) -> tuple[list[list[Session]], dict[str, Any]]:
    """The pages in the order in which they are passed, from the one on that `begin` leads to; what led to the last."""
    pages: list[list[Session]] = []
    more = begin or {}
    while True:
        answer = http.get(f"{STORE}?{urlencode(query | more, doseq=True)}", headers)
        assert answer.status == 200, answer
        assert set(answer.json) == {"data", "pagination"}
        pages.append(answer.json["data"])
        following = answer.json["pagination"][side]
        if following is None:
            return pages, more
        assert following != more
        more = following


def found(http: Client, headers: Headers, **query: Any) -> list[Session]:
    """All sessions that there are of these."""
    return [one for page in walked(http, headers, {"count": 200} | query)[0] for one in page]


def test_a_listing_has_twenty_sessions_whole_by_id(http: Client, retailer: Headers) -> None:
    answer = http.get(STORE, retailer)
    after = answer.json["pagination"]["next"]["after"]
    assert (answer.status, answer.json) == (
        200,
        {
            "data": ALL[:20],
            "pagination": {"previous": None, "next": {"count": 20, "after": after, "direction": "asc"}},
        },
    )
    following = http.get(f"{STORE}?count=20&after={after}&direction=asc", retailer)
    assert following.json["data"] == ALL[20:40]


def test_the_latest_come_first_where_that_is_asked_for(http: Client, retailer: Headers) -> None:
    answer = http.get(f"{STORE}?orderBy=createdAt&direction=desc&count=5", retailer)
    assert (answer.status, answer.json["data"]) == (200, ordered(ALL, "createdAt", "desc")[:5])


@pytest.mark.parametrize(
    ("order", "direction", "count"),
    [("id", "asc", 200), ("customerLastEnteredAt", "desc", 150), ("storeId", "asc", 170), ("code", "desc", 199)],
)
def test_a_walk_through_all_pages_forwards_and_backwards_passes_the_same_pages(
    http: Client, retailer: Headers, order: str, direction: str, count: int
) -> None:
    query = {"orderBy": order, "direction": direction, "count": count}
    forwards, last = walked(http, retailer, query)
    assert [one for page in forwards for one in page] == ordered(ALL, order, direction)
    assert [len(page) for page in forwards[:-1]] == [count] * (len(forwards) - 1)
    backwards, _ = walked(http, retailer, query, last, "previous")
    assert backwards[::-1] == forwards


def test_a_filtered_walk_passes_the_same_pages_both_ways(http: Client, retailer: Headers) -> None:
    query: dict[str, Any] = {"status": ["expired", "cancelled"], "storeId": 11, "orderBy": "updatedAt", "count": 7}
    wanted = [one for one in ALL if one["status"] in query["status"] and one["storeId"] == 11]
    forwards, last = walked(http, retailer, query)
    assert [one for page in forwards for one in page] == ordered(wanted, "updatedAt")
    assert len(forwards) > 2
    backwards, _ = walked(http, retailer, query, last, "previous")
    assert backwards[::-1] == forwards


def test_a_page_may_begin_at_a_session_by_its_id(http: Client, retailer: Headers) -> None:
    for order in ("id", "createdAt", "storeId"):
        there = ordered(ALL, order)
        place = 300
        call = f"{STORE}?orderBy={order}&count=3"
        after = http.get(f"{call}&after={there[place]['id']}", retailer).json
        before = http.get(f"{call}&before={there[place]['id']}", retailer).json
        assert after["data"] == there[place + 1 : place + 4]
        assert before["data"] == there[place - 3 : place]


SOME = ALL[250]
EARLY, LATE = "2025-06-05T12:00:00Z", "2025-06-06T12:00:00Z"
FILTERS: list[tuple[dict[str, Any], Callable[[Session], bool]]] = [
    ({"id": SOME["id"]}, lambda one: one["id"] == SOME["id"]),
    ({"code": SOME["code"]}, lambda one: one["code"] == SOME["code"]),
    ({"sessionToken": SOME["sessionToken"]}, lambda one: one["sessionToken"] == SOME["sessionToken"]),
    ({"storeId": 13}, lambda one: one["storeId"] == 13),
    ({"customerId": SOME["customerId"]}, lambda one: one["customerId"] == SOME["customerId"]),
    ({"status": "active"}, lambda one: one["status"] == "active"),
    ({"minVisitors": 1}, lambda one: one["visitors"] >= 1),
    ({"maxVisitors": 1, "status": "active"}, lambda one: one["visitors"] <= 1 and one["status"] == "active"),
    ({"minGroupSize": 3, "maxGroupSize": 3, "storeId": 12}, lambda one: one["groupSize"] == 3 and one["storeId"] == 12),
    *(
        (
            {f"min{name[0].upper()}{name[1:]}": EARLY, f"max{name[0].upper()}{name[1:]}": LATE},
            lambda one, name=name: one[name] is not None and EARLY <= one[name] <= LATE,
        )
        for name in ("createdAt", "updatedAt", "expiresAt", "codeLastSuccesfullyScannedAt", "customerLastEnteredAt")
    ),
    ({"id": SOME["id"], "storeId": 99}, lambda _: False),
    ({"minCreatedAt": LATE, "maxCreatedAt": EARLY}, lambda _: False),
]


@pytest.mark.parametrize(("query", "is_wanted"), FILTERS, ids=[",".join(query) for query, _ in FILTERS])
def test_a_filter_leaves_what_matches(
    http: Client, retailer: Headers, query: dict[str, Any], is_wanted: Callable[[Session], bool]
) -> None:
    wanted = [one for one in ALL if is_wanted(one)]
    assert wanted or "storeId" in query or "maxCreatedAt" in query
    assert found(http, retailer, **query) == wanted
    newest = found(http, retailer, **query, orderBy="createdAt", direction="desc")
    assert newest == ordered(wanted, "createdAt", "desc")


@pytest.mark.parametrize(
    "spelling",
    [
        "status=active&status=created",
        "status[]=active&status[]=created",
        "status[0]=active&status[1]=created",
        "status%5B0%5D=active&status%5B1%5D=created",
        "status=active,created",
        "status=active%2Ccreated",
    ],
)
def test_statuses_come_in_every_form(http: Client, retailer: Headers, spelling: str) -> None:
    wanted = [one for one in ALL if one["status"] in ("active", "created")]
    answer = http.get(f"{STORE}?count=200&{spelling}", retailer)
    assert (answer.status, answer.json) == (
        200,
        {"data": wanted, "pagination": {"previous": None, "next": None}},
    )


@pytest.mark.parametrize(
    "moment",
    [
        "2025-06-05T12:00:00Z",
        "2025-06-05T12:00:00.000Z",
        "2025-06-05t12:00:00.0000000z",
        "2025-06-05T14:00:00+02:00",
        "2025-06-05T14:00:00%2B02:00",
        "2025-06-05T14%3A00%3A00.000%2B02%3A00",
        "2025-06-05T02:30:00-09:30",
        str(int(datetime(2025, 6, 5, 12, tzinfo=UTC).timestamp())),
    ],
)
def test_date_times_come_in_every_form(http: Client, retailer: Headers, moment: str) -> None:
    wanted = [one for one in ALL if EARLY <= one["createdAt"] <= LATE]
    assert 30 < len(wanted) < 200
    answer = http.get(f"{STORE}?count=200&minCreatedAt={moment}&maxCreatedAt={LATE}", retailer)
    assert (answer.status, answer.json["data"]) == (200, wanted)


def test_bounds_are_inclusive_to_the_millisecond(http: Client, retailer: Headers) -> None:
    exact = SOME["createdAt"]
    just_after = (
        (datetime.fromisoformat(exact) + timedelta(milliseconds=1))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
    assert found(http, retailer, minCreatedAt=exact, maxCreatedAt=exact) == [SOME]
    assert found(http, retailer, minCreatedAt=just_after, maxCreatedAt=just_after) == []


def test_all_faults_are_told_at_once(http: Client, retailer: Headers) -> None:
    cursor = http.get(f"{STORE}?orderBy=code", retailer).json["pagination"]["next"]["after"]
    faulty = f"count=500&after={cursor}&direction=up&id=x&status=gone&minCreatedAt=soon&maxVisitors=0"
    answer = http.get(f"{STORE}?{faulty}", retailer)
    statuses = "[created, active, completed, expired, cancelled]"
    time = "an RFC 3339 date-time with an offset, or integer unix seconds"
    told = [
        ("count", "number.max", "must be less than or equal to 200"),
        ("after", "any.invalid", "must be the id of a session, or a cursor of this ordering"),
        ("direction", "any.only", "must be one of [asc, desc]"),
        ("id", "number.base", "must be a number"),
        ("status", "any.only", f"must be one of {statuses}"),
        ("minCreatedAt", "date.format", f"must be {time}"),
        ("maxVisitors", "number.min", "must be greater than or equal to 1"),
    ]
    errors = [{"error": f'"{name}" {text}', "rule": rule, "field": f'"{name}"'} for name, rule, text in told]
    body = {"message": "The request has invalid parameters", "type": "E_INVALID_BODY", "errors": errors}
    assert (answer.status, answer.json) == (422, body)


def test_a_page_at_a_session_that_there_is_not_is_refused(http: Client, retailer: Headers) -> None:
    for side in ("after", "before"):
        text = f'"{side}" must be the id of a session, or a cursor of this ordering'
        error = {"error": text, "rule": "any.invalid", "field": f'"{side}"'}
        body = {"message": "The request has invalid parameters", "type": "E_INVALID_BODY", "errors": [error]}
        answer = http.get(f"{STORE}?{side}=4999", retailer)
        assert (answer.status, answer.json) == (422, body)


def session(number: int, account: str, at: datetime = NOW, **members: Any) -> dict[str, Any]:
    """A save of a session that says all of itself."""
    moment = at.isoformat().replace("+00:00", "Z")
    whole = demonstration.events()[50]["data"]["session"]
    times = {name: None if value is None else moment for name, value in whole.items() if name.endswith("At")}
    times.pop("storeIdScannableAt")
    own = {"id": number, "sessionId": f"s-{number}", "sessionToken": f"s-{number}", "code": f"c-{number}"}
    saved = whole | times | own | {"customerId": 7, "storeId": 3, "status": "active"} | members
    return event("store.session.saved", at=at, accountId=account, session=saved)


def customer(account: str, at: datetime = NOW, **members: Any) -> dict[str, Any]:
    whole = demonstration.events()[5]["data"]["customer"] | {"id": 7} | members
    return event("store.customer.saved", at=at, accountId=account, customer=whole)


def store(account: str, at: datetime = NOW, **members: Any) -> dict[str, Any]:
    whole = demonstration.events()[0]["data"]["store"] | {"id": 3} | members
    return event("store.store.saved", at=at, accountId=account, store=whole)


def test_a_session_is_listed_before_its_customer_and_store_are_known(apis: Target, http: Client) -> None:
    headers, _ = new_retailer(apis, "early-retailer")
    saved = session(1, "early-retailer")
    apis.send("store", saved)
    expected = shown([saved])
    assert (expected[0]["customer"], expected[0]["store"]) == (None, None)
    assert eventually(lambda: found(http, headers)) == expected

    known = [saved, customer("early-retailer"), store("early-retailer")]
    apis.send("store", *known[1:])
    eventually(lambda: found(http, headers) == shown(known))


def test_every_listing_shows_a_customer_and_a_store_as_they_are_now(apis: Target, http: Client) -> None:
    headers, _ = new_retailer(apis, "moving-retailer")
    sessions = [session(number, "moving-retailer", NOW - timedelta(days=number)) for number in range(1, 6)]
    apis.send("store", *sessions, customer("moving-retailer"), store("moving-retailer"))
    eventually(lambda: len(found(http, headers, storeId=3)) == 5)
    later, earlier = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
    now = [customer("moving-retailer", later, lastName="Moved"), store("moving-retailer", later, status="CLOSED")]
    apis.send("store", *now, customer("moving-retailer", earlier, lastName="Before"))
    expected = shown([*sessions, *now])
    eventually(lambda: found(http, headers) == expected)
    for order in ORDERINGS:
        for query in ({}, {"storeId": 3}, {"customerId": 7}, {"status": "active"}, {"minVisitors": 0}):
            assert found(http, headers, orderBy=order, **query) == ordered(expected, order), (order, query)


def test_a_newer_save_moves_a_session_and_an_older_one_does_not(apis: Target, http: Client) -> None:
    headers, _ = new_retailer(apis, "updating-retailer")
    first = session(1, "updating-retailer", visitors=2)
    done = session(1, "updating-retailer", NOW + timedelta(minutes=9), status="completed", visitors=0)
    apis.send("store", done)
    eventually(lambda: found(http, headers))
    apis.send("store", first, done, session(2, "updating-retailer"))
    eventually(lambda: len(found(http, headers)) == 2)
    assert found(http, headers, id=1) == found(http, headers, status="completed") == shown([done])
    assert found(http, headers, minVisitors=2) == []


def test_two_retailers_with_equal_ids_codes_and_tokens_see_nothing_of_each_other(
    apis: Target, http: Client, retailer: Headers
) -> None:
    rival, _ = new_retailer(apis, "rival")
    events = demonstration.events()
    own = [*events[:3], *events[3:43], *events[100:112]]
    for one in own:
        kind = one["type"].split(".")[1]
        mark = {"session": "referencedSessionId", "customer": "externalId", "store": "thirdPartyId"}[kind]
        one["data"] = {"accountId": "rival", kind: one["data"][kind] | {mark: "rival"}}
    theirs = shown(own)
    assert len(theirs) == 12
    apis.send("store", *own)
    eventually(lambda: found(http, rival) == theirs, 30)

    for side, other, mine, everything in ((rival, retailer, theirs, ALL), (retailer, rival, ALL, theirs)):
        one = theirs[5]
        same = [session for session in mine if session["id"] == one["id"]]
        for query in ({"id": one["id"]}, {"code": one["code"]}, {"sessionToken": one["sessionToken"]}):
            assert found(http, side, **query) == same
        for name in ("storeId", "customerId", "status"):
            wanted = [session for session in mine if session[name] == one[name]]
            assert found(http, side, **{name: one[name]}) == wanted
        for order in ORDERINGS:
            there = ordered(everything, order)
            place = len(there) // 2
            cursors = http.get(f"{STORE}?orderBy={order}&count=3&after={there[place]['id']}", other).json["pagination"]
            edge = there[place + 3]
            both = ordered([*(session for session in mine if session["id"] != edge["id"]), edge], order)
            beyond = [session for session in both[both.index(edge) + 1 :] if session in mine]
            call = f"{STORE}?orderBy={order}&count=20&after={cursors['next']['after']}"
            assert http.get(call, side).json["data"] == beyond[:20], order
    assert http.get(f"{STORE}?after=5001", rival).status == 422, "no session of the rival's"
