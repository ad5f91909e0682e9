"""Any order, repetition, batching and concurrency of the same events ends in the answer that the rules give."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.device import history, record_accounting, session
from functions.device import records as stored
from functions.device.history import Record, Session
from infra.local import resources
from infra.local.resources import Queue
from sessions import clock, dynamodb
from tests.device import model
from tests.interleaving import Interleaving
from tests.proxy_events import batch

Event = dict[str, Any]

DEVICES = 3
ACCOUNTS = ("fleet-a", "fleet-b")
START = datetime(2026, 3, 1, tzinfo=UTC)


def thorough(examples: int) -> settings:
    """The same cases every time, and enough of them."""
    unmoved = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(deadline=None, derandomize=True, max_examples=examples, suppress_health_check=unmoved)


@pytest.fixture(autouse=True)
def _no_pauses(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_LONGEST_PAUSE", 0)


ICCIDS = [f"898821671697000000{number}" for number in range(DEVICES)]


def start_anew() -> None:
    """An empty table for the next example."""
    client = boto3.client("dynamodb")
    client.delete_table(TableName=session.TABLE.physical_name)
    resources.create_table(client, session.TABLE, session.TABLE.physical_name)


def at(second: int) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def accounting(device: int, **data: Any) -> Event:
    moment = data.pop("at")
    return {"type": "device.accounting", "device": device, "time": at(moment), "data": data}


def registration(kind: str, device: int, moment: int, account: str) -> Event:
    return {"type": f"device.{kind}", "device": device, "time": at(moment), "data": {"accountId": account}}


# Few values, so that ties, duplicates, and records of the same session are common.
moments = st.integers(0, 12)


def records_of(devices: st.SearchStrategy[int]) -> st.SearchStrategy[Event]:
    return st.builds(
        lambda optional, **needed: accounting(
            **needed, **{name: value for name, value in optional.items() if value != ""}
        ),
        device=devices,
        at=moments,
        accountingSessionId=st.sampled_from(["1", "2", "10", "ü"]),
        status=st.sampled_from(["start", "interim", "stop"]),
        optional=st.fixed_dictionaries(
            {
                "sessionSeconds": st.one_of(st.just(""), st.integers(0, 12)),
                "delaySeconds": st.one_of(st.just(""), st.integers(0, 3)),
                "ipAddress": st.sampled_from(["", "", "10.0.0.9", "10.0.0.10"]),
                "ipv6Address": st.sampled_from(["", "", "2001:db8::/64", "2001:db8:1::/64"]),
            }
        ),
    )


def changes_of_hands_of(devices: st.SearchStrategy[int]) -> st.SearchStrategy[Event]:
    return st.builds(
        registration,
        kind=st.sampled_from(["registered", "registered", "removed"]),
        device=devices,
        moment=moments,
        account=st.sampled_from(ACCOUNTS),
    )


records = records_of(st.integers(0, DEVICES - 1))
records_of_one = records_of(st.just(0))
changes_of_hands = changes_of_hands_of(st.integers(0, DEVICES - 1))
changes_of_hands_of_one = changes_of_hands_of(st.just(0))
logs = st.tuples(
    st.lists(records, max_size=14),
    st.lists(changes_of_hands, max_size=5),
    st.sets(st.integers(0, DEVICES - 1)),
)


def complete(log: tuple[list[Event], list[Event], set[int]]) -> list[Event]:
    """The log's events as CloudEvents: each device of the set is registered before anything else happens."""
    accountings, changes, registered = log
    first = [registration("registered", device, -5, ACCOUNTS[0]) for device in sorted(registered)]
    return [
        {
            "specversion": "1.0",
            "id": f"event-{number}",
            "source": "/test",
            "type": event["type"],
            "time": event["time"],
            "data": event["data"] | {"iccid": ICCIDS[event["device"]]},
        }
        for number, event in enumerate([*first, *changes, *accountings])
    ]


def deliver(events: list[Event], sizes: list[int]) -> None:
    """Gives the recorder all events in batches; what has to wait comes again, as long as that gets anywhere."""
    waiting = list(events)
    while waiting:
        again: list[Event] = []
        queue, size = list(waiting), itertools.cycle(sizes or [10])
        while queue:
            taken, queue = queue[: (count := next(size))], queue[count:]
            sent = batch(*taken)
            failed = {one["itemIdentifier"] for one in record_accounting.handler(sent, None)["batchItemFailures"]}
            again += [event for event, one in zip(taken, sent["Records"], strict=True) if one["messageId"] in failed]
        if len(again) == len(waiting):
            return
        waiting = again


def check(events: list[Event]) -> None:
    for iccid, account in itertools.product(ICCIDS, ACCOUNTS):
        body = session.find(account, iccid)
        assert (None if body is None else json.loads(body)) == model.answer(events, account, iccid)


@thorough(100)
@given(data=st.data(), log=logs, sizes=st.lists(st.integers(1, 10), max_size=4))
def test_any_order_repetition_and_batching_ends_as_the_rules_say(
    data: st.DataObject, log: tuple[list[Event], list[Event], set[int]], sizes: list[int]
) -> None:
    start_anew()
    events = complete(log)
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=6)) if events else []
    deliver(data.draw(st.permutations(events + repeated)), sizes)
    check(events)


