"""What leaves the deployment of an account's devices gives, recorded in any order, the account's answers again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.device import history, records, session
from functions.device.history import Record, Registration, Session
from infra.local.resources import Queue
from tests.device import model
from tests.device.records import accounting, record, registered, removed
from tests.device.test_merge import ACCOUNTS, ICCIDS, Event, complete, deliver, logs, start_anew, thorough
from tests.exports import events, lines, moment, rows
from tests.sessions.watching import aws_calls, operations

LATE = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_pauses(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_LONGEST_PAUSE", 0)


def answers(*accounts: str) -> dict[tuple[str, str], str | None]:
    return {(account, iccid): session.find(account, iccid) for account in accounts for iccid in ICCIDS}


@thorough(15)
@given(data=st.data(), log=logs, account=st.sampled_from(ACCOUNTS))
def test_an_export_recorded_in_any_order_gives_the_same_answers_and_the_same_export(
    data: st.DataObject, log: tuple[list[Event], list[Event], set[int]], account: str
) -> None:
    start_anew()
    deliver(complete(log), [10])
    (other,) = set(ACCOUNTS) - {account}
    everybodys = answers(*ACCOUNTS)
    told = events("device", account, now=LATE)
    text = lines("device", account, now=LATE)
    table = rows("device", account, now=LATE)

    assert not [line for line in text if other in line]
    deliver(told + told[:3], [3])
    assert answers(*ACCOUNTS) == everybodys  # nothing new to those who have it all

    start_anew()
    deliver(data.draw(st.permutations(told + told[:3])), [4])
    own = {key: body for key, body in everybodys.items() if key[0] == account}
    assert answers(account) == own
    assert set(answers(other).values()) == {None}
    assert lines("device", account, now=LATE) == text
    assert rows("device", account, now=LATE) == table
    for iccid in ICCIDS:
        body = own[account, iccid]
        assert (None if body is None else json.loads(body)) == model.answer(told, account, iccid)
        if body is not None:
            assert json.loads(body) == shown(iccid, [row for row in table if row["iccid"] == iccid])


def shown(iccid: str, table: list[dict[str, Any]]) -> dict[str, str | None]:
    """The answer, by the rows: the first of a device is of the session that began last."""

    def date(value: datetime | None) -> str | None:
        return None if value is None else f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03}+0000"

    row = table[0] if table else dict.fromkeys(("ipAddress", "ipv6Address", "dateSessionStarted", "dateSessionEnded"))
    answer = {"iccid": iccid, "ipAddress": row["ipAddress"]}
    if row["ipv6Address"] is not None:
        answer["ipv6Address"] = row["ipv6Address"]
    return answer | {name: date(row[name]) for name in ("dateSessionStarted", "dateSessionEnded")}


def at(second: int) -> str:
    return f"2026-03-01T00:{second // 60:02}:{second % 60:02}.000000Z"


@st.composite
def told_records(draw: st.DrawFn) -> list[Record]:
    """Few moments, so that ties are common; or so many that not all are remembered."""
    latest = draw(st.sampled_from([6, 300]))
    count = draw(st.integers(1, 10 if latest == 6 else 120))
    chance = draw(st.randoms(use_true_random=False))
    kinds: list[Any] = draw(st.sampled_from([["start", "interim", "stop"], ["interim", "stop"], ["start"]]))
    with_durations = draw(st.sampled_from([0.0, 0.5, 1.0]))

    def one() -> Record:
        second = chance.randrange(1, latest)
        status = chance.choice(kinds)
        has_duration = status != "start" and chance.random() < with_durations
        return Record(
            status=status,
            moment=at(second),
            estimate=at(chance.randrange(second + 1)) if has_duration else None,
            ip_address=chance.choice([None, "10.0.0.9", "10.0.0.10"]),
            ipv6_address=chance.choice([None, None, "2001:db8::/64"]),
        )

    return [one() for _ in range(count)]


def folded(records: list[Record]) -> Session:
    amount = Session()
    for one in records:
        amount = amount.with_record(one)
    return amount


@thorough(150)
@given(told=told_records(), since=st.one_of(st.just(""), st.integers(0, 300).map(at)), data=st.data())
def test_the_records_of_a_session_amount_to_it(told: list[Record], since: str, data: st.DataObject) -> None:
    whole = folded(told)
    few = list(whole.records(since))
    again = folded(data.draw(st.permutations(few)))

    assert set(again.records("")) == set(few)
    assert again.end("") == whole.end(since)
    assert again.addresses("") == whole.addresses(since)
    full = any(len(marks) == history.LONGEST_MEMORY for marks in (whole.starts, whole.estimates, whole.sightings))
    if not (since and full):  # the stop may be all that tells of a moment that is forgotten
        assert again.beginning("") == whole.beginning(since)
    if not full:
        kept = {
            name: tuple(mark for mark in getattr(whole, name) if mark[0] >= since)
            for name in ("starts", "estimates", "sightings")
        }
        assert again == replace(
            whole,
            **kept,
            stop=whole.end(since) or "",
            ip_address=whole.ip_address if whole.ip_address[0] >= since else ("", ""),
            ipv6_address=whole.ipv6_address if whole.ipv6_address[0] >= since else ("", ""),
        )


registrations = st.lists(
    st.builds(
        lambda second, number, kind, account: Registration(
            f"{at(second)}\ne{number}\n/test", at(second), kind, account
        ),
        st.integers(0, 20),
        st.integers(0, 5),
        st.sampled_from(["registered", "registered", "removed"]),
        st.sampled_from(ACCOUNTS),
    ),
    max_size=8,
)


@thorough(100)
@given(told=registrations)
@example([Registration(f"{at(n)}\ne\n/test", at(n), "registered", ACCOUNTS[n > 2]) for n in range(90)])
def test_an_owners_registrations_make_it_the_owner_and_fit_into_the_memory(told: list[Registration]) -> None:
    known: tuple[Registration, ...] = ()
    for one in told:
        known = history.with_registration(known, one)
    owner = history.ownership(known)
    own = history.own_registrations(known)

    assert {one.account for one in own} == ({owner.account} if owner.account else set())
    assert len(own) <= history.LONGEST_MEMORY - 2
    assert history.ownership(own) == history.Ownership(owner.account, "")
    assert not own or owner.since in ("", own[0].time)


def test_what_a_former_owner_did_is_not_told_and_does_not_come_back() -> None:
    record(registered("rival", time="2026-01-01T00:00:00Z"), registered("fleet", time="2026-02-01T00:00:00Z"))
    record(accounting("start", "2026-01-02T00:00:00Z", session="theirs", ipAddress="10.0.0.1"))
    record(accounting("start", "2026-02-02T00:00:00.5Z", session="ours", ipAddress="10.0.0.2"))
    record(accounting("interim", "2026-01-30T00:00:00Z", session="both", ipAddress="10.0.0.3"))
    record(accounting("interim", "2026-02-03T00:00:00Z", session="both"))

    assert lines("device", "rival") == []
    told = events("device", "fleet")
    assert [(one["type"], one["time"], one["data"].get("accountingSessionId")) for one in told] == [
        ("device.registered", "2026-01-31T23:59:59.999998Z", None),
        ("device.removed", "2026-01-31T23:59:59.999999Z", None),
        ("device.registered", "2026-02-01T00:00:00Z", None),
        ("device.accounting", "2026-02-03T00:00:00Z", "both"),
        ("device.accounting", "2026-02-02T00:00:00.5Z", "ours"),
    ]
    assert {one["data"]["accountId"] for one in told[:3]} == {"fleet"}
    assert "10.0.0.3" not in json.dumps(told)

    before = answers("fleet")
    start_anew()
    late = accounting("start", "2026-01-31T00:00:00Z", session="theirs", ipAddress="10.0.0.1")
    deliver([late, *reversed(told)], [10])
    assert answers("fleet") == before


def test_a_device_that_was_removed_is_not_exported() -> None:
    record(registered(time="2026-01-01T00:00:00Z"), accounting(), removed(time="2026-01-05T00:00:00Z"))
    assert lines("device", "fleet") == []


def test_sessions_are_selected_by_when_they_began_and_devices_always_come_along() -> None:
    record(registered())
    for number, hour in enumerate((1, 2, 3)):
        record(accounting("start", f"2026-01-02T{hour:02}:00:00Z", session=f"s{number}"))
    since, until = moment("2026-01-02T02:00:00Z"), moment("2026-01-02T03:00:00Z")
    just = timedelta(microseconds=1)

    def named(**selected: Any) -> list[str]:
        return [row["accountingSessionId"] for row in rows("device", "fleet", **selected)]

    assert named() == ["s2", "s1", "s0"]
    assert named(since=since, until=until) == ["s1"]
    assert named(since=since) == ["s2", "s1"]
    assert named(since=since + just) == ["s2"]
    assert named(until=until) == ["s1", "s0"]
    assert named(until=until + just) == ["s2", "s1", "s0"]
    (row,) = rows("device", "fleet", since=since, until=until)
    assert row["dateSessionEnded"] == until  # when the next one began, which is not selected
    assert [one["type"] for one in events("device", "fleet", since=until + just)] == ["device.registered"]


def test_what_the_table_is_to_drop_and_has_not_yet_is_not_exported() -> None:
    record(registered(time="2020-01-01T00:00:00Z"))
    moments = [f"2020-01-02T{number // 60:02}:{number % 60:02}:00Z" for number in range(records.KEPT + 2)]
    for number, time in enumerate(moments):
        record(accounting("start", time, session=f"s{number:02}"))

    found = [row["accountingSessionId"] for row in rows("device", "fleet", now=LATE + timedelta(days=9999))]
    assert found == [f"s{number:02}" for number in reversed(range(2, records.KEPT + 2))]


def test_the_table_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    iccids = [f"89882167169700{number:05}" for number in range(12)]
    record(*(registered("fleet" if number % 2 else "rival", iccid) for number, iccid in enumerate(iccids)))
    calls = aws_calls(monkeypatch, lambda call: call[1].update(Limit=5))
    found = {one["data"]["iccid"] for one in events("device", "fleet")}
    assert found == set(iccids[1::2])
    assert operations(calls).count("Scan") == 3
