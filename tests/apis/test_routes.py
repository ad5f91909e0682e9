"""Which path leads where, what is decoded, and what is said where nothing is."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.accounts import Headers, new_fleet
from tests.answers import Answer, Client
from tests.apis.differences import PATHS, SEGMENTS
from tests.platform import Target, event, eventually

NO_SESSION = {"code": "SESSION_NOT_FOUND", "description": "Session not found"}
NO_RESOURCE = {"errorMessage": "Resource not found", "errorCode": "20000001"}
NO_ROUTE = {"message": "Not found"}
NO_LISTING = {"message": "Not found", "type": "E_NOT_FOUND", "errors": []}

ANA = "/demo-insurer/sessions/ana"
DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
STORE = "/api/admin/v2/sessions"


def test_new_is_no_session(http: Client) -> None:
    assert http.put("/sessions/new").json["sessionId"] != "new"
    for method in ("GET", "POST", "DELETE"):
        answer = http.request(method, "/sessions/new")
        assert (answer.status, answer.json) == (404, NO_SESSION)
    assert http.post("/sessions/New").json["sessionId"] == "New"


def test_only_new_is_created_by_put(http: Client) -> None:
    answer = http.put("/sessions/visitor")
    assert (answer.status, answer.json) == (404, NO_SESSION)


def test_a_client_may_be_named_as_another_family_begins(http: Client, insurer: Headers) -> None:
    for client in ("sessions", "rws", "api"):
        answer = http.get(f"/{client}/sessions/ana", insurer)
        assert (answer.status, answer.json) == (404, {"message": "Client not found"})


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ("/rws", NO_RESOURCE),
        ("/rws/api/v1/devices", NO_RESOURCE),
        pytest.param(DEVICE + "/", NO_RESOURCE, marks=SEGMENTS.mark),
        (DEVICE + "s", NO_RESOURCE),
        ("/rws/api//devices/1/sessionInfo", NO_RESOURCE),
        ("/rws/api/v1/devices//sessionInfo", NO_RESOURCE),
        ("/rws/api/v1/devices/1/SessionInfo", NO_RESOURCE),
        pytest.param("/rws/api/v1/devices/1%2FsessionInfo", NO_RESOURCE, marks=PATHS.mark),
        ("/rwsx", NO_RESOURCE),
        ("/sessions", NO_SESSION),
        ("/sessions/", NO_SESSION),
        ("/sessions//", NO_SESSION),
        pytest.param("/sessions/a/", NO_SESSION, marks=SEGMENTS.mark),
        ("/sessions/a/b", NO_SESSION),
        pytest.param("/sessions/new/", NO_SESSION, marks=SEGMENTS.mark),
        ("/sessions?id=a", NO_SESSION),
        ("/api", NO_LISTING),
        ("/api/", NO_LISTING),
        ("/api/admin/v2", NO_LISTING),
        ("/api/admin/v1/sessions", NO_LISTING),
        ("/api/admin/v2/Sessions", NO_LISTING),
        pytest.param("/api/admin/v2//sessions", NO_LISTING, marks=SEGMENTS.mark),
        pytest.param(STORE + "/", NO_LISTING, marks=SEGMENTS.mark),
        (STORE + "/5001", NO_LISTING),
        pytest.param(STORE + "%2F", NO_LISTING, marks=PATHS.mark),
        (STORE + ";a=b", NO_LISTING),
        ("/", NO_ROUTE),
        ("//", NO_ROUTE),
        ("//sessions/a", NO_ROUTE),
        ("/demo-insurer", NO_ROUTE),
        ("/demo-insurer/sessions", NO_ROUTE),
        ("/demo-insurer/sessions/", NO_ROUTE),
        ("/demo-insurer/Sessions/ana", NO_ROUTE),
        pytest.param(ANA + "/", NO_ROUTE, marks=SEGMENTS.mark),
        (ANA + "/x", NO_ROUTE),
        ("/RWS/api/v1/devices/1/sessionInfo", NO_ROUTE),
        ("/favicon.ico", NO_ROUTE),
        ("/%", NO_ROUTE),
        ("/" + "a/" * 2000, NO_ROUTE),
    ],
)
def test_a_path_of_no_route_is_refused_in_the_dialect_it_looks_like(
    http: Client, credentials: dict[str, Headers], target: str, refusal: dict[str, str]
) -> None:
    for method in ("GET", "PUT", "OPTIONS"):
        for headers in ({}, *credentials.values()):
            answer = http.request(method, target, headers)
            assert (answer.status, answer.json) == (404, refusal)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_an_unsupported_method_is_refused_in_the_dialect_of_its_path(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers, method: str
) -> None:
    def refused(target: str, headers: Headers) -> Answer:
        answer = http.request(method, target, headers)
        assert answer.status == 404
        return answer

    assert refused(ANA, insurer).json == NO_ROUTE
    assert refused(DEVICE, fleet).json == NO_RESOURCE
    assert refused(STORE, retailer).json == NO_LISTING
    assert refused(STORE, {}).json == NO_LISTING
    if method not in ("POST", "OPTIONS"):
        assert refused("/sessions/visitor", {}).json == NO_SESSION


def test_a_head_is_refused_without_a_body(http: Client, insurer: Headers, fleet: Headers, retailer: Headers) -> None:
    http.post("/sessions/headless")
    for target, headers in (
        (ANA, insurer),
        (DEVICE, fleet),
        (STORE, retailer),
        ("/sessions/headless", {}),
        ("/nowhere", {}),
    ):
        answer = http.request("HEAD", target, headers)
        assert (answer.status, answer.body) == (404, b"")
        assert http.get("/sessions/headless").status == 200, "the connection goes on"
    assert http.connections == 1


SESSION = {
    "date": "2026-01-02T03:04",
    "status": "submitted",
    "createdAt": "2026-01-02T03:04",
    "camsReference": None,
    "selectedPolicy": None,
}
USERS = [
    ("maria%40example.com", "maria@example.com"),
    ("maria@example.com", "maria@example.com"),
    ("a%2Fb", "a/b"),
    ("100%25", "100%"),
    ("%2540", "%40"),
    ("a+b", "a+b"),
    ("a%20b", "a b"),
    ("%E2%82%AC%F0%9F%9A%97", "\u20ac\U0001f697"),
    ("caf%C3%A9", "caf\u00e9"),
    ("cafe%CC%81", "cafe\u0301"),
    ("a;b=c&d,e:f", "a;b=c&d,e:f"),
    ("%3F%23", "?#"),
    ("..", ".."),
    ("%2e%2E", ".."),
    ("sessions", "sessions"),
    ("new", "new"),
]
"""As they are sent in a path, and who they are."""


def _saved(user: str, reference: str) -> dict[str, Any]:
    session = SESSION | {"reference": reference, "date": "2026-01-02T03:04:05Z", "createdAt": "2026-01-02T03:04:05Z"}
    return event("widget.session.saved", clientId="demo-insurer", userId=user, session=session)


@pytest.fixture(scope="module")
def users(apis: Target) -> None:
    """All of them, with one session each."""
    apis.send("widget", *(_saved(user, "LA-" + quote(sent, safe="")) for sent, user in USERS))
    eventually(lambda: apis.is_idle("widget"), 30)


@pytest.mark.parametrize(
    ("sent", "user"),
    [pytest.param(*one, marks=PATHS.mark if one[0] in ("a%2Fb", "%2540") else ()) for one in USERS],
)
def test_a_user_may_have_any_name(http: Client, insurer: Headers, users: None, sent: str, user: str) -> None:
    answer = http.get(f"/demo-insurer/sessions/{sent}", insurer)
    assert answer.status == 200
    assert SESSION | {"reference": "LA-" + quote(sent, safe="")} in answer.json


def test_a_session_may_pass_to_another_user(apis: Target, http: Client, insurer: Headers) -> None:
    def found(user: str) -> list[str]:
        return [one["reference"] for one in http.get(f"/demo-insurer/sessions/{user}", insurer).json]

    apis.send("widget", _saved("passes@example.com", "LA-PASSES"))
    eventually(lambda: found("passes%40example.com") == ["LA-PASSES"])
    apis.send("widget", _saved("somebody-else", "LA-PASSES"))
    eventually(lambda: found("somebody-else") == ["LA-PASSES"])
    assert found("passes%40example.com") == []


@pytest.mark.parametrize(
    "user", ["%FF", "%C3", "%ED%A0%80", "%00", pytest.param("%0D%0AX:%20y", marks=PATHS.mark), "%", "%zz", "u" * 5000]
)
def test_a_user_that_nobody_can_be_has_no_sessions(http: Client, insurer: Headers, user: str) -> None:
    answer = http.get(f"/demo-insurer/sessions/{user}", insurer)
    assert (answer.status, answer.json) == (200, [])


@pytest.mark.parametrize(
    "session_id",
    [pytest.param("a%2Fb", marks=PATHS.mark), "%FF", "%00", "%20", "a+b", "%E2%82%AC", "a" * 129, "%", "a%0A", "a@b"],
)
def test_an_id_that_no_session_can_have_is_refused(http: Client, session_id: str) -> None:
    description = "sessionId must be 1 to 128 of A-Z a-z 0-9 . _ ~ -"
    for answer in (http.get(f"/sessions/{session_id}"), http.post(f"/sessions/{session_id}")):
        assert (answer.status, answer.json) == (400, {"code": "INVALID_REQUEST", "description": description})


@pytest.mark.parametrize(
    ("sent", "session_id"), [("%61%2E%7e", "a.~"), ("..", ".."), ("a" * 128, "a" * 128), ("0", "0")]
)
def test_a_session_id_is_decoded_once(http: Client, sent: str, session_id: str) -> None:
    answer = http.post(f"/sessions/{sent}")
    assert (answer.status, answer.json["sessionId"]) == (200, session_id)
    assert http.get(f"/sessions/{session_id}").json == answer.json


def test_a_percent_encoded_path_is_the_same_path(http: Client, fleet: Headers, retailer: Headers) -> None:
    assert http.put("/%73essions/ne%77").status == 200
    assert http.get("/rws/api/%761/devices/898821671697000498%33/sessionInfo", fleet).status == 200
    assert http.get("/%61pi/admin/v%32/sessions", retailer).status == 200


def test_fields_may_be_percent_encoded_and_repeated(http: Client, fleet: Headers) -> None:
    for query in ("fields=iccid%2CipAddress", "fields=iccid&fields=ipAddress", "fields=%20iccid,+ipAddress,,"):
        assert list(http.get(f"{DEVICE}?{query}", fleet).json) == ["iccid", "ipAddress"]


def test_two_accounts_have_their_own_devices(apis: Target, http: Client, fleet: Headers) -> None:
    headers, _ = new_fleet(apis, "route-fleet")
    iccid = "8988216716970100001"
    apis.send("device", event("device.registered", accountId="route-fleet", iccid=iccid))
    target = f"/rws/api/v1/devices/{iccid}/sessionInfo"
    eventually(lambda: http.get(target, headers).status == 200)
    assert http.get(target, fleet).status == 404