@thorough(60)
@given(data=st.data(), log=logs, seed=st.integers(0, 2**32))
def test_recorders_that_do_the_same_work_at_once_end_as_the_rules_say(
    data: st.DataObject, log: tuple[list[Event], list[Event], set[int]], seed: int
) -> None:
    start_anew()
    events = complete(log)
    halves = data.draw(st.permutations(events)), data.draw(st.permutations(events))
    interleaving = Interleaving(seed)
    with interleaving.installed():
        interleaving.run(*(lambda half=half: deliver(half, [3]) for half in halves))
    deliver(events, [10])  # what one had to give back because the other had not registered the device yet
    check(events)


@thorough(60)
@given(
    log=st.lists(records_of_one, min_size=3, max_size=8),
    changes=st.lists(changes_of_hands_of_one, max_size=2),
    seed=st.integers(0, 2**32),
)
def test_recorders_that_share_the_work_at_once_end_as_the_rules_say(
    log: list[Event], changes: list[Event], seed: int
) -> None:
    """Each event is recorded once, by one of three: nobody repeats what another one got wrong."""
    start_anew()
    registered, *others = complete((log, changes, {0}))
    deliver([registered], [1])
    shares: list[list[Event]] = [others[worker::3] for worker in range(3)]
    gave_back: list[Event] = []
    interleaving = Interleaving(seed)
    with interleaving.installed():
        interleaving.run(*(lambda share=share: gave_back.extend(_once(share)) for share in shares))
    deliver(gave_back, [10])
    check([registered, *others])


def _once(events: list[Event]) -> list[Event]:
    given_back = []
    for event in events:
        sent = batch(event)
        if record_accounting.handler(sent, None)["batchItemFailures"]:
            given_back.append(event)
    return given_back


EVERY_ORDER = {
    "a lost stop, and its late arrival": [
        accounting(0, at=1, accountingSessionId="1", status="start", ipAddress="10.0.0.9"),
        accounting(0, at=5, accountingSessionId="2", status="start", ipAddress="10.0.0.10"),
        accounting(0, at=7, accountingSessionId="1", status="stop", sessionSeconds=6),
        accounting(0, at=6, accountingSessionId="2", status="interim", ipAddress="10.0.0.9"),
    ],
    "a start that beats an earlier estimate": [
        accounting(0, at=9, accountingSessionId="1", status="stop", sessionSeconds=9),
        accounting(0, at=6, accountingSessionId="1", status="start"),
        accounting(0, at=5, accountingSessionId="2", status="start"),
        accounting(0, at=8, accountingSessionId="2", status="interim", sessionSeconds=1),
    ],
    "another owner in the middle of a session": [
        accounting(0, at=1, accountingSessionId="1", status="start", ipAddress="10.0.0.9"),
        registration("removed", 0, 3, ACCOUNTS[0]),
        registration("registered", 0, 4, ACCOUNTS[1]),
        accounting(0, at=6, accountingSessionId="1", status="interim", sessionSeconds=5),
    ],
    "registered again, later, and once more in between": [
        registration("removed", 0, 2, ACCOUNTS[0]),
        registration("registered", 0, 9, ACCOUNTS[0]),
        registration("registered", 0, 5, ACCOUNTS[0]),
        accounting(0, at=7, accountingSessionId="1", status="start"),
    ],
}


@pytest.mark.parametrize("case", EVERY_ORDER)
def test_every_order_of_a_short_log_ends_as_the_rules_say(case: str) -> None:
    for order in itertools.permutations(range(len(EVERY_ORDER[case]) + 1)):
        start_anew()
        events = complete((EVERY_ORDER[case], [], {0}))
        deliver([events[position] for position in order], [1])
        check(events)


def test_a_session_keeps_its_true_beginning_however_many_records_it_has() -> None:
    grown = Session()
    for second in range(1000):
        moment = clock.sortable(START + timedelta(seconds=second))
        grown = grown.with_record(Record(status="interim", moment=moment))
    assert grown.beginning("") == clock.sortable(START)
    assert grown.last_activity() == clock.sortable(START + timedelta(seconds=999))
    assert len(grown.sightings) == history.LONGEST_MEMORY


def sessions_of(iccid: str) -> Iterator[str]:
    found, _ = dynamodb.query(session.TABLE, "#iccid = :iccid", iccid=iccid)
    return (item["item"] for item in found if item["item"] != "device" and "dropAfter" not in item)


def test_the_latest_sessions_are_kept_and_older_ones_dropped_after_ninety_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(days=400))
    log = [
        accounting(0, at=second * 86400, accountingSessionId=f"{second:03d}", status="start") for second in range(60)
    ]
    deliver(complete((log, [], {0})), [10])
    assert sorted(sessions_of(ICCIDS[0])) == [f"session#{number:03d}" for number in range(10, 60)]
    found, _ = dynamodb.query(session.TABLE, "#iccid = :iccid", iccid=ICCIDS[0])
    drops = [item["dropAfter"] for item in found if "dropAfter" in item]
    assert drops == [int((START + timedelta(days=400)).timestamp())] * 10


