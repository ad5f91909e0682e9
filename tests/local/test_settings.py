"""Platforms with other settings in their environment, beside the one of all other tests."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from infra.families import ROOT
from tests.accounts import Headers, basic, bearer, new_fleet, new_insurer, new_retailer, revoke
from tests.answers import Answer, Client
from tests.platform import Platform, eventually, free_port, is_free

DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
ANA = "/demo-insurer/sessions/ana"
STORE = "/api/admin/v2/sessions"
ALLOWED = "access-control-allow-origin"
INVALID = {"errorMessage": "Invalid credentials", "errorCode": "10000001"}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(
        tmp_path_factory.mktemp("other"),
        AUTHORIZER_CACHE_SECONDS="1",
        KNOWLEDGE_SESSION_SECONDS="2",
        KNOWLEDGE_RESPONSE_WRAPPED="true",
        KNOWLEDGE_ALLOWED_ORIGINS="https://a.example,https://b.example",
        STORE_SHARDS="3",
    ) as running:
        yield running
    assert running.err == ""


@pytest.fixture
def http(other: Platform) -> Iterator[Client]:
    with Client(other.base_url) as client:
        yield client


@pytest.fixture(scope="module")
def throttled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    settings = {"RATE_LIMIT": "0.5", "KNOWLEDGE_ALLOWED_ORIGINS": "https://a.example"}
    with Platform(tmp_path_factory.mktemp("throttled"), **settings) as running:
        yield running
    assert running.err == ""


def test_two_platforms_run_side_by_side(platform: Platform, other: Platform, http: Client) -> None:
    assert platform.connection["base_url"] != other.connection["base_url"]
    with Client(platform.base_url) as first:
        first.post("/sessions/side-by-side")
        assert http.get("/sessions/side-by-side").status == 404
        for client, own, foreign in ((first, platform, other), (http, other, platform)):
            for running, status in ((own, 200), (foreign, 401)):
                known = running.connection
                assert client.get(ANA, {"x-api-key": known["widget"]["api_key"]}).status == status
                login = basic(known["device"]["username"], known["device"]["api_key"])
                assert client.get(DEVICE, login).status == status
                assert client.get(STORE, bearer(known["store"]["token"])).status == status


def test_sessions_come_wrapped_where_that_is_set(http: Client) -> None:
    created = http.put("/sessions/new", {"gkc_customerId": "c"})
    assert (created.status, list(created.json)) == (200, ["response"])
    session = created.json["response"]
    assert session["customerId"] == "c"
    assert http.get(f"/sessions/{session['sessionId']}").json == {"response": session}
    assert list(http.post(f"/sessions/{session['sessionId']}").json) == ["response"]
    assert list(http.get("/sessions/unknown").json) == ["code", "description"]


def test_a_session_is_over_after_its_time(http: Client) -> None:
    session = http.post("/sessions/short", {"gkc_customerId": "c"}).json["response"]
    lifetime = datetime.fromisoformat(session["expiresAt"]) - datetime.fromisoformat(session["updatedAt"])
    assert lifetime == timedelta(seconds=2)
    over = eventually(lambda: (answer := http.get("/sessions/short")).status == 404 and answer)
    assert over.json == {"code": "SESSION_NOT_FOUND", "description": "Session not found"}
    anew = http.post("/sessions/short", {"gkc_agentId": "a"}).json["response"]
    assert anew["createdAt"] >= session["expiresAt"]
    assert (anew["customerId"], anew["agentId"]) == (None, "a")


def test_sessions_that_are_spread_over_shards_come_in_order(other: Platform, http: Client) -> None:
    token = bearer(other.connection["store"]["token"])
    found = http.get(f"{STORE}?count=200&minCreatedAt=2025-06-12T00:00:00Z", token).json["data"]
    assert [one["id"] for one in found] == [str(number) for number in range(5600 - len(found) + 1, 5601)]
    assert len(found) > 100


def test_pages_of_the_origins_that_are_set_may_call(http: Client) -> None:
    for origin in ("https://a.example", "https://b.example"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        for answer in (
            http.request("OPTIONS", "/sessions/new", headers),
            http.put("/sessions/new", headers),
            http.get("/sessions/unknown", headers),
            http.post("/sessions/a%20b", headers),
        ):
            assert answer.headers[ALLOWED] == origin
            assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://c.example", "https://a.example.evil", "null", "", "*"])
def test_pages_of_other_origins_may_not(http: Client, origin: str) -> None:
    for method, target in (("OPTIONS", "/sessions/new"), ("PUT", "/sessions/new"), ("GET", "/sessions/unknown")):
        answer = http.request(method, target, {"Origin": origin})
        assert ALLOWED not in answer.headers
        assert answer.headers["vary"] == "Origin"


def test_a_revoked_credential_is_refused_once_the_cache_time_has_passed(other: Platform, http: Client) -> None:
    headers, credential = new_fleet(other, "revoked-fleet")
    assert http.get(DEVICE, headers).status == 404
    revoke(other, credential)
    refused = eventually(lambda: (answer := http.get(DEVICE, headers)).status == 401 and answer, 3)
    assert refused.json == INVALID

    token, credential = new_retailer(other, "revoked-retailer")
    assert http.get(STORE, token).status == 200
    revoke(other, credential)
    unknown = eventually(lambda: (answer := http.get(STORE, token)).status == 401 and answer, 3)
    assert unknown.json == {"message": "Unauthorized", "type": "E_UNAUTHORIZED", "errors": []}

    key, credential = new_insurer(other, "revoked-insurer")
    eventually(lambda: http.get("/revoked-insurer/sessions/ana", key).status == 200, 3)
    revoke(other, credential)
    denied = eventually(lambda: (answer := http.get("/revoked-insurer/sessions/ana", key)).status == 401 and answer, 3)
    assert denied.json == {"message": "Unauthorized"}


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        (ANA, {"message": "Too many requests"}),
        (STORE, {"message": "Too many requests", "type": "E_TOO_MANY_REQUESTS", "errors": []}),
        (DEVICE, {"errorMessage": "Rate limit exceeded", "errorCode": "40000029"}),
        ("/sessions/limited", {"code": "TOO_MANY_REQUESTS", "description": "Too many requests"}),
    ],
)
def test_more_requests_than_the_rate_are_refused_for_a_while(
    throttled: Platform, target: str, refusal: dict[str, str]
) -> None:
    known = throttled.connection
    headers: Headers = {"x-api-key": known["widget"]["api_key"]}
    login = basic(known["device"]["username"], known["device"]["api_key"])
    headers |= bearer(known["store"]["token"]) if target == STORE else login
    with Client(throttled.base_url) as http:

        def call() -> Answer:
            return http.get(target, headers)

        admitted = (200, 404)
        eventually(lambda: call().status in admitted)
        answer = call()
        assert (answer.status, answer.json) == (429, refusal)
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers.get(ALLOWED) == ("https://a.example" if target == "/sessions/limited" else None)
        eventually(lambda: call().status in admitted)


def test_anonymous_callers_count_towards_the_rate(throttled: Platform) -> None:
    with Client(throttled.base_url) as http:
        eventually(lambda: http.get(DEVICE).status == 401)
        assert http.get(DEVICE).status == 429


def test_another_engine_can_take_the_place_of_the_embedded_aws(tmp_path: Path) -> None:
    port = free_port()
    engine = subprocess.Popen(
        [sys.executable, "-m", "infra.local.aws_server", str(port)], cwd=ROOT, stdin=subprocess.PIPE
    )
    url = f"http://127.0.0.1:{port}"
    settings = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    try:
        eventually(lambda: not is_free(port), 20)
        with Platform(tmp_path, AWS_DEFAULT_REGION="eu-central-1", **settings) as running:
            assert running.connection["aws_endpoint_url"] == url
            assert running.connection["region"] == "eu-central-1"
            assert is_free(running.aws_port)
            with Client(running.base_url) as http:
                key = {"x-api-key": running.connection["widget"]["api_key"]}
                assert len(http.get(ANA, key).json) == 2
        assert running.err == ""
        assert not is_free(port)

        again = Platform(tmp_path / "again", AWS_DEFAULT_REGION="eu-central-1", **settings)
        with again, Client(again.base_url) as http:
            new = {"x-api-key": again.connection["widget"]["api_key"]}
            assert len(http.get(ANA, new).json) == 2, "what the engine has kept is there, and the same"
            assert http.get(ANA, key).status == 401, "an earlier start's credential is not"
        assert again.err == ""
    finally:
        engine.communicate(timeout=20)
