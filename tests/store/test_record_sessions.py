"""Which save wins, and what is stored of it."""

import json
import logging
import random
from collections.abc import Callable
from functools import partial
from itertools import count, permutations, product
from typing import Any

import pytest

from functions.store import demonstration, listing, record_sessions, saves, session
from functions.store.query import Query
from infra.local.resources import Queue
from sessions import dynamodb
from sessions.attributes import Item, decoded
from sessions.tables import Table
from tests.interleaving import Interleaving
from tests.proxy_events import batch
from tests.sessions.watching import aws_calls, dead_letters, logged, operations, stored

pytestmark = pytest.mark.usefixtures("aws")

SESSION: dict[str, Any] = {
    "id": 7,
    "sessionId": "s-7",
    "code": "c-7",
    "status": "active",
    "createdAt": "2026-01-02T03:00:00Z",
    "updatedAt": "2026-01-02T03:04:05.678901Z",
    "expiresAt": "2026-01-02T04:15:00+01:00",
    "codeLastSuccesfullyScannedAt": "2026-01-02T03:01:00.5Z",
    "customerSatisfactionSubmitted": False,
    "suspectedFraud": False,
    "groupSize": 2,
    "visitors": 1,
    "storeId": 3,
    "customerId": "0042",
}
CUSTOMER: dict[str, Any] = {"role": "customer", "firstName": "Zoë", "email": "zoe@example.com", "id": 42}
STORE: dict[str, Any] = {
    "status": "OPEN",
    "deploymentStatus": "LIVE",
    "name": "Königsallee",
    "id": 3,
    "employeeInside": True,
}


def saved(
    kind: str = "session",
    *,
    account: str = "retailer",
    time: str = "2026-01-02T03:04:06Z",
    event_id: str = "e1",
    source: str = "/test",
    **members: Any,
) -> dict[str, Any]:
    """A save of a session, a customer or a store that has these members beside the usual ones."""
    usual = {"session": SESSION, "customer": CUSTOMER, "store": STORE}[kind]
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": f"store.{kind}.saved",
        "time": time,
        "data": {"accountId": account, kind: usual | members},
    }


def record(*events: Any) -> None:
    assert record_sessions.handler(batch(*events), None) == {"batchItemFailures": []}


def found(account: str = "retailer", session_id: int = 7) -> dict[str, Any]:
    """The session's item."""
    item = session.find(account, session_id)
    assert item is not None
    return item


def values(account: str = "retailer", session_id: int = 7) -> dict[str, Any]:
    """What the session is sorted and filtered by."""
    return session.known_of(found(account, session_id))


def shown(kind: session.Kind, number: int, account: str = "retailer") -> dict[str, Any]:
    """The customer or store as it is shown."""
    ((_, body),) = session.load_records_ahead([session.record_key(account, kind, number)]).result()
    read: dict[str, Any] = json.loads(body)
    return read


def stored_octets(table: Table) -> dict[str, int]:
    """How large each attribute of the table's one item is."""
    (item,) = stored(table.physical_name)
    return {name: len(value["S"].encode()) for name, value in item.items()}


def test_what_is_no_event_of_ours_is_buried_with_a_reason_and_its_neighbours_are_recorded(
    aws: dict[str, Queue],
) -> None:
    unknown = saved() | {"type": "store.session.deleted"}
    early = saved(expiresAt="2026-01-02T02:54:59.999Z")
    extra = saved("customer", colour="red")
    record(unknown, early, "{", saved(), extra)

    assert dead_letters(aws["store"].dead_letter_url) == [
        (json.dumps(unknown), "event: the type is none that this queue takes"),
        (
            json.dumps(early),
            "store.session.saved.data.session: Value error, more than 5 minutes before createdAt: expiresAt",
        ),
        ("{", "event: Invalid JSON: EOF while parsing an object at line 1 column 1"),
        (json.dumps(extra), "store.customer.saved.data.customer.?: Extra inputs are not permitted"),
    ]
    assert values()["id"] == 7
    assert stored(session.RECORDS.physical_name) == []


