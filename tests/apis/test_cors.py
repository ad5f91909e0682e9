"""Pages of other origins call the knowledge API from browsers; the other families' APIs are not for browsers."""

import pytest

from tests.accounts import Headers
from tests.answers import Client

ORIGIN = {"Origin": "https://help.example"}
PREFLIGHT = ORIGIN | {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,gkc_agentid",
}
ALLOWED = "access-control-allow-origin"


@pytest.mark.parametrize(
    ("target", "methods"),
    [("/sessions/new", {"PUT"}), ("/sessions/visitor", {"GET", "POST"}), ("/sessions/%FF", {"GET", "POST"})],
)
def test_a_browser_may_ask_before_it_calls(http: Client, target: str, methods: set[str]) -> None:
    answer = http.request("OPTIONS", target, PREFLIGHT)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers[ALLOWED] == "*"
    assert set(answer.headers["access-control-allow-methods"].split(",")) == methods
    assert answer.headers["access-control-allow-headers"] == "*"
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_needs_no_headers(http: Client) -> None:
    assert http.request("OPTIONS", "/sessions/new").status == 204


def test_a_browser_may_read_every_answer_of_a_function(http: Client) -> None:
    answers = [
        http.put("/sessions/new", ORIGIN),
        http.post("/sessions/shared", ORIGIN),
        http.get("/sessions/shared", ORIGIN),
        http.get("/sessions/never-seen", ORIGIN),
        http.post("/sessions/shared", ORIGIN, "[]"),
        http.post("/sessions/shared", ORIGIN, "x" * 9000),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 404, 400, 413]
    assert [answer.headers.get(ALLOWED) for answer in answers] == ["*"] * len(answers)


def test_a_browser_may_read_every_answer_of_the_gateway(http: Client) -> None:
    answers = [
        http.post("/sessions/shared", ORIGIN, b"x" * (10 * 1024 * 1024 + 1)),
        http.request("DELETE", "/sessions/shared", ORIGIN),
        http.get("/sessions", ORIGIN),
        http.request("OPTIONS", "/sessions/a/b/c", PREFLIGHT),
    ]
    assert [answer.status for answer in answers] == [413, 404, 404, 404]
    assert [answer.headers.get(ALLOWED) for answer in answers] == ["*"] * len(answers)


def test_the_other_families_do_not_answer_browsers(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers
) -> None:
    for target, headers in (
        ("/demo-insurer/sessions/ana", insurer),
        ("/rws/api/v1/devices/8988216716970004983/sessionInfo", fleet),
        ("/api/admin/v2/sessions", retailer),
    ):
        assert http.request("OPTIONS", target, PREFLIGHT).status == 404
        answer = http.get(target, headers | ORIGIN)
        assert answer.status == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")]
