"""What the functions promise of sizes: how much they take, and how a list that is too long for one answer goes on."""

from urllib.parse import urljoin

import pytest

from tests.accounts import Headers
from tests.answers import Answer, Client
from tests.events import many
from tests.platform import Target, eventually

KIB = 1024
MIB = 1024 * KIB
ANA = "/demo-insurer/sessions/ana"
DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
STORE = "/api/admin/v2/sessions"
TOO_LARGE = {"code": "REQUEST_TOO_LARGE", "description": "The body must have at most 8192 bytes"}
LONG_LIST = "/demo-insurer/sessions/many"


@pytest.mark.parametrize("target", ["/sessions/new", "/sessions/large"])
def test_a_body_of_eight_kibibytes_is_taken_and_one_byte_more_is_not(http: Client, target: str) -> None:
    method = "PUT" if target.endswith("new") else "POST"
    largest = '{"visitId": "v"}'.ljust(8 * KIB)
    taken = http.request(method, target, {}, largest)
    assert (taken.status, taken.json["visitId"]) == (200, "v")
    for body in (largest + " ", "x" * MIB, "x" * 7 * MIB, "\u20ac" * (3 * KIB)):
        refused = http.request(method, target, {}, body)
        assert (refused.status, refused.json) == (413, TOO_LARGE)


@pytest.mark.parametrize("header", ["gkc_agentId", "gkc_customerId"])
def test_a_string_of_256_characters_is_taken_and_one_more_is_not(http: Client, header: str) -> None:
    taken = http.put("/sessions/new", {header: "x" * 256})
    assert (taken.status, taken.json[header.removeprefix("gkc_")]) == (200, "x" * 256)
    refused = http.put("/sessions/new", {header: "x" * 257})
    description = f"{header} must have at most 256 characters"
    assert (refused.status, refused.json) == (400, {"code": "INVALID_REQUEST", "description": description})


def test_a_get_with_a_body_of_five_mebibytes_is_answered(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers
) -> None:
    body = b"x" * 5 * MIB
    assert http.request("GET", ANA, insurer, body).status == 200
    assert http.request("GET", DEVICE, fleet, body).status == 200
    assert http.request("GET", STORE, retailer, body).status == 200


@pytest.fixture(scope="module")
def long_list(apis: Target) -> list[str]:
    """The references of a user's sessions, newest first, that are more than 6 MB together."""
    apis.send("widget", *many())
    eventually(lambda: apis.is_idle("widget"), 60)
    return [one["data"]["session"]["reference"] for one in many()]


def test_a_list_over_six_megabytes_goes_on_behind_a_link(http: Client, insurer: Headers, long_list: list[str]) -> None:
    target: str | None = LONG_LIST
    sizes: list[int] = []
    found: list[str] = []
    while target is not None:
        answer = http.get(target, insurer)
        assert answer.status == 200
        sizes.append(len(answer.body))
        found += [session["reference"] for session in answer.json]
        target = _next(target, answer)
    assert found == long_list
    assert 5 * MIB < sizes[0] < 6 * MIB
    assert len(sizes) == 2


def test_a_damaged_link_is_refused(http: Client, insurer: Headers) -> None:
    for after in ("x", "", "%FF", "MDAw", "a" * 3000):
        answer = http.get(f"{ANA}?after={after}", insurer)
        message = "The parameter after is not one that an earlier answer gave"
        assert (answer.status, answer.json) == (400, {"message": message})


def _next(target: str, answer: Answer) -> str | None:
    """Where the answer's `Link` leads (RFC 8288), seen from where it was."""
    link = answer.headers.get("link")
    if link is None:
        return None
    address, relation = link.split(";")
    assert relation.strip() == 'rel="next"'
    return urljoin(target, address.strip("<>"))
