"""Who is let in, and how each family says no."""

import time
from base64 import b64encode
from datetime import timedelta

import pytest

from tests.accounts import Headers, basic, bearer, new_fleet, new_insurer, new_retailer, revoke
from tests.answers import Client
from tests.platform import Target, eventually

ANA = "/demo-insurer/sessions/ana"
DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
STORE = "/api/admin/v2/sessions"
UNKNOWN = {"message": "Unauthorized", "type": "E_UNAUTHORIZED", "errors": []}
UNAUTHORIZED = {"message": "Unauthorized"}
ANONYMOUS = {"errorMessage": "Full authentication is required to access this resource"}
INVALID = {"errorMessage": "Invalid credentials", "errorCode": "10000001"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "unknown"},
        {"Authorization": "Basic eDp5"},
    ],
)
def test_a_missing_or_unknown_api_key_is_refused(http: Client, headers: Headers) -> None:
    answer = http.get(ANA, headers)
    assert (answer.status, answer.json) == (401, UNAUTHORIZED)


def test_an_api_key_is_taken_whatever_the_case_of_its_header(http: Client, insurer: Headers) -> None:
    assert http.get(ANA, {"X-API-Key": insurer["x-api-key"]}).status == 200


def test_an_api_key_in_other_letters_is_refused(http: Client, insurer: Headers) -> None:
    assert http.get(ANA, {"x-api-key": insurer["x-api-key"].lower()}).status == 401


def test_a_key_opens_its_own_client_only(apis: Target, http: Client, insurer: Headers) -> None:
    headers, _ = new_insurer(apis, "other-insurer")
    own = eventually(lambda: (answer := http.get("/other-insurer/sessions/ana", headers)).status == 200 and answer)
    assert own.json == []
    for target, key in ((ANA, headers), ("/other-insurer/sessions/ana", insurer)):
        answer = http.get(target, key)
        assert (answer.status, answer.json) == (401, UNAUTHORIZED)


def test_a_client_that_does_not_exist_is_not_found(http: Client, insurer: Headers) -> None:
    for client in ("no-such-insurer", "demo-fleet", "demo-insurer%20", "DEMO-INSURER", "c" * 1000):
        answer = http.get(f"/{client}/sessions/ana", insurer)
        assert (answer.status, answer.json) == (404, {"message": "Client not found"})
    assert http.get("/no-such-insurer/sessions/ana").status == 401


def test_a_caller_without_credentials_is_told_so(http: Client) -> None:
    for headers in ({}, {"Authorization": ""}, {"x-api-key": "key"}):
        answer = http.get(DEVICE, headers)
        assert (answer.status, answer.json) == (401, ANONYMOUS)
        assert answer.headers["www-authenticate"].startswith('Basic realm="')


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !!!!",
        "Basic " + b64encode(b"demo-user").decode(),
        "Basic " + b64encode(b"demo-user:").decode(),
        "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
        "Bearer token",
        "\u00fcber",
    ],
)
def test_malformed_credentials_are_invalid(http: Client, authorization: str) -> None:
    answer = http.get(DEVICE, {"Authorization": authorization})
    assert (answer.status, answer.json) == (401, INVALID)
    assert answer.headers["www-authenticate"].startswith('Basic realm="')


def test_both_user_name_and_key_must_be_right(apis: Target, http: Client) -> None:
    known = apis.connection["device"]
    for username, api_key in (
        ("demo-user", "wrong"),
        ("demo-user", known["api_key"] + "x"),
        ("other-user", known["api_key"]),
        ("", known["api_key"]),
        ("demo-user", apis.connection["widget"]["api_key"]),
    ):
        answer = http.get(DEVICE, basic(username, api_key))
        assert (answer.status, answer.json) == (401, INVALID)


def test_the_scheme_of_basic_has_no_case(http: Client, fleet: Headers) -> None:
    encoded = fleet["Authorization"].partition(" ")[2]
    for scheme in ("basic", "BASIC", "Basic "):
        assert http.get(DEVICE, {"Authorization": f"{scheme} {encoded}"}).status == 200


