"""The published calls with the demonstration data, as a newcomer makes them."""

from datetime import datetime, timedelta

import pytest

from tests.accounts import Headers
from tests.answers import Client

POLICY = {
    "number": "POL-2023-118",
    "provider": "Example Mutual",
    "holder": {
        "firstName": "Ana",
        "lastName": "Example",
        "id": "H-1001",
        "phone": "+390000000001",
        "email": "ana@example.com",
    },
    "validFrom": "2023-10-01",
    "validTo": "2024-09-30",
    "linkedContacts": [{"firstName": "Ben", "lastName": "Example", "email": "ben@example.com"}],
    "vehicle": {"licensePlate": "AB123CD"},
}
SUBMITTED = {
    "reference": "LA-PE2VZ7RJD4",
    "date": "2023-11-27T14:52",
    "camsReference": "MIS/709006",
    "status": "submitted",
    "createdAt": "2023-11-27T14:52",
    "selectedPolicy": POLICY,
}
LATER = {
    "reference": "LA-7QK0M3XW9C",
    "date": "2024-02-03T08:15",
    "camsReference": None,
    "status": "submitted",
    "createdAt": "2024-02-03T08:17",
    "selectedPolicy": None,
}
OVER = {
    "iccid": "8988216716970004975",
    "ipAddress": None,
    "ipv6Address": "2605:9780:309e::/64",
    "dateSessionStarted": "2016-07-06 01:31:46.893+0000",
    "dateSessionEnded": "2016-07-06 03:02:10.104+0000",
}
GOING_ON = {
    "iccid": "8988216716970004983",
    "ipAddress": "10.21.0.7",
    "ipv6Address": "2605:9780:309f::/64",
    "dateSessionStarted": "2016-07-07 22:15:03.250+0000",
    "dateSessionEnded": None,
}
NEVER = {"iccid": "8988216716970004991", "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
MONTH = timedelta(days=30)


def test_ana_has_two_sessions_the_newest_first(http: Client, insurer: Headers) -> None:
    answer = http.get("/demo-insurer/sessions/ana", insurer)
    assert (answer.status, answer.json) == (200, [LATER, SUBMITTED])
    assert "link" not in answer.headers


@pytest.mark.parametrize("user", ["ben", "nobody-knows-me"])
def test_a_user_without_sessions_has_an_empty_list(http: Client, insurer: Headers, user: str) -> None:
    answer = http.get(f"/demo-insurer/sessions/{user}", insurer)
    assert (answer.status, answer.json) == (200, [])


@pytest.mark.parametrize("session", [OVER, GOING_ON, NEVER])
def test_each_device_answers_with_its_session(http: Client, fleet: Headers, session: dict[str, str | None]) -> None:
    answer = http.get(f"/rws/api/v1/devices/{session['iccid']}/sessionInfo", fleet)
    assert (answer.status, answer.json) == (200, session)


@pytest.mark.parametrize(
    ("fields", "members"),
    [
        ("ipAddress", ["ipAddress"]),
        ("dateSessionEnded,iccid", ["iccid", "dateSessionEnded"]),
        ("*", list(GOING_ON)),
        ("iccid,colour", ["iccid"]),
        ("colour", []),
    ],
)
def test_fields_names_the_members_to_return(http: Client, fleet: Headers, fields: str, members: list[str]) -> None:
    answer = http.get(f"/rws/api/v1/devices/8988216716970004983/sessionInfo?fields={fields}", fleet)
    assert (answer.status, answer.json) == (200, {name: GOING_ON[name] for name in members})


@pytest.mark.parametrize("version", ["v2", "1", "V1", "v1.0", "latest"])
def test_no_other_version_is_there(http: Client, fleet: Headers, version: str) -> None:
    answer = http.get(f"/rws/api/{version}/devices/8988216716970004983/sessionInfo", fleet)
    assert (answer.status, answer.json) == (400, {"errorMessage": "Invalid apiVersion", "errorCode": "10000024"})


@pytest.mark.parametrize("iccid", ["8988216716970009999", "123", "898821671697000498X", "%D9%A1" * 19])
def test_an_unknown_iccid_is_not_found(http: Client, fleet: Headers, iccid: str) -> None:
    answer = http.get(f"/rws/api/v1/devices/{iccid}/sessionInfo", fleet)
    refusal = {"errorMessage": "Resource not found - Invalid ICCID", "errorCode": "20000001"}
    assert (answer.status, answer.json) == (404, refusal)


def test_a_visitor_gets_a_session_that_lives_a_month(http: Client) -> None:
    created = http.put("/sessions/new", {"gkc_agentId": "agent-1", "gkc_customerId": "customer-1"}, '{"visitId": "7"}')
    session = created.json
    assert created.status == 200
    assert session == {
        "sessionId": session["sessionId"],
        "agentId": "agent-1",
        "customerId": "customer-1",
        "visitId": "7",
        "globalVisitId": None,
        "createdAt": session["createdAt"],
        "updatedAt": session["createdAt"],
        "expiresAt": session["expiresAt"],
    }
    assert datetime.fromisoformat(session["expiresAt"]) - datetime.fromisoformat(session["createdAt"]) == MONTH

    read = http.get(f"/sessions/{session['sessionId']}")
    assert (read.status, read.json) == (200, session)


def test_associating_keeps_what_is_not_given(http: Client) -> None:
    session = http.put("/sessions/new", {"gkc_agentId": "agent-1"}, '{"visitId": "7"}').json
    address = f"/sessions/{session['sessionId']}"
    changed = http.post(address, {"gkc_customerId": "customer-2"}, '{"globalVisitId": "9"}')
    given = {"customerId": "customer-2", "globalVisitId": "9"}
    prolonged = {name: changed.json[name] for name in ("updatedAt", "expiresAt")}
    assert (changed.status, changed.json) == (200, session | given | prolonged)
    assert prolonged["updatedAt"] >= session["updatedAt"]
    assert http.get(address).json == changed.json


def test_associating_an_unknown_id_starts_a_session_with_it(http: Client) -> None:
    missing = http.get("/sessions/brought-by-a-client")
    assert (missing.status, missing.json) == (404, {"code": "SESSION_NOT_FOUND", "description": "Session not found"})
    started = http.post("/sessions/brought-by-a-client", {"gkc_customerId": "c"})
    assert started.status == 200
    assert (started.json["sessionId"], started.json["customerId"]) == ("brought-by-a-client", "c")
    assert http.get("/sessions/brought-by-a-client").json == started.json


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("[]", "body must be a JSON object"),
        ("{", "body must be a JSON object"),
        ('"text"', "body must be a JSON object"),
        ('{"visitId": 7}', "visitId must be a string"),
        ('{"globalVisitId": null}', "globalVisitId must be a string"),
        ('{"visitId": "' + "x" * 257 + '"}', "visitId must have at most 256 characters"),
    ],
)
def test_a_refusal_names_the_member(http: Client, body: str, description: str) -> None:
    for answer in (http.put("/sessions/new", body=body), http.post("/sessions/refused", body=body)):
        assert (answer.status, answer.json) == (400, {"code": "INVALID_REQUEST", "description": description})
    assert http.get("/sessions/refused").status == 404
