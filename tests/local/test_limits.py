"""How much a request and an answer may hold, and how many requests there may be at once."""

import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.accounts import Headers
from tests.answers import Client
from tests.events import many
from tests.platform import Platform, eventually

KIB = 1024
MIB = 1024 * KIB
ANA = "/demo-insurer/sessions/ana"
DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
STORE = "/api/admin/v2/sessions"
TOO_LARGE = {"code": "REQUEST_TOO_LARGE", "description": "The body must have at most 8192 bytes"}
LONG_LIST = "/demo-insurer/sessions/many"


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


def test_a_body_without_a_declared_length_has_the_same_limit(http: Client) -> None:
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for pieces in (2, 161):
        answer = http.post("/sessions/large", {"Transfer-Encoding": "chunked"}, piece * pieces + b"0\r\n\r\n")
        assert (answer.status, answer.json) == (413, TOO_LARGE)


def test_a_long_answer_holds_nobody_else_up(platform: Platform, http: Client, insurer: Headers) -> None:
    platform.send("widget", *many())
    eventually(lambda: platform.is_idle("widget"), 30)
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