def test_a_session_about_to_be_dropped_stays_ninety_days_after_a_late_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    log = [accounting(0, at=second, accountingSessionId=f"{second:03d}", status="start") for second in range(55)]
    late = accounting(0, at=86400, accountingSessionId="000", status="interim")
    deliver(complete((log, [], {0})), [10])
    deliver(complete(([late], [], set())), [1])
    item = dynamodb.get(session.TABLE, {"iccid": ICCIDS[0], "item": "session#000"})
    assert item is not None
    assert item["dropAfter"] == int((START + timedelta(days=1) + stored.KEPT_FOR).timestamp())


def kept(iccid: str) -> dict[str, int | None]:
    """When each of the device's sessions may be dropped; None: it is kept."""
    found, _ = dynamodb.query(session.TABLE, "#iccid = :iccid", iccid=iccid)
    return {item["item"].removeprefix("session#"): item.get("dropAfter") for item in found if item["item"] != "device"}


def test_a_session_that_turns_out_to_be_the_latest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    log = [accounting(0, at=minute * 60, accountingSessionId=f"{minute:03d}", status="start") for minute in range(55)]
    estimated = accounting(0, at=9000, accountingSessionId="x", status="interim", sessionSeconds=20000)
    start = accounting(0, at=8900, accountingSessionId="x", status="start")
    events = complete((log, [], {0}))
    deliver(events, [10])
    deliver([complete(([estimated], [], set()))[0]], [1])
    assert kept(ICCIDS[0])["x"] is not None
    deliver([complete(([start], [], set()))[0]], [1])
    assert kept(ICCIDS[0])["x"] is None
    assert sorted(name for name, drop in kept(ICCIDS[0]).items() if drop is None) == [
        *(f"{minute:03d}" for minute in range(6, 55)),
        "x",
    ]


def test_of_sessions_that_come_latest_first_the_latest_fifty_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    log = [accounting(0, at=minute * 60, accountingSessionId=f"{minute:03d}", status="start") for minute in range(75)]
    registered, *records = complete((log, [], {0}))
    deliver([registered, *reversed(records)], [10])
    assert [name for name, drop in kept(ICCIDS[0]).items() if drop is None] == [f"{n:03d}" for n in range(25, 75)]


def test_sessions_that_count_no_more_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    log = [accounting(0, at=minute, accountingSessionId=f"{minute}", status="start") for minute in range(3)]
    changes = [registration("removed", 0, 2, ACCOUNTS[0]), registration("registered", 0, 2, ACCOUNTS[1])]
    deliver(complete((log, changes, {0})), [10])
    assert [name for name, drop in kept(ICCIDS[0]).items() if drop is None] == ["2"]
    deliver(complete(([], [registration("registered", 0, 1, ACCOUNTS[1])], set())), [10])
    check(complete((log, [*changes, registration("registered", 0, 1, ACCOUNTS[1])], {0})))


def test_at_no_time_does_a_new_owner_see_the_sessions_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not between any two steps of a registration, and not when it is cut off and records go on coming."""
    log = [accounting(0, at=1, accountingSessionId="1", status="start", ipAddress="10.0.0.9")]
    changes = [registration("removed", 0, 3, ACCOUNTS[0]), registration("registered", 0, 4, ACCOUNTS[1])]
    late = accounting(0, at=2, accountingSessionId="2", status="start", ipAddress="10.0.0.10")
    nothing = {"iccid": ICCIDS[0], "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
    registered, removed, given, first, second = complete((([*log, late]), changes, {0}))
    for cut_at in range(1, 20):
        start_anew()
        deliver([registered, first, removed], [10])
        with monkeypatch.context() as patch:
            calls = _looking_on(patch, nothing, cut_at)
            deliver([given], [1])
        with monkeypatch.context() as patch:
            _looking_on(patch, nothing, None)
            deliver([second, given], [1])
        check([registered, removed, given, first, second])
        if next(calls) < cut_at:
            return
    raise AssertionError("a registration has fewer steps")


def _looking_on(patch: pytest.MonkeyPatch, seen: dict[str, str | None], cut_at: int | None) -> Iterator[int]:
    """Before each call to DynamoDB, the new owner looks; the call with the number `cut_at` fails."""
    calls = itertools.count(1)
    find = dynamodb.get

    def looked(call: Any) -> Any:
        def looked_at(*arguments: Any, **options: Any) -> Any:
            device = find(session.TABLE, {"iccid": ICCIDS[0], "item": "device"})
            if device is not None and device["account"] == ACCOUNTS[1]:
                assert json.loads(device["body"]) == seen
            if next(calls) == cut_at:
                raise stored.ContendedError
            return call(*arguments, **options)

        return looked_at

    for name in ("get", "batch_get", "query", "put", "update"):
        patch.setattr(dynamodb, name, looked(getattr(dynamodb, name)))
    return calls
