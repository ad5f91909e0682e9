"""Events that any AWS client sends to the queues: recorded at once, or in the dead-letter queue with a reason."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from functions.store import demonstration
from tests.answers import Client
from tests.local.accounts import Headers
from tests.platform import Platform, event, eventually

NOW = datetime.now(UTC).replace(microsecond=123000)
DEAD_LETTERS_AFTER = 30.0  # seconds; five attempts, two seconds apart, end after about ten


class DeadLetters:
    """The bodies of a family's dead letters, and the reasons that came with them."""

    def __init__(self, platform: Platform, family: str) -> None:
        self.platform = platform
        self._sqs = platform.sqs
        self._url = platform.connection[family]["dead_letter_queue_url"]
        self._reasons: dict[str, str] = {}

    def reason(self, body: str) -> str | None:
        """Why the event with this body was refused; None while it was not."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        )
        for message in answer.get("Messages", []):
            self._reasons[message["Body"]] = message["MessageAttributes"]["reason"]["StringValue"]
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._reasons.get(body)


@pytest.fixture(scope="module")
def widget_letters(platform: Platform) -> DeadLetters:
    return DeadLetters(platform, "widget")


@pytest.fixture(scope="module")
def device_letters(platform: Platform) -> DeadLetters:
    return DeadLetters(platform, "device")


@pytest.fixture(scope="module")
def store_letters(platform: Platform) -> DeadLetters:
    return DeadLetters(platform, "store")


@pytest.fixture(scope="module")
def orphan(platform: Platform) -> dict[str, Any]:
    """Accounting of a device that nobody has registered. Sent early: it is tried for a while."""
    sent = _accounting("8988216716970200001", "start", NOW - timedelta(hours=1), ipAddress="10.0.0.1")
    platform.send("device", sent)
    return sent


def _saved(user: str, reference: str, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    session = {
        "reference": reference,
        "date": "2026-01-02T03:04:05+02:00",
        "camsReference": None,
        "status": "submitted",
        "createdAt": "2026-01-02T03:04:05+02:00",
        "selectedPolicy": None,
    }
    return event("widget.session.saved", at=at, clientId="demo-insurer", userId=user, session=session | changes)


def _accounting(iccid: str, status: str, at: datetime, session: str = "A1", **more: Any) -> dict[str, Any]:
    return event("device.accounting", at=at, iccid=iccid, accountingSessionId=session, status=status, **more)


def _registered(iccid: str, at: datetime = NOW) -> dict[str, Any]:
    return event("device.registered", at=at, accountId="demo-fleet", iccid=iccid)


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _address(iccid: str) -> str:
    return f"/rws/api/v1/devices/{iccid}/sessionInfo"


def test_an_event_shows_within_a_second(
    platform: Platform, http: Client, insurer: Headers, fleet: Headers, orphan: dict[str, Any]
) -> None:
    taken = []
    for number in range(3):
        started = time.monotonic()
        platform.send("widget", _saved(f"quick-{number}", f"LA-QUICK{number}"))
        platform.send("device", _registered(f"898821671697030000{number}"))
        eventually(lambda user=number: http.get(f"/demo-insurer/sessions/quick-{user}", insurer).json)  # type: ignore[misc]
        eventually(lambda sim=number: http.get(_address(f"898821671697030000{sim}"), fleet).status == 200)  # type: ignore[misc]
        taken.append(time.monotonic() - started)
    assert min(taken) < 1.0, "the machine may be busy once, but not always"


def test_a_saved_session_is_answered_in_utc_to_the_minute(platform: Platform, http: Client, insurer: Headers) -> None:
    platform.send("widget", _saved("utc", "LA-UTC"))
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


def test_the_newer_save_wins_whichever_comes_last(platform: Platform, http: Client, insurer: Headers) -> None:
    newer = _saved("order", "LA-ORDER", NOW, camsReference="MIS/2")
    older = _saved("order", "LA-ORDER", NOW - timedelta(minutes=1), camsReference="MIS/1")
    platform.send("widget", newer)
    eventually(lambda: http.get("/demo-insurer/sessions/order", insurer).json)
    platform.send("widget", older, newer, older, _saved("order", "LA-THEN"))
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
    malformed = json.dumps(_saved(user, f"LA-BAD{number}") | change)
    neighbours = [_saved(user, f"LA-GOOD{number}{which}") for which in "AB"]
    bodies = [json.dumps(neighbours[0]), malformed, f"not JSON at all {number}", json.dumps(neighbours[1])]
    platform = widget_letters.platform
    platform.sqs.send_message_batch(
        QueueUrl=platform.connection["widget"]["queue_url"],
        Entries=[{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)],
    )
    assert reason in eventually(lambda: widget_letters.reason(malformed))
    assert "JSON" in eventually(lambda: widget_letters.reason(bodies[2]))
    found = eventually(lambda: len(answer := http.get(f"/demo-insurer/sessions/{user}", insurer).json) == 2 and answer)
    assert [session["reference"] for session in found] == [f"LA-GOOD{number}A", f"LA-GOOD{number}B"]


def test_an_unknown_member_is_refused_rather_than_lost(platform: Platform, widget_letters: DeadLetters) -> None:
    unknown = json.dumps(_saved("unknown", "LA-UNKNOWN", colour="red"))
    platform.send("widget", unknown)
    assert "data.session.?: Extra" in eventually(lambda: widget_letters.reason(unknown))


def test_an_unknown_attribute_of_the_envelope_is_ignored(platform: Platform, http: Client, insurer: Headers) -> None:
    platform.send("widget", _saved("envelope", "LA-ENVELOPE") | {"traceparent": "00-ab", "subject": "x"})
    assert eventually(lambda: http.get("/demo-insurer/sessions/envelope", insurer).json)


def test_a_reason_holds_no_personal_value(platform: Platform, widget_letters: DeadLetters) -> None:
    personal = json.dumps(_saved("personal", "LA-PERSONAL", selectedPolicy={"number": "secret-number-7"}))
    platform.send("widget", personal)
    assert "secret-number-7" not in eventually(lambda: widget_letters.reason(personal))


def test_a_session_begins_goes_on_and_ends(platform: Platform, http: Client, fleet: Headers) -> None:
    iccid = "8988216716970200010"
    began, ended = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    platform.send("device", _registered(iccid, NOW - timedelta(days=1)))
    eventually(lambda: http.get(_address(iccid), fleet).status == 200)
    answer = {"iccid": iccid, "ipAddress": "10.9.8.7", "dateSessionStarted": _date(began), "dateSessionEnded": None}
    platform.send("device", _accounting(iccid, "start", began, ipAddress="10.9.8.7"))
    eventually(lambda: http.get(_address(iccid), fleet).json == answer)
    stopped = _accounting(iccid, "stop", ended, sessionSeconds=3600, ipv6Address="2001:db8::/64")
    platform.send("device", stopped, stopped)
    answer |= {"ipv6Address": "2001:db8::/64", "dateSessionEnded": _date(ended)}
    eventually(lambda: http.get(_address(iccid), fleet).json == answer)

    platform.send("device", _accounting(iccid, "start", NOW, "A2", delaySeconds=60))
    later = {"iccid": iccid, "ipAddress": None, "dateSessionEnded": None}
    later["dateSessionStarted"] = _date(NOW - timedelta(minutes=1))
    eventually(lambda: http.get(_address(iccid), fleet).json == later)


def test_the_last_record_first_tells_when_the_session_began(platform: Platform, http: Client, fleet: Headers) -> None:
    iccid = "89882167169702000119"
    platform.send("device", _registered(iccid, NOW - timedelta(days=1)))
    platform.send("device", _accounting(iccid, "stop", NOW, sessionSeconds=90, ipAddress="10.0.0.2"))
    answer = {
        "iccid": iccid,
        "ipAddress": "10.0.0.2",
        "dateSessionStarted": _date(NOW - timedelta(seconds=90)),
        "dateSessionEnded": _date(NOW),
    }
    eventually(lambda: http.get(_address(iccid), fleet).json == answer)


def test_a_removed_device_is_unknown_and_starts_anew_when_it_is_registered_again(
    platform: Platform, http: Client, fleet: Headers
) -> None:
    iccid = "8988216716970200012"
    platform.send("device", _registered(iccid, NOW - timedelta(hours=3)))
    platform.send("device", _accounting(iccid, "start", NOW - timedelta(hours=2), ipAddress="10.0.0.3"))
    eventually(lambda: http.get(_address(iccid), fleet).json.get("ipAddress") == "10.0.0.3")
    removed = event("device.removed", at=NOW - timedelta(hours=1), accountId="demo-fleet", iccid=iccid)
    platform.send("device", removed)
    eventually(lambda: http.get(_address(iccid), fleet).status == 404)
    platform.send("device", _registered(iccid))
    again = eventually(lambda: (answer := http.get(_address(iccid), fleet)).status == 200 and answer)
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
    platform: Platform, device_letters: DeadLetters, number: int, change: dict[str, Any], reason: str
) -> None:
    malformed = json.dumps(_accounting("8988216716970004975", "start", NOW, f"BAD{number}") | {"id": f"bad-{number}"})
    changed = json.loads(malformed)
    changed["data"] |= change
    platform.send("device", json.dumps(changed))
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
    platform: Platform, store_letters: DeadLetters, kind: str, change: dict[str, Any], reason: str
) -> None:
    usual = next(one for one in demonstration.events() if one["type"] == f"store.{kind}.saved")
    data = usual["data"] | {kind: usual["data"][kind] | change}
    refused = json.dumps(usual | {"id": uuid4().hex, "data": data})
    platform.send("store", refused)
    found = eventually(lambda: store_letters.reason(refused))
    assert found.removeprefix(f"store.{kind}.saved.data.") == reason


def test_accounting_of_an_unregistered_device_is_a_dead_letter_and_can_be_replayed(
    platform: Platform, http: Client, fleet: Headers, device_letters: DeadLetters, orphan: dict[str, Any]
) -> None:
    """Last in this file: what waits for it has gone on meanwhile."""
    iccid = orphan["data"]["iccid"]
    body = json.dumps(orphan)
    reason = eventually(lambda: device_letters.reason(body), DEAD_LETTERS_AFTER)
    assert reason == "the device is not registered"
    assert http.get(_address(iccid), fleet).status == 404
    platform.send("device", _registered(iccid, datetime.now(UTC)))
    never = {"iccid": iccid, "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
    eventually(lambda: http.get(_address(iccid), fleet).json == never)
    platform.send("device", body)
    began = _date(NOW - timedelta(hours=1))
    eventually(
        lambda: http.get(_address(iccid), fleet).json == never | {"ipAddress": "10.0.0.1", "dateSessionStarted": began}
    )


def test_accounting_that_comes_before_its_registration_is_not_lost(
    platform: Platform, http: Client, fleet: Headers
) -> None:
    iccid = "8988216716970200013"
    platform.send("device", _accounting(iccid, "start", NOW, ipAddress="10.0.0.4"))
    platform.send("device", _registered(iccid, NOW - timedelta(hours=1)))
    eventually(lambda: http.get(_address(iccid), fleet).status == 200)
    eventually(lambda: http.get(_address(iccid), fleet).json["ipAddress"] == "10.0.0.4")
