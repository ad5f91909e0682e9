"""Made-up data: valid, the same everywhere, as much as was asked for, and no more of it remembered than needed."""

import json
import subprocess
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib import import_module
from itertools import islice
from typing import Any

import pytest

from infra.operations.main import main
from tests.device.model import _moment
from tests.operations.commands import command, environment, run

FAMILIES = ("device", "store", "widget")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def generated(family: str, count: int, seed: int = 0, account: str = "somebody") -> list[dict[str, Any]]:
    events = import_module(f"functions.{family}.generated").events
    return list(events(account, count=count, seed=seed, begin=BEGIN))


def luhn(digits: str) -> int:
    """The sum that a check digit makes a multiple of ten."""
    return sum(
        int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10)) for place, digit in enumerate(digits[::-1])
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [1, 7, 1201])
def test_every_event_is_valid(family: str, count: int) -> None:
    adapter = import_module(f"functions.{family}.events").EVENTS
    for event in generated(family, count):
        adapter.validate_json(json.dumps(event))


def test_the_same_seed_gives_the_same_bytes_everywhere() -> None:
    said = {
        family: sha256(run("generate", family, "--count", "300", "--seed", "7", env=environment()).out.encode())
        for family in FAMILIES
    }
    assert {family: digest.hexdigest()[:16] for family, digest in said.items()} == {
        "device": "d91bf0a0a33f99b6",
        "store": "d2ab832d4c0bd9c5",
        "widget": "6f67fd2452c1ed96",
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_other_arguments_give_other_events_under_other_names(family: str) -> None:
    known = [generated(family, 40), generated(family, 40, seed=1), generated(family, 41), generated(family, 40, 0, "b")]
    names = [{event["id"] for event in events} for events in known]
    assert sum(map(len, names)) == len(set().union(*names))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_event_is_named_once(family: str) -> None:
    texts: dict[str, set[str]] = {}
    for event in generated(family, 1500):
        texts.setdefault(event["id"], set()).add(json.dumps(event))
    assert {len(one) for one in texts.values()} == {1}


@pytest.mark.parametrize("count", [1, 999, 2500])
def test_there_are_as_many_records_as_were_asked_for_and_some_twice(count: int) -> None:
    events = generated("device", count)
    names = Counter(event["id"] for event in events if event["type"] == "device.accounting")
    assert len(names) == count
    assert set(names.values()) <= {1, 2}
    assert count < 500 or 0 < names.total() - count < count / 20


def test_devices_are_registered_before_their_records_and_some_records_are_late() -> None:
    registered: set[str] = set()
    late = overtaken = 0
    latest: dict[str, datetime] = {}
    for event in generated("device", 2000):
        iccid = event["data"]["iccid"]
        if event["type"] == "device.registered":
            registered.add(iccid)
            continue
        assert iccid in registered
        late += "delaySeconds" in event["data"]
        overtaken += _moment(event) < latest.get(iccid, BEGIN)
        latest[iccid] = max(latest.get(iccid, BEGIN), _moment(event))
    assert 40 < late < 160
    assert overtaken > 0
    assert {len(iccid) for iccid in registered} == {19}
    assert {luhn(iccid) % 10 for iccid in registered} == {0}


def test_sessions_of_a_device_are_told_of_as_a_network_does() -> None:
    told: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in generated("device", 1000):
        if event["type"] == "device.accounting":
            told.setdefault((event["data"]["iccid"], event["data"]["accountingSessionId"]), []).append(event)
    whole = [sorted(events, key=_moment) for events in told.values() if events[-1]["data"]["status"] == "stop"]
    assert len(whole) > 100
    for events in whole:
        statuses = [event["data"]["status"] for event in events]
        assert set(statuses[1:-1]) <= {"start", "interim", "stop"}
        if statuses[0] == "start":
            lasted = _moment(events[-1]) - _moment(events[0])
            assert abs(lasted - timedelta(seconds=events[-1]["data"]["sessionSeconds"])) < timedelta(seconds=10)


def test_a_retailers_sessions_have_their_customers_and_stores() -> None:
    known: dict[str, set[int]] = {"customer": set(), "store": set()}
    sessions = []
    for event in generated("store", 2600):
        ((kind, thing),) = ((name, one) for name, one in event["data"].items() if name != "accountId")
        if kind == "session":
            sessions.append(thing)
            assert thing["customerId"] in known["customer"]
            assert thing["storeId"] is None or thing["storeId"] in known["store"]
        else:
            known[kind].add(thing["id"])
    assert [one["id"] for one in sessions] == list(range(1, 2601))
    assert set(Counter(one["status"] for one in sessions)) == {"created", "active", "completed", "expired", "cancelled"}
    assert (len(known["store"]), len(known["customer"])) == (4, 240)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_million_take_no_more_memory_than_a_few(family: str) -> None:
    events = import_module(f"functions.{family}.generated").events("a", count=10**7, seed=0, begin=BEGIN)
    list(islice(events, 3000))
    tracemalloc.start()
    for _ in islice(events, 6000):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000


def test_whose_they_are_and_when_they_begin_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--count", "1", "--account", "acme", "--from", "2030-02-03T04:05:06+01:00"]
    assert main(["generate", "widget", *arguments]) == 0
    event = json.loads(capsys.readouterr().out)
    assert event["data"]["clientId"] == "acme"
    assert event["data"]["session"]["date"] == "2030-02-03T03:05:06.000Z"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["knowledge", "--count", "1"], 1, "knowledge takes no events: its callers make its sessions."),
        (["device", "--count", "0"], 2, "greater than or equal to 1"),
        (["device"], 2, "Missing option"),
        (["device", "--count", "1", "--from", "yesterday"], 2, "not an RFC 3339 date-time"),
        (["store", "--count", "9", "--from", "9999-12-31T00:00:00Z"], 1, "The calendar ends before"),
    ],
)
def test_what_cannot_be_made_is_refused(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", *arguments]) == status
    assert said in capsys.readouterr().err


def test_who_reads_only_the_first_is_no_failure_with_a_traceback() -> None:
    made = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "-", *command("generate", "device", "--count", "20000")],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(made.stdout)["type"] == "device.registered"
    assert made.stderr == ""