@pytest.mark.parametrize(
    "fault", [{"id": "x-secret"}, {"code": "secret\n"}, {"status": "secret"}, {"storeId": "secret"}]
)
def test_a_reason_and_the_log_have_no_values_of_the_event(
    aws: dict[str, Queue], caplog: pytest.LogCaptureFixture, fault: dict[str, str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="sessions")
    record(saved(**fault), saved("customer", email=["secret"]), saved("session", sessionToken="secret"))

    letters = dead_letters(aws["store"].dead_letter_url)
    assert len(letters) == 3
    assert [reason for _, reason in letters if "secret" in reason] == []
    assert "secret" not in logged(caplog)


def test_the_log_names_the_account_and_no_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sessions")
    record(saved(), saved("customer"), saved("store"), saved())

    lines = [line for line in logged(caplog).splitlines() if "batch" not in line]
    assert lines == [
        "sessions save recorded {'kind': 'session', 'account': 'retailer', 'message': 'save recorded'} ",
        "sessions save recorded {'kind': 'customer', 'account': 'retailer', 'message': 'save recorded'} ",
        "sessions save recorded {'kind': 'store', 'account': 'retailer', 'message': 'save recorded'} ",
        "sessions older save ignored {'kind': 'session', 'account': 'retailer', 'message': 'older save ignored'} ",
    ]


def test_a_save_is_one_write_and_another_for_where_its_session_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a look whether the customer was erased, where there is one. A new session has its token written, too."""
    calls = aws_calls(monkeypatch)
    record(saved())
    assert operations(calls) == ["GetItem", "PutItem", "PutItem", "PutItem", "GetItem"]
    calls.clear()
    record(saved(time="2026-01-03T00:00:00Z"))
    assert operations(calls) == ["GetItem", "PutItem", "PutItem"]
    calls.clear()
    record(saved(time="2026-01-04T00:00:00Z", status="completed"))
    assert operations(calls) == ["GetItem", "PutItem", "DeleteItem"]
    calls.clear()
    record(saved("customer"), saved("store"))
    assert operations(calls) == ["GetItem", "PutItem", "PutItem"]


def beside() -> list[str]:
    """What stands beside the sessions: `open` for one that is among the open ones, and the tokens."""
    partitions = [item["partition"]["S"] for item in stored(session.TOKENS.physical_name)]
    shards = session.shards("retailer")
    return sorted("open" if one in shards else one.partition("token#")[2] for one in partitions)


def those_of(status: str, token: str) -> list[str]:
    """What is to stand beside the one session there is."""
    return sorted(["open", token] if status in session.OPEN else [token])


def test_a_session_joins_the_open_ones_before_it_is_stored_and_leaves_them_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So none goes on that is not among the open ones, whenever the recorder stops."""
    replace = dynamodb.replace
    seen: list[tuple[Any, list[str]]] = []

    def watched(table: Table, *rest: Any, **values: Any) -> Item | None:
        before = session.find("retailer", 7)
        seen.append((before and session.known_of(before)["status"], beside()))
        return replace(table, *rest, **values)

    monkeypatch.setattr(dynamodb, "replace", watched)
    record(
        saved(status="active"),
        saved(time="2026-01-03T00:00:00Z", status="completed"),
        saved(time="2026-01-04T00:00:00Z", status="created"),
    )
    assert seen == [(None, ["open"]), ("active", ["open", "s-7"]), ("completed", ["open", "s-7"])]
    assert beside() == ["open", "s-7"]


def test_a_closed_session_does_not_stay_among_the_open_ones_for_a_late_save() -> None:
    record(saved(time="2026-01-03T00:00:00Z", status="completed"), saved(status="active"))
    assert beside() == ["s-7"]


def test_a_session_is_not_closed_for_an_event_that_an_open_one_cannot_be_told_from() -> None:
    """Open sessions are told apart by the beginnings of their events' ids: what is the same to them stays open."""
    beginning = "e" * 200
    record(saved(event_id=f"{beginning}2", status="active"), saved(event_id=f"{beginning}1", status="completed"))
    assert beside() == ["open", "s-7"]
    record(saved(event_id=f"{beginning}3", status="completed"))
    assert open_sessions() == []
    record(saved(time="2026-01-03T00:00:00Z", event_id=beginning, status="completed"))
    assert beside() == ["s-7"]


def test_what_stands_beside_a_session_tells_what_reading_it_costs_now() -> None:
    """However it came to be as large as it is."""
    large = {"events": [], "more": "x" * 9_000}
    for order in permutations((saved(), saved(time="2026-01-03T00:00:00Z", metadata=large))):
        record(*order, order[0])
        assert [item["weight"]["N"] for item in stored(session.TOKENS.physical_name)] == ["3", "3"]
        for one in stored(session.TOKENS.physical_name):
            dynamodb.delete(session.TOKENS, {name: one[name]["S"] for name in session.TOKENS.key.attributes()})
        dynamodb.delete(session.SESSIONS, {"session": session.session_key("retailer", 7)})


@pytest.mark.parametrize("call", range(20))
@pytest.mark.parametrize(
    ("before", "status", "token"),
    list(product((None, "created", "expired"), ("active", "completed"), ("s-7", "other"))),
)
def test_a_save_that_got_half_way_comes_again(
    monkeypatch: pytest.MonkeyPatch, before: str | None, status: str, token: str, call: int
) -> None:
    """Whichever of its calls to DynamoDB was the last one, before or after it took effect."""
    earlier = [] if before is None else [saved(status=before)]
    for one in earlier:
        record(one)
    later = saved(time="2026-01-03T00:00:00Z", status=status, sessionId=token)
    calls = count()

    def broken(made: Callable[..., Any]) -> Callable[..., Any]:
        def fail(*arguments: Any, **values: Any) -> Any:
            number = next(calls)
            if number == call // 2 and call % 2:
                made(*arguments, **values)
            return made(*arguments, **values) if number < call // 2 else 1 / 0

        return fail

    with monkeypatch.context() as patched:
        for name in ("get", "put", "replace", "delete"):
            patched.setattr(dynamodb, name, broken(getattr(dynamodb, name)))
        record_sessions.handler(batch(later), None)
    stored_now = session.find("retailer", 7)
    if stored_now is not None and session.known_of(stored_now)["status"] == "active":
        assert [one["id"] for one in open_sessions()] == [7], "also before it comes again"
    record(later, *earlier)
    assert values()["status"] == status
    assert beside() == those_of(status, token)
    if status == "active":
        assert [one["id"] for one in open_sessions()] == [7]


def open_sessions() -> list[dict[str, Any]]:
    query = Query(statuses=frozenset({"active"}))
    return [json.loads(body) | {"id": 7} for body in listing.page("retailer", query).bodies]


def test_a_session_given_another_token_leaves_the_former() -> None:
    saves = [
        saved(sessionId="one"),
        saved(sessionId="two", time="2026-01-03T00:00:00Z"),
        saved(sessionId="one", time="2026-01-04T00:00:00Z", status="completed"),
        saved(sessionId="three", time="2026-01-05T00:00:00Z"),
    ]
    for order in permutations(saves):
        record(*order, order[0])
        assert beside() == ["open", "three"]
        assert session.find("retailer", 7) is not None
        for table, key in (
            (session.TOKENS, {"partition": session.token_partition("retailer", "three"), "idPlace": "0a7"}),
            (session.TOKENS, {"partition": session.shards("retailer")[0], "idPlace": "0a7"}),
            (session.SESSIONS, {"session": session.session_key("retailer", 7)}),
        ):
            dynamodb.delete(table, key)


@pytest.mark.parametrize("seed", range(100))
def test_recorders_that_save_one_session_at_once_end_in_the_newest_save(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Its token is the only one, and it is among the open ones if it is open; all the time, where it is stored as open.

    Sessions have one token, or several.
    """
    chance = random.Random(seed)
    names = ("one", "two")[: 1 + seed % 2]
    saves = [
        saved(
            sessionId=chance.choice(names),
            status=chance.choice(("active", "completed")),
            time=f"2026-01-0{day}T00:00:00Z",
            visitors=day,
        )
        for day in range(3, 8)
    ]
    newest = saves[-1]["data"]["session"]
    chance.shuffle(saves)
    again = chance.sample(saves, 2)
    interleaving = Interleaving(seed)

    def watched(write: Callable[..., Any]) -> Callable[..., Any]:
        def writes(*arguments: Any, **values: Any) -> Any:
            try:
                return write(*arguments, **values)
            finally:
                items = [session.known_of(decoded(one)) for one in stored(session.SESSIONS.physical_name)]
                assert "open" in beside() or not any(one["status"] in session.OPEN for one in items)

        return writes

    for name in ("replace", "delete"):
        monkeypatch.setattr(dynamodb, name, watched(getattr(dynamodb, name)))
    with interleaving.installed():
        interleaving.run(*(partial(record, *saves[worker::3], again[worker % 2]) for worker in range(3)))
    assert (values()["visitors"], values()["sessionToken"]) == (7, newest["sessionId"])
    assert beside() == those_of(newest["status"], newest["sessionId"])


OLDEST_FIRST: list[dict[str, str]] = [
    {"updatedAt": "2026-01-02T03:00:00Z", "time": "2026-01-09T00:00:00Z", "event_id": "z"},
    {"updatedAt": "2026-01-02T03:00:00.000001Z", "time": "2026-01-02T00:00:00Z", "event_id": "z"},
    {"updatedAt": "2026-01-02T04:00:00.000001+01:00", "time": "2026-01-03T00:00:00Z", "event_id": "10"},
    {"updatedAt": "2026-01-02T03:00:00.000001Z", "time": "2026-01-03T00:00:00Z", "event_id": "9"},
]


def test_saves_of_a_session_end_in_the_newest_in_any_order() -> None:
    for number, order in enumerate(permutations(range(len(OLDEST_FIRST)))):
        name = f"retailer-{number}"
        saves = [saved(account=name, groupSize=age, **OLDEST_FIRST[age]) for age in order]
        record(*saves, saves[0])
        assert values(name)["groupSize"] == len(OLDEST_FIRST) - 1, order


@pytest.mark.parametrize("kind", ["customer", "store"])
def test_saves_of_customers_and_stores_end_in_the_newest_in_any_order(kind: session.Kind) -> None:
    saves: list[dict[str, str]] = [
        {"time": "2026-01-02T00:00:00Z", "event_id": "z"},
        {"time": "2026-01-02T00:00:00.000001Z", "event_id": "10"},
        {"time": "2026-01-02T09:00:00.000001+09:00", "event_id": "9"},
        {"time": "2026-01-02T00:00:00.000001Z", "event_id": "a"},
    ]
    member, number = {"customer": ("lastName", 42), "store": ("name", 3)}[kind]
    for turn, order in enumerate(permutations(range(4))):
        name = f"retailer-{turn}"
        record(*(saved(kind, account=name, **saves[age], **{member: str(age)}) for age in (*order, order[0])))
        assert shown(kind, number, name)[member] == "3", order


def test_the_same_event_again_changes_nothing() -> None:
    record(saved(visitors=1))
    record(saved(visitors=1), saved(visitors=2))

    assert values()["visitors"] == 1, "source and id name the event"


def test_a_save_replaces_the_whole_session() -> None:
    record(
        saved(), saved(time="2026-01-03T00:00:00Z", storeId=None, status="expired", codeLastSuccesfullyScannedAt=None)
    )

    now = values()
    assert (now["storeId"], now["status"], now["codeLastSuccesfullyScannedAt"]) == (None, "expired", None)


def test_a_number_and_its_digits_are_the_same_session_customer_and_store() -> None:
    later = {"time": "2026-01-03T00:00:00Z"}
    record(saved(id="007"), saved(id=7, **later, visitors=2))
    record(saved("customer", id="0042"), saved("customer", id=42, **later), saved("store", id="03"), saved("store"))

    assert len(stored(session.SESSIONS.physical_name)) == 1
    assert len(stored(session.RECORDS.physical_name)) == 2
    assert values()["visitors"] == 2


def test_a_session_comes_before_its_customer_and_store_are_known() -> None:
    record(saved())
    assert values()["id"] == 7

    record(saved("customer"), saved("store"))
    assert shown("customer", 42)["firstName"] == "Zoë"
    assert shown("store", 3)["name"] == "Königsallee"


def test_equal_ids_of_two_retailers_and_of_customer_and_store_are_kept_apart() -> None:
    record(saved(visitors=1), saved(account="other", visitors=2))
    record(saved("customer", id=3), saved("store"), saved("store", account="other", name="Other"))

    assert (values()["visitors"], values("other")["visitors"]) == (1, 2)
    assert (shown("customer", 3)["role"], shown("store", 3)["name"]) == ("customer", "Königsallee")
    assert shown("store", 3, "other")["name"] == "Other"


def test_what_is_stored_is_sorted_by_milliseconds_and_shown_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def save_session(account: str, **save: Any) -> bool:
        given.append((account, save))
        return True

    monkeypatch.setattr(saves, "save_session", save_session)
    record(saved())

    ((account, save),) = given
    body = json.loads(save.pop("body"))
    assert account == "retailer"
    assert save == {
        "values": {
            "id": 7,
            "code": "c-7",
            "storeId": 3,
            "visitors": 1,
            "groupSize": 2,
            "expiresAt": "2026-01-02T03:15:00.000Z",
            "customerId": 42,
            "codeLastSuccesfullyScannedAt": "2026-01-02T03:01:00.500Z",
            "customerLastEnteredAt": None,
            "createdAt": "2026-01-02T03:00:00.000Z",
            "updatedAt": "2026-01-02T03:04:05.678Z",
            "status": "active",
            "sessionToken": "s-7",
        },
        "version": "2026-01-02T03:04:05.678901Z\n2026-01-02T03:04:06.000000Z\ne1\n/test",
    }
    times = {
        "createdAt": "2026-01-02T03:00:00Z",
        "updatedAt": "2026-01-02T03:04:05.678Z",
        "expiresAt": "2026-01-02T03:15:00Z",
        "codeLastSuccesfullyScannedAt": "2026-01-02T03:01:00.500Z",
    }
    assert {name: body[name] for name in times} == times
    assert (body["id"], body["customerId"], body["sessionToken"]) == ("7", "42", "s-7")


def test_the_longest_code_and_account_can_be_sorted_by(aws: dict[str, Queue]) -> None:
    """A sort key takes 1024 octets, a partition key 2048."""
    name = "\U0001f600" * 128
    record(saved(account=name, code="\U0001f600" * 64, sessionId="\U0001f600" * 64, id=2**63 - 1))

    assert dead_letters(aws["store"].dead_letter_url) == []
    (item,) = stored(session.SESSIONS.physical_name)
    keys = [session.SESSIONS.key, *(index.key for index in session.SESSIONS.indexes)]
    assert max(len(item[key.sort]["S"].encode()) for key in keys if key.sort) <= 1024
    assert max(len(item[key.partition]["S"].encode()) for key in keys) <= 2048


@pytest.mark.parametrize("letter", ["a", "\U0001f600"])
def test_the_largest_customer_is_read_for_one_block(aws: dict[str, Queue], letter: str) -> None:
    """With a long name of its account, and the greatest number."""
    account, number = letter * 128, 2**63 - 1
    record(saved("customer", account=account, id=number, email=""))
    octets = stored_octets(session.RECORDS)
    room = session.LARGEST_RECORD - octets["body"] - octets["version"] - len(account.encode())
    later = {"account": account, "time": "2026-02-02T03:04:06Z"}
    record(saved("customer", **later, id=number, email="x" * room))
    record(saved("customer", **later, id=number, event_id="e2", email="x" * (room + 1)))

    ((_, reason),) = dead_letters(aws["store"].dead_letter_url)
    assert reason == "store.customer.saved: Value error, too large: stored, more than 3840 octets"
    octets = stored_octets(session.RECORDS)
    assert octets["body"] + octets["version"] + len(account.encode()) == session.LARGEST_RECORD
    assert len("".join(octets)) + sum(octets.values()) <= session.READ_BLOCK


def test_the_demonstration_is_recorded(aws: dict[str, Queue]) -> None:
    """The latest sessions are enough: the local platform records them all."""
    events = demonstration.events()
    latest = [*events[:43], *events[-60:]]
    record(*latest)

    assert dead_letters(aws["store"].dead_letter_url) == []
    assert len(stored(session.SESSIONS.physical_name)) == 60
    assert len(stored(session.RECORDS.physical_name)) == 43
    going_on = [event for event in latest if event["data"].get("session", {}).get("status") in session.OPEN]
    counted = [
        dynamodb.query(session.TOKENS, "#partition = :shard", shard=shard)[0]
        for shard in session.shards(demonstration.ACCOUNT)
    ]
    assert sum(map(len, counted)) == len(going_on) == 40
