"""No log line of a whole day's work carries what the log must not know."""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from functions.device import authorize as device_authorize
from functions.device import get_session_info, record_accounting
from functions.knowledge import associate_session, create_session, get_session
from functions.widget import authorize as widget_authorize
from functions.widget import list_user_sessions, record_sessions
from infra.local.resources import Queue
from sessions import accounts, clock, dynamodb
from sessions.endpoint import UnreachableError
from tests.proxy_events import batch, request
from tests.sessions.test_recording import ENVELOPE, saved
from tests.sessions.watching import logged

ICCID = "8988216716970004975"
UNKNOWN_ICCID = "8988216716970004983"
EMAIL = "ana@example.com"


def failing(handler: Callable[[dict[str, Any], None], Any], event: dict[str, Any]) -> None:
    """The request while DynamoDB is not to be had: what fails is logged with its traceback."""

    def unreachable(operation: str, request: Any, *, may_repeat: bool) -> Any:
        raise UnreachableError(operation, "TimeoutError", "timed out")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dynamodb, "_transport", unreachable)
        assert handler(event, None)["statusCode"] == 500


def device_work() -> list[str]:
    accounts.create_account("device", "fleet", now=clock.now())
    _, key = accounts.create_credential("device", "fleet", now=clock.now(), username="fleet-user")
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")

    for password in (key, wrong):
        basic = base64.b64encode(f"fleet-user:{password}".encode()).decode()
        device_authorize.handler(request(headers={"Authorization": f"Basic {basic}"}), None)
    data = {
        "iccid": ICCID,
        "accountingSessionId": "session-7f3a",
        "status": "start",
        "ipAddress": "10.20.30.40",
        "ipv6Address": "2605:9780:309e::/64",
    }
    registered = ENVELOPE | {"type": "device.registered", "data": {"accountId": "fleet", "iccid": ICCID}}
    record = ENVELOPE | {"type": "device.accounting", "data": data}
    stranger = ENVELOPE | {"type": "device.accounting", "data": data | {"iccid": UNKNOWN_ICCID}}
    bad = ENVELOPE | {"type": "device.accounting", "data": data | {"ipAddress": "10.20.30.400"}}
    for received in (1, 5):
        record_accounting.handler(batch(registered, record, stranger, bad, received=received), None)
    for iccid in (ICCID, UNKNOWN_ICCID):
        path = {"apiVersion": "v1", "iccid": iccid}
        get_session_info.handler(request(path=path, authorizer={"account": "fleet"}), None)
        failing(get_session_info.handler, request(path=path, authorizer={"account": "fleet"}))
    return [key, wrong, basic, "fleet-user", ICCID, UNKNOWN_ICCID, "session-7f3a", "10.20.30.40", "2605:9780"]


def widget_work() -> list[str]:
    accounts.create_account("widget", "insurer", now=clock.now())
    _, key = accounts.create_credential("widget", "insurer", now=clock.now(), api_key_id="k")
    wrong = key[::-1]

    for value in (key, wrong):
        widget_authorize.handler(request(headers={"x-api-key": value}), None)
    good = saved("LA-SECRET0001")
    good["data"]["userId"] = EMAIL
    bad = saved("LA-SECRET0001")
    bad["data"]["session"]["createdAt"] = EMAIL
    for received in (1, 5):
        record_sessions.handler(batch(good, bad, received=received), None)
    for client in ("insurer", "nobody"):
        event = request(
            path={"clientId": client, "userId": EMAIL},
            authorizer={"account": "insurer", "apiKeyId": "k"},
            identity={"apiKeyId": "k"},
        )
        list_user_sessions.handler(event, None)
        failing(list_user_sessions.handler, event)
    return [key, wrong, EMAIL, "example.com", "LA-SECRET0001", "AB123CD"]


def knowledge_work() -> list[str]:
    headers = {"gkc_customerId": EMAIL, "gkc_agentId": "agent-1234"}
    body = json.dumps({"visitId": "visit-1234", "globalVisitId": "global-1234"})
    created = create_session.handler(request(headers=headers, body=body), None)
    session_id = json.loads(created["body"])["sessionId"]
    for path in ({"sessionId": session_id}, {"sessionId": "visitor-1234"}, {"sessionId": "odd id"}):
        associate_session.handler(request(path=path, headers=headers, body=body), None)
        associate_session.handler(request(path=path, headers=headers, body=f'{{"visitId": ["{EMAIL}"]}}'), None)
        get_session.handler(request(path=path, headers=headers), None)
    get_session.handler(request(path={"sessionId": "visitor-5678"}), None)
    known = request(path={"sessionId": session_id}, headers=headers, body=body)
    for endpoint in (create_session, associate_session, get_session):
        failing(endpoint.handler, known)
    return [session_id, "visitor-1234", "visitor-5678", "odd id", EMAIL, "visit-1234", "global-1234", "agent-1234"]


@pytest.mark.parametrize("work", [device_work, widget_work, knowledge_work])
def test_the_log_knows_no_credential_and_no_person_and_no_session(
    aws: dict[str, Queue], caplog: pytest.LogCaptureFixture, work: Callable[[], list[str]]
) -> None:
    caplog.set_level(logging.INFO)

    unspeakable = work()

    written = logged(caplog)
    assert len(caplog.records) > 2
    assert [text for text in unspeakable if text in written] == []


@pytest.mark.parametrize("work", [device_work, widget_work, knowledge_work])
def test_every_line_is_an_event_with_plain_data(
    aws: dict[str, Queue], caplog: pytest.LogCaptureFixture, work: Callable[[], list[str]]
) -> None:
    caplog.set_level(logging.INFO)

    work()

    usual = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
    for record in caplog.records:
        data: dict[str, Any] = {name: value for name, value in vars(record).items() if name not in usual}
        assert record.name == "sessions"
        assert record.args == ()
        assert all(value is None or isinstance(value, str | int | float | bool) for value in data.values())
