"""What every queue does with what it cannot record, shown by the widget's and the device's recorders."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.device import record_accounting
from functions.widget import list_user_sessions, record_sessions
from infra.local.resources import Queue
from sessions import accounts, clock
from tests.proxy_events import batch, request
from tests.sessions.watching import aws_calls, dead_letters, logged, operations

Handler = Callable[[dict[str, Any], Any], Any]

MARKER = "someone@example.com"
ICCID = "8988216716970004975"
ENVELOPE = {"specversion": "1.0", "id": "e1", "source": "/test", "time": "2026-01-02T03:04:05Z"}


def saved(reference: str = "LA-1", **envelope: Any) -> dict[str, Any]:
    session = {
        "reference": reference,
        "date": "2026-01-02T03:04:05Z",
        "camsReference": None,
        "status": "submitted",
        "createdAt": "2026-01-02T03:04:05Z",
        "selectedPolicy": {
            "number": "P-1",
            "provider": "Example",
            "holder": {"firstName": "A", "lastName": "B", "id": "1", "phone": "2", "email": "a@example.com"},
            "validFrom": "2025-10-01",
            "validTo": "2026-09-30",
            "linkedContacts": [{"firstName": "C", "lastName": "D", "email": "c@example.com"}],
            "vehicle": {"licensePlate": "AB123CD"},
        },
    }
    data = {"clientId": "insurer", "userId": "ana", "session": session}
    return ENVELOPE | {"type": "widget.session.saved", "data": data} | envelope


def accounting(**members: Any) -> dict[str, Any]:
    data = {
        "iccid": ICCID,
        "accountingSessionId": "s1",
        "status": "stop",
        "ipAddress": "10.0.0.1",
        "ipv6Address": "2605:9780:309e::/64",
        "sessionSeconds": 5,
        "delaySeconds": 0,
    }
    return ENVELOPE | {"type": "device.accounting", "data": data | members}


def registration(kind: str = "device.registered") -> dict[str, Any]:
    return ENVELOPE | {"type": kind, "data": {"accountId": "fleet", "iccid": ICCID}}


def changed(event: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The event with this value at that path; `...` takes it away."""
    event = copy.deepcopy(event)
    place: Any = event
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return event


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths to everything inside of the value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, member in inner for found in ((*path, name), *paths(member, (*path, name)))]


def references(user: str = "ana") -> list[str]:
    """The references in the user's list."""
    if accounts.find_account("widget", "insurer") is None:
        accounts.create_account("widget", "insurer", now=clock.now())
    event = request(
        path={"clientId": "insurer", "userId": user},
        authorizer={"account": "insurer", "apiKeyId": "k"},
        identity={"apiKeyId": "k"},
    )
    return [session["reference"] for session in json.loads(list_user_sessions.handler(event, None)["body"])]


REFUSED = {
    "not JSON": "{",
    "empty": " ",
    "null": "null",
    "a list": json.dumps([saved()]),
    "two events": json.dumps(saved()) * 2,
    "another type": saved(type="widget.session.deleted"),
    "another family's type": registration(),
    "no type": changed(saved(), ("type",), ...),
    "no id": changed(saved(), ("id",), ...),
    "no source": changed(saved(), ("source",), ...),
    "no time": changed(saved(), ("time",), ...),
    "no specversion": changed(saved(), ("specversion",), ...),
    "no data": changed(saved(), ("data",), ...),
    "a wrong specversion": saved(specversion="0.3"),
    "another datacontenttype": saved(datacontenttype="application/xml"),
    "data in base64": changed(saved(data_base64="e30="), ("data",), ...),
    "data as text": saved(data=json.dumps(saved()["data"])),
    "an unknown member of data": changed(saved(), ("data", "colour"), "red"),
    "an unknown member of the session": changed(saved(), ("data", "session", "colour"), "red"),
    "a lone surrogate": json.dumps(saved("LA-1\ud800")),
    "a time without an offset": changed(saved(), ("data", "session", "createdAt"), "2026-01-02T03:04:05"),
}


