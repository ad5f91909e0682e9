"""How much a request and an answer may hold, and how many requests there may be at once."""

import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.accounts import Headers
from tests.answers import Answer, Client
from tests.platform import Platform, event, eventually

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


@pytest.mark.parametrize("size", [7 * MIB, 10 * MIB + 1])
def test_what_a_function_cannot_take_is_refused_in_each_dialect(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers, size: int
) -> None:
    body = b"x" * size
    widget = http.request("GET", ANA, insurer, body)
    assert (widget.status, widget.json) == (413, {"message": "Request too large"})
    device = http.request("GET", DEVICE, fleet, body)
    assert (device.status, device.json) == (413, {"errorMessage": "Request too large", "errorCode": "10000413"})
    store = http.request("GET", STORE, retailer, body)
    refused = {"message": "Request too large", "type": "E_REQUEST_TOO_LARGE", "errors": []}
    assert (store.status, store.json) == (413, refused)
    knowledge = http.put("/sessions/new", {}, body)
    assert (knowledge.status, knowledge.json) == (413, TOO_LARGE)
    assert http.get("/nowhere", {}).status == 404


def test_a_get_with_a_body_of_five_mebibytes_is_answered(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers
) -> None:
    body = b"x" * 5 * MIB
    assert http.request("GET", ANA, insurer, body).status == 200
    assert http.request("GET", DEVICE, fleet, body).status == 200
    assert http.request("GET", STORE, retailer, body).status == 200


def test_a_body_without_a_declared_length_has_the_same_limit(http: Client) -> None:
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for pieces in (2, 161):
        answer = http.post("/sessions/large", {"Transfer-Encoding": "chunked"}, piece * pieces + b"0\r\n\r\n")
        assert (answer.status, answer.json) == (413, TOO_LARGE)


@pytest.fixture(scope="module")
def long_list(platform: Platform) -> list[str]:
    """The references of a user's sessions, newest first, that are more than 6 MB together."""
    now = datetime(2026, 5, 6, tzinfo=UTC)
    references = [f"LA-MANY{number:06d}" for number in range(30)]
    text = "\u20ac" + "x" * 225_000
    policy = {
        "number": "1",
        "provider": text,
        "holder": {"firstName": "", "lastName": "", "id": "", "phone": "", "email": ""},
        "validFrom": "2026-01-01",
        "validTo": "2026-12-31",
        "linkedContacts": [],
        "vehicle": {"licensePlate": "P"},
    }
    for number, reference in enumerate(references):
        moment = (now - timedelta(minutes=number)).isoformat()
        session: dict[str, Any] = {"reference": reference, "date": moment, "status": "submitted", "createdAt": moment}
        session |= {"camsReference": None, "selectedPolicy": policy}
        saved = event("widget.session.saved", clientId="demo-insurer", userId="many", session=session)
        platform.send("widget", saved)
    waiting = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_recorded() -> bool:
        counts: Any = platform.sqs.get_queue_attributes(
            QueueUrl=platform.connection["widget"]["queue_url"],
            AttributeNames=waiting,  # type: ignore[arg-type]
        )["Attributes"]
        return not any(int(count) for count in counts.values())

    assert eventually(is_recorded, 30)
    return references


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


def test_a_long_answer_holds_nobody_else_up(
    platform: Platform, http: Client, insurer: Headers, long_list: list[str]
) -> None:
    http.post("/sessions/quick")
    with ThreadPoolExecutor(1) as pool, Client(platform.base_url) as other:
        slow = pool.submit(other.get, LONG_LIST, insurer)
        answered = 0
        while not slow.done():
            assert http.get("/sessions/quick").status == 200
            answered += 1
        assert slow.result().status == 200
    assert answered > 2


def test_a_slow_sender_holds_nobody_else_up(platform: Platform, http: Client) -> None:
    body = b'{"visitId": "slow"}'
    with socket.create_connection(("127.0.0.1", platform.port), timeout=10) as slow:
        slow.sendall(b"POST /sessions/slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        slow.sendall(body[:5])
        for _ in range(50):
            assert http.get("/sessions/slow").status == 404
        slow.sendall(body[5:])
        assert slow.recv(15) == b"HTTP/1.1 200 OK"
    assert http.get("/sessions/slow").json["visitId"] == "slow"


def test_many_callers_are_answered_at_once(
    platform: Platform, insurer: Headers, fleet: Headers, retailer: Headers
) -> None:
    def call(number: int) -> list[int]:
        with Client(platform.base_url) as http:
            mine = f"/sessions/caller-{number}"
            started = http.post(mine, {"gkc_customerId": f"customer-{number}"})
            for _ in range(3):
                assert http.get(mine).json == started.json
            assert len(http.get(ANA, insurer).json) == 2
            assert http.get(DEVICE, fleet).json["iccid"] == "8988216716970004983"
            if number % 4 == 0:
                assert len(http.get(f"{STORE}?storeId=11&count=5", retailer).json["data"]) == 5
            return [started.status]

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(call, range(48))) == [[200]] * 48


def test_members_that_callers_set_at_once_are_all_kept(platform: Platform) -> None:
    def set_one(member: str) -> int:
        with Client(platform.base_url) as http:
            return http.post("/sessions/shared-by-four", {}, member).status

    members = ['{"visitId": "v"}', '{"globalVisitId": "g"}'] * 4
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(set_one, members)) == {200}
    with Client(platform.base_url) as http:
        found = http.get("/sessions/shared-by-four").json
    assert (found["visitId"], found["globalVisitId"]) == ("v", "g")


def test_one_connection_carries_many_requests_without_delay(http: Client, fleet: Headers, insurer: Headers) -> None:
    """An answer in two pieces would wait 40 ms for the acknowledgement of the first."""
    http.post("/sessions/kept-alive")
    for target, headers in (("/sessions/kept-alive", {}), (DEVICE, fleet), (ANA, insurer), ("/nowhere", {})):
        assert min(_median(http, target, headers) for _ in range(3)) < 0.03, target
    assert http.connections == 1


def _median(http: Client, target: str, headers: Headers) -> float:
    """Seconds that half of some requests need at most."""
    times = []
    for _ in range(20):
        started = time.perf_counter()
        http.get(target, headers)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _next(target: str, answer: Answer) -> str | None:
    """Where the answer's `Link` leads (RFC 8288), seen from where it was."""
    link = answer.headers.get("link")
    if link is None:
        return None
    address, relation = link.split(";")
    assert relation.strip() == 'rel="next"'
    return urljoin(target, address.strip("<>"))
