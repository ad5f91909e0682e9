"""The check that every answer of these tests goes through notices what is not in a contract."""

import json
from typing import Any

import pytest

from tests.answers import Answer, assert_contract

DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
HEADERS = {"content-type": "application/json", "x-amzn-requestid": "1"}
NEVER = {"iccid": "8988216716970004991", "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
CHALLENGE = {"www-authenticate": 'Basic realm="x"'}
REFUSED = {"errorMessage": "Invalid credentials", "errorCode": "10000001"}


def _answer(status: int, body: Any, **headers: str | None) -> Answer:
    given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {name: value for name, value in given.items() if value}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("method", "target", "answer"),
    [
        ("GET", DEVICE, _answer(200, NEVER)),
        ("GET", DEVICE + "?fields=iccid", _answer(200, {"iccid": "8988216716970004991"})),
        ("GET", DEVICE, _answer(401, REFUSED, **CHALLENGE)),
        ("PUT", DEVICE, _answer(404, REFUSED)),
        ("GET", "/rws", _answer(404, REFUSED)),
        ("GET", "/sessions/a/b", _answer(404, {"code": "SESSION_NOT_FOUND", "description": "Session not found"})),
        ("GET", "/sessions/sessions/b", _answer(200, [])),
        ("HEAD", "/nowhere", Answer(404, HEADERS, b"")),
    ],
)
def test_what_a_contract_has_is_right(method: str, target: str, answer: Answer) -> None:
    assert_contract(method, target, answer)


@pytest.mark.parametrize(
    ("method", "target", "answer"),
    [
        ("GET", DEVICE, _answer(200, NEVER | {"more": 1})),
        ("GET", DEVICE, _answer(200, NEVER | {"ipv6Address": None})),
        ("GET", DEVICE, _answer(200, NEVER | {"ipAddress": "10.0.0.256"})),
        ("GET", DEVICE, _answer(200, NEVER | {"dateSessionStarted": "2016-07-06T01:31:46Z"})),
        ("GET", DEVICE, _answer(200, NEVER, content_type="text/plain")),
        ("GET", DEVICE, _answer(200, NEVER, content_type=None)),
        ("GET", DEVICE, _answer(200, NEVER, x_amzn_requestid=None)),
        ("GET", DEVICE, _answer(401, REFUSED)),
        ("GET", DEVICE, _answer(401, {"message": "Unauthorized"}, **CHALLENGE)),
        ("GET", DEVICE, _answer(403, REFUSED)),
        ("GET", DEVICE, _answer(429, REFUSED)),
        ("PUT", DEVICE, _answer(405, REFUSED)),
        ("GET", "/rws", _answer(404, {"message": "Not found"})),
        ("GET", "/sessions/new", _answer(200, NEVER)),
        ("GET", "/sessions/a/b", _answer(404, {"code": "OTHER", "description": "Session not found"})),
        ("GET", "/nowhere", _answer(404, REFUSED)),
        ("GET", "/nowhere", _answer(500, {"message": "x"})),
        ("HEAD", "/nowhere", Answer(404, HEADERS, b"{}")),
    ],
)
def test_what_no_contract_has_is_noticed(method: str, target: str, answer: Answer) -> None:
    with pytest.raises(AssertionError):
        assert_contract(method, target, answer)