def test_an_event_that_can_never_be_recorded_is_buried_alone(aws: dict[str, Queue]) -> None:
    for name, bad in REFUSED.items():
        event = batch(saved("LA-1"), bad, saved("LA-2"))

        assert record_sessions.handler(event, None) == {"batchItemFailures": []}, name
        ((body, reason),) = dead_letters(aws["widget"].dead_letter_url)
        assert body == event["Records"][1]["body"], name
        assert reason, name
        assert references() == ["LA-1", "LA-2"], name


def test_a_reason_says_what_is_wrong_and_where(aws: dict[str, Queue], caplog: pytest.LogCaptureFixture) -> None:
    bad = changed(changed(saved(), ("id",), ...), ("data", "session", "selectedPolicy", "holder", "email"), 7)
    record_sessions.handler(batch(bad), None)

    ((_, reason),) = dead_letters(aws["widget"].dead_letter_url)
    assert reason == "id: Field required; data.session.selectedPolicy.holder.email: Input should be a valid string"
    assert reason in logged(caplog)


def test_a_whole_batch_of_bad_events_is_buried(aws: dict[str, Queue]) -> None:
    bodies = [f"bad {number}" for number in range(10)]

    assert record_sessions.handler(batch(*bodies), None) == {"batchItemFailures": []}
    assert sorted(body for body, _ in dead_letters(aws["widget"].dead_letter_url)) == bodies
    assert references() == []


def test_a_body_is_buried_verbatim(aws: dict[str, Queue]) -> None:
    body = ' {"data" :\t"ü\U0001f600\\u00fc",\n "data": 1.50, "x": 1e3 } '
    record_sessions.handler(batch(body), None)

    assert [letter for letter, _ in dead_letters(aws["widget"].dead_letter_url)] == [body]


def test_a_reason_is_text_that_sqs_takes(aws: dict[str, Queue]) -> None:
    """The names of unknown members are the sender's, and may be anything, also personal."""
    data = saved()["data"] | {"\x00\x1f\ufffe\U0001f600": 1, "x" * 5000: 1, "ana@example.com": 1, "colour": 1}
    record_sessions.handler(batch(saved(data=data)), None)

    ((_, reason),) = dead_letters(aws["widget"].dead_letter_url)
    assert reason == "; ".join(f"data.{name}: Extra inputs are not permitted" for name in "????")


@pytest.mark.parametrize(
    ("family", "handler", "event"),
    [
        ("widget", record_sessions.handler, saved()),
        ("device", record_accounting.handler, accounting()),
        ("device", record_accounting.handler, registration()),
        ("device", record_accounting.handler, registration("device.removed")),
    ],
)
def test_a_reason_never_carries_a_value_from_the_event(
    aws: dict[str, Queue], caplog: pytest.LogCaptureFixture, family: str, handler: Handler, event: dict[str, Any]
) -> None:
    values: tuple[Any, ...] = (MARKER, f"{MARKER}/64", MARKER * 40, [MARKER], {"x": MARKER})
    bad: list[Any] = [MARKER, f'"{MARKER}"', f'["{MARKER}"]', json.dumps(event)[:-1] + f',"{MARKER}"']
    for path in paths(event):
        if path == ("type",):
            continue
        names_an_account = path[-1] in ("clientId", "accountId")  # a good account id may be in the log
        bad += [changed(event, path, value) for value in (values[2:] if names_an_account else values)]

    handler(batch(*bad, received=5), None)

    reasons = {reason for _, reason in dead_letters(aws[family].dead_letter_url)}
    assert len(reasons) > 5
    assert [reason for reason in reasons if MARKER in reason] == []
    assert MARKER not in logged(caplog)


@pytest.mark.parametrize(
    ("family", "handler", "event"),
    [("widget", record_sessions.handler, saved()), ("device", record_accounting.handler, accounting())],
)
def test_a_reason_never_carries_the_type_of_the_event(
    aws: dict[str, Queue], caplog: pytest.LogCaptureFixture, family: str, handler: Handler, event: dict[str, Any]
) -> None:
    handler(batch(event | {"type": MARKER}, event | {"type": [MARKER]}), None)

    reasons = [reason for _, reason in dead_letters(aws[family].dead_letter_url)]
    assert len(reasons) == 2
    assert MARKER not in str(reasons)
    assert MARKER not in logged(caplog)