def test_credentials_are_checked_before_the_version_and_the_version_before_the_iccid(
    http: Client, fleet: Headers
) -> None:
    assert http.get("/rws/api/v9/devices/unknown/sessionInfo", basic("a", "b")).status == 401
    assert http.get("/rws/api/v9/devices/unknown/sessionInfo", fleet).status == 400
    assert http.get("/rws/api/v1/devices/unknown/sessionInfo", fleet).status == 404


def test_a_device_of_another_account_is_not_found(apis: Target, http: Client) -> None:
    headers, _ = new_fleet(apis, "other-fleet")
    answer = http.get(DEVICE, headers)
    refusal = {"errorMessage": "Resource not found - Invalid ICCID", "errorCode": "20000001"}
    assert (answer.status, answer.json) == (404, refusal)


def test_a_caller_from_outside_the_allowed_ranges_is_refused(apis: Target) -> None:
    headers, _ = new_fleet(apis, "ranged-fleet", "192.0.2.0/24", "2001:db8::/32", "127.0.0.2/31")
    for address, status in (("127.0.0.2", 404), ("127.0.0.1", 401), ("127.0.0.3", 404), ("127.0.0.4", 401)) * 2:
        with Client(apis.base_url, address=address, paths=apis.paths) as http:
            answer = http.get(DEVICE, headers)
            assert answer.status == status, address
            assert status == 404 or answer.json == INVALID


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_an_address_that_a_caller_claims_is_not_believed(apis: Target, http: Client, header: str) -> None:
    headers, _ = new_fleet(apis, f"claiming-fleet-{header}", "192.0.2.7/32")
    answer = http.get(DEVICE, headers | {header: "for=192.0.2.7" if header == "Forwarded" else "192.0.2.7"})
    assert (answer.status, answer.json) == (401, INVALID)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Bearer \u00fcber"},
        {"x-api-key": "unknown"},
        basic("demo-retailer", "unknown"),
    ],
)
def test_a_missing_or_unknown_token_is_refused(http: Client, headers: Headers) -> None:
    answer = http.get(STORE, headers)
    assert (answer.status, answer.json) == (401, UNKNOWN)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_opens_the_api_only_as_a_bearer_token(apis: Target, http: Client, retailer: Headers) -> None:
    token = apis.connection["store"]["token"]
    for headers in ({"Authorization": token}, basic(token, ""), basic("demo-retailer", token), {"x-api-key": token}):
        answer = http.get(STORE, headers)
        assert (answer.status, answer.json) == (401, UNKNOWN)
    for other in (apis.connection["widget"]["api_key"], apis.connection["device"]["api_key"]):
        assert http.get(STORE, bearer(other)).json == UNKNOWN
    for scheme in ("bearer", "BEARER"):
        assert http.get(STORE, {"Authorization": f"{scheme} {token}"}).json == http.get(STORE, retailer).json
    assert http.get(f"{STORE}?access_token={token}").json == UNKNOWN


def test_a_revoked_or_expired_token_is_refused(apis: Target, http: Client) -> None:
    revoked, credential = new_retailer(apis, "revoked-retailer")
    expired, _ = new_retailer(apis, "expired-retailer", lives=timedelta(milliseconds=200))
    revoke(apis, credential)
    time.sleep(0.3)
    for headers in (revoked, expired):
        answer = http.get(STORE, headers)
        assert (answer.status, answer.json) == (401, UNKNOWN)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_is_checked_before_the_parameters(http: Client, retailer: Headers) -> None:
    assert http.get(f"{STORE}?count=x").status == 401
    assert http.get(f"{STORE}?count=x", retailer).status == 422


def test_the_gateway_remembers_who_was_let_in(apis: Target, http: Client) -> None:
    """For 60 seconds, as the contracts' authorizers say; `test_settings.py` sees the time pass."""
    headers, credential = new_fleet(apis, "remembered-fleet")
    never_seen, revoked = new_fleet(apis, "revoked-fleet")
    assert http.get(DEVICE, headers).status == 404
    revoke(apis, credential)
    revoke(apis, revoked)
    assert http.get(DEVICE, headers).status == 404
    assert http.get(DEVICE, never_seen).status == 401
