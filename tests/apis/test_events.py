"""Events that any AWS client sends to the queues: recorded, or in the dead-letter queue with a reason."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from functions.store import demonstration
from tests.accounts import Headers
from tests.answers import Client
from tests.events import NOW, DeadLetters, accounting, address, date, registered, saved
from tests.platform import Target, event, eventually


@pytest.fixture(scope="module")
def widget_letters(apis: Target) -> DeadLetters:
    return DeadLetters(apis, "widget")


@pytest.fixture(scope="module")
def device_letters(apis: Target) -> DeadLetters:
    return DeadLetters(apis, "device")


@pytest.fixture(scope="module")
def store_letters(apis: Target) -> DeadLetters:
    return DeadLetters(apis, "store")


def test_a_saved_session_is_answered_in_utc_to_the_minute(apis: Target, http: Client, insurer: Headers) -> None:
    apis.send("widget", saved("utc", "LA-UTC"))
    answer = eventually(lambda: http.get("/demo-insurer/sessions/utc", insurer).json)
    assert answer == [
        {
            "reference": "LA-UTC",
            "date": "2026-01-02T01:04",
            "camsReference": None,
            "status": "submitted",
            "createdAt": "2026-01-02T01:04",
            "selectedPolicy": None,
        }
    ]


def test_the_newer_save_wins_whichever_comes_last(apis: Target, http: Client, insurer: Headers) -> None:
    newer = saved("order", "LA-ORDER", NOW, camsReference="MIS/2")
    older = saved("order", "LA-ORDER", NOW - timedelta(minutes=1), camsReference="MIS/1")
    apis.send("widget", newer)
    eventually(lambda: http.get("/demo-insurer/sessions/order", insurer).json)
    apis.send("widget", older, newer, older, saved("order", "LA-THEN"))
    found = eventually(lambda: len(answer := http.get("/demo-insurer/sessions/order", insurer).json) == 2 and answer)
    assert [session["camsReference"] for session in found] == ["MIS/2", None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "widget.session.lost"}, "type"),
        ({"specversion": "0.3"}, "specversion"),
        ({"time": None}, "time"),
        ({"time": "2026-01-02T03:04:05"}, "time"),
        ({"data": {}}, "data.clientId"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"id": ""}, "id"),
    ],
)
def test_a_malformed_event_fails_alone_and_with_a_reason(
    http: Client, insurer: Headers, widget_letters: DeadLetters, change: dict[str, Any], reason: str
) -> None:
    number = uuid4().hex
    user = f"neighbour-{number}"
    malformed = json.dumps(saved(user, f"LA-BAD{number}") | change)
    neighbours = [saved(user, f"LA-GOOD{number}{which}") for which in "AB"]
    bodies = [json.dumps(neighbours[0]), malformed, f"not JSON at all {number}", json.dumps(neighbours[1])]
    apis = widget_letters.apis
    apis.sqs.send_message_batch(
        QueueUrl=apis.connection["widget"]["queue_url"],
        Entries=[{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)],
    )
    assert reason in eventually(lambda: widget_letters.reason(malformed))
    assert "JSON" in eventually(lambda: widget_letters.reason(bodies[2]))
    found = eventually(lambda: len(answer := http.get(f"/demo-insurer/sessions/{user}", insurer).json) == 2 and answer)
    assert [session["reference"] for session in found] == [f"LA-GOOD{number}A", f"LA-GOOD{number}B"]


def test_an_unknown_member_is_refused_rather_than_lost(apis: Target, widget_letters: DeadLetters) -> None:
    unknown = json.dumps(saved("unknown", "LA-UNKNOWN", colour="red"))
    apis.send("widget", unknown)
    assert "data.session.?: Extra" in eventually(lambda: widget_letters.reason(unknown))


def test_an_unknown_attribute_of_the_envelope_is_ignored(apis: Target, http: Client, insurer: Headers) -> None:
    apis.send("widget", saved("envelope", "LA-ENVELOPE") | {"traceparent": "00-ab", "subject": "x"})
    assert eventually(lambda: http.get("/demo-insurer/sessions/envelope", insurer).json)


def test_a_reason_holds_no_personal_value(apis: Target, widget_letters: DeadLetters) -> None:
    personal = json.dumps(saved("personal", "LA-PERSONAL", selectedPolicy={"number": "secret-number-7"}))
    apis.send("widget", personal)
    assert "secret-number-7" not in eventually(lambda: widget_letters.reason(personal))


def test_a_session_begins_goes_on_and_ends(apis: Target, http: Client, fleet: Headers) -> None:
    iccid = "8988216716970200010"
    began, ended = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    apis.send("device", registered(iccid, NOW - timedelta(days=1)))
    eventually(lambda: http.get(address(iccid), fleet).status == 200)
    answer = {"iccid": iccid, "ipAddress": "10.9.8.7", "dateSessionStarted": date(began), "dateSessionEnded": None}
    apis.send("device", accounting(iccid, "start", began, ipAddress="10.9.8.7"))
    eventually(lambda: http.get(address(iccid), fleet).json == answer)
    stopped = accounting(iccid, "stop", ended, sessionSeconds=3600, ipv6Address="2001:db8::/64")
    apis.send("device", stopped, stopped)
    answer |= {"ipv6Address": "2001:db8::/64", "dateSessionEnded": date(ended)}
    eventually(lambda: http.get(address(iccid), fleet).json == answer)

    apis.send("device", accounting(iccid, "start", NOW, "A2", delaySeconds=60))
    later = {"iccid": iccid, "ipAddress": None, "dateSessionEnded": None}
    later["dateSessionStarted"] = date(NOW - timedelta(minutes=1))
    eventually(lambda: http.get(address(iccid), fleet).json == later)


def test_the_last_record_first_tells_when_the_session_began(apis: Target, http: Client, fleet: Headers) -> None:
    iccid = "89882167169702000119"
    apis.send("device", registered(iccid, NOW - timedelta(days=1)))
    apis.send("device", accounting(iccid, "stop", NOW, sessionSeconds=90, ipAddress="10.0.0.2"))
    answer = {
        "iccid": iccid,
        "ipAddress": "10.0.0.2",
        "dateSessionStarted": date(NOW - timedelta(seconds=90)),
        "dateSessionEnded": date(NOW),
    }
    eventually(lambda: http.get(address(iccid), fleet).json == answer)


def test_a_removed_device_is_unknown_and_starts_anew_when_it_is_registered_again(
    apis: Target, http: Client, fleet: Headers
) -> None:
    iccid = "8988216716970200012"
    apis.send("device", registered(iccid, NOW - timedelta(hours=3)))
    apis.send("device", accounting(iccid, "start", NOW - timedelta(hours=2), ipAddress="10.0.0.3"))
    eventually(lambda: http.get(address(iccid), fleet).json.get("ipAddress") == "10.0.0.3")
    removed = event("device.removed", at=NOW - timedelta(hours=1), accountId="demo-fleet", iccid=iccid)
    apis.send("device", removed)
    eventually(lambda: http.get(address(iccid), fleet).status == 404)
    apis.send("device", registered(iccid))
    again = eventually(lambda: (answer := http.get(address(iccid), fleet)).status == 200 and answer)
    assert again.json == {"iccid": iccid, "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}


@pytest.mark.parametrize(
    ("number", "change", "reason"),
    [
        (0, {"ipAddress": "10.0.0.256"}, "ipAddress"),
        (1, {"sessionSeconds": -1}, "sessionSeconds"),
        (2, {"status": "pause"}, "status"),
        (3, {"iccid": "123"}, "iccid"),
        (4, {"colour": "red"}, "data.?: Extra"),
    ],
)
def test_malformed_accounting_is_a_dead_letter(
    apis: Target, device_letters: DeadLetters, number: int, change: dict[str, Any], reason: str
) -> None:
    malformed = json.dumps(accounting("8988216716970004975", "start", NOW, f"BAD{number}") | {"id": f"bad-{number}"})
    changed = json.loads(malformed)
    changed["data"] |= change
    apis.send("device", json.dumps(changed))
    assert reason in eventually(lambda: device_letters.reason(json.dumps(changed)))


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("session", {"sessionToken": "other"}, "session: Value error, sessionToken is not the same as sessionId"),
        (
            "session",
            {"expiresAt": "2000-01-01T00:00:00Z"},
            "session: Value error, more than 5 minutes before createdAt: expiresAt",
        ),
        ("session", {"colour": "red"}, "session.?: Extra inputs are not permitted"),
        ("session", {"customer": None}, "session.?: Extra inputs are not permitted"),
        ("customer", {"id": "x"}, "customer.id: Value error, neither an integer nor 1 to 64 digits"),
        ("store", {"addressCountry": "Germany"}, "store.addressCountry: String should match pattern '^[A-Z]{2}$'"),
    ],
)
def test_a_malformed_save_of_a_retailer_is_a_dead_letter(
    apis: Target, store_letters: DeadLetters, kind: str, change: dict[str, Any], reason: str
) -> None:
    usual = next(one for one in demonstration.events() if one["type"] == f"store.{kind}.saved")
    data = usual["data"] | {kind: usual["data"][kind] | change}
    refused = json.dumps(usual | {"id": uuid4().hex, "data": data})
    apis.send("store", refused)
    found = eventually(lambda: store_letters.reason(refused))
    assert found.removeprefix(f"store.{kind}.saved.data.") == reason