def test_what_cannot_be_recorded_yet_is_delivered_again(aws: dict[str, Queue]) -> None:
    other = accounting(iccid="8988216716970004983")
    for received in (1, 2, 3, 4):
        event = batch(registration(), accounting(), other, received=received)
        waiting = event["Records"][2]["messageId"]

        assert record_accounting.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": waiting}]}
    assert dead_letters(aws["device"].dead_letter_url) == []


@pytest.mark.parametrize("received", [5, 6, 100])
def test_what_could_not_be_recorded_at_the_last_attempt_is_buried(aws: dict[str, Queue], received: int) -> None:
    event = batch(accounting(), received=received)

    assert record_accounting.handler(event, None) == {"batchItemFailures": []}
    assert dead_letters(aws["device"].dead_letter_url) == [
        (event["Records"][0]["body"], "the device is not registered")
    ]


def test_the_number_of_attempts_is_a_setting(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORDING_ATTEMPTS", "2")

    assert len(record_accounting.handler(batch(accounting(), received=1), None)["batchItemFailures"]) == 1
    assert record_accounting.handler(batch(accounting(), received=2), None) == {"batchItemFailures": []}
    assert len(dead_letters(aws["device"].dead_letter_url)) == 1


def test_a_bad_event_is_buried_at_its_first_attempt(aws: dict[str, Queue]) -> None:
    record_accounting.handler(batch("bad", received=1), None)

    assert len(dead_letters(aws["device"].dead_letter_url)) == 1


def failing(operation: str, reference: str = "") -> Callable[[Any], None]:
    """Lets calls of this operation fail, where they carry the reference."""

    def fail(call: tuple[str, dict[str, Any]]) -> None:
        if call[0] == operation and reference in str(call[1]):
            raise RuntimeError(MARKER)

    return fail


def test_an_unexpected_failure_is_tried_again_alone(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        aws_calls(patch, failing("PutItem", "LA-2"))
        event = batch(saved("LA-1"), saved("LA-2"), saved("LA-3"), received=4)
        again = [{"itemIdentifier": event["Records"][1]["messageId"]}]

        assert record_sessions.handler(event, None) == {"batchItemFailures": again}
    assert references() == ["LA-1", "LA-3"]
    assert dead_letters(aws["widget"].dead_letter_url) == []

    assert record_sessions.handler(event, None) == {"batchItemFailures": []}
    assert references() == ["LA-1", "LA-2", "LA-3"]


def test_an_unexpected_failure_at_the_last_attempt_is_buried(
    aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    aws_calls(monkeypatch, failing("PutItem", "LA-2"))
    event = batch(saved("LA-1"), saved("LA-2"), received=5)

    assert record_sessions.handler(event, None) == {"batchItemFailures": []}
    assert dead_letters(aws["widget"].dead_letter_url) == [
        (event["Records"][1]["body"], "recording failed: RuntimeError")
    ]
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


def test_what_cannot_be_buried_stays_in_the_queue(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch, failing("SendMessage"))
    event = batch("bad", saved("LA-1"), received=5)
    again = [{"itemIdentifier": event["Records"][0]["messageId"]}]

    assert record_sessions.handler(event, None) == {"batchItemFailures": again}
    assert operations(calls) == ["SendMessage", "GetItem", "PutItem"]


def test_the_log_counts_a_batch(aws: dict[str, Queue], caplog: pytest.LogCaptureFixture) -> None:
    record_accounting.handler(batch(registration(), accounting(iccid="8988216716970004983"), "bad"), None)

    (line,) = [vars(record) for record in caplog.records if record.getMessage() == "batch"]
    assert (line["messages"], line["again"]) == (3, 1)


def test_a_replayed_dead_letter_is_recorded(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        aws_calls(patch, failing("PutItem"))
        record_sessions.handler(batch(saved("LA-1"), received=5), None)
    ((body, _),) = dead_letters(aws["widget"].dead_letter_url)

    assert record_sessions.handler(batch(body), None) == {"batchItemFailures": []}
    assert references() == ["LA-1"]
