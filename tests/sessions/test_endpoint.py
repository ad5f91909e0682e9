"""When a call is tried again and when not, how long that may take, and where calls go."""

import gc
import json
import random
import ssl
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.families import ROOT
from sessions import endpoint, settings
from sessions.connection import Connection
from sessions.endpoint import CallError, Endpoint, FailedError, ThrottledError, UnreachableError
from sessions.signature import Credentials, Signer
from tests import certificates
from tests.sessions.wire import CLOSE, Script, Server, answer, refusal, serving

FAILURE = refusal("InternalServerError", "500 Internal Server Error")
THROTTLING = refusal("ProvisionedThroughputExceededException")
DONE = answer(b'{"Item": {"a": {"S": "x"}}}')
FOUND = {"Item": {"a": {"S": "x"}}}

Start = Callable[[Script], tuple[Endpoint, Server]]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and endpoints that speak to them."""
    servers: list[Server] = []
    endpoints: list[Endpoint] = []

    def started(script: Script) -> tuple[Endpoint, Server]:
        servers.append(Server(script))
        endpoints.append(Endpoint(f"http://127.0.0.1:{servers[-1].port}", "eu-west-1"))
        return endpoints[-1], servers[-1]

    yield started
    for asked in endpoints:
        asked.close()
    for server in servers:
        server.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """The bounds between which each pause is drawn. None is made."""
    drawn: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        drawn.append((least, most))
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    return drawn


def then(*answers: bytes) -> Script:
    """One after the other; the last one from then on."""
    return lambda number: [answers[min(number, len(answers) - 1)]]


@pytest.mark.parametrize("may_repeat", [True, False])
def test_a_call_is_one_signed_request_over_one_kept_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch, may_repeat: bool
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-1")
    asked, server = start(then(DONE))
    for _ in range(3):
        assert asked.send("GetItem", {"Key": {"a": {"B": b"\x00\xff"}}, "x": "ü"}, may_repeat=may_repeat)() == FOUND

    assert server.connections == 1
    assert len(server.requests) == 3
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST / HTTP/1.1"
    assert json.loads(body) == {"Key": {"a": {"B": "AP8="}}, "x": "ü"}
    assert headers.pop("authorization").startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert headers.pop("x-amz-date")
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.GetItem",
        "x-amz-security-token": "token-1",
        "content-length": str(len(body)),
    }


def test_credentials_that_change_sign_from_then_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, server = start(then(DONE))
    monkeypatch.setattr(time, "time", lambda: 1_440_938_160.0)
    used = [("first", "a", "t1"), ("second", "a", "t1"), ("second", "b", "t1"), ("second", "b", "t2")]
    for credentials in used:
        for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), credentials, strict=True):
            monkeypatch.setenv(f"AWS_{name}", value)
        asked.send("GetItem", {}, may_repeat=True)()

    for (key_id, secret, token), request in zip(used, server.requests, strict=True):
        head = request.partition(b"\r\n\r\n")[0].decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        signed = {name: headers[name] for name in ("host", "content-type", "x-amz-target")}
        signer = Signer(signed, Credentials(key_id, secret, token), region="eu-west-1", service="dynamodb")
        assert headers["x-amz-security-token"] == token
        assert headers["authorization"] == signer.signed(b"{}", at=time.time()).authorization


def test_what_is_refused_is_told_in_dynamodbs_words_and_not_tried_again(start: Start) -> None:
    asked, server = start(then(refusal("ValidationException", message="One or more")))

    with pytest.raises(CallError) as refused:
        asked.send("Query", {}, may_repeat=True)()

    assert type(refused.value) is CallError
    assert (refused.value.operation, refused.value.code, refused.value.message) == (
        "Query",
        "ValidationException",
        "One or more",
    )
    assert str(refused.value) == "Query: ValidationException: One or more"
    assert len(server.requests) == 1


@pytest.mark.parametrize("may_repeat", [True, False])
def test_what_was_throttled_is_tried_again_for_nothing_was_done(
    start: Start, pauses: list[tuple[float, float]], may_repeat: bool
) -> None:
    asked, server = start(then(*[THROTTLING] * 7, DONE))

    assert asked.send("PutItem", {}, may_repeat=may_repeat)() == FOUND
    assert len(server.requests) == 8
    assert pauses == [(0, most) for most in (0.025, 0.05, 0.1, 0.2, 0.4, 0.4, 0.4)]


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "ThrottlingException", "ThrottledException"])
def test_throttling_has_several_names(start: Start, code: str) -> None:
    asked, _ = start(then(refusal(code), DONE))

    assert asked.send("GetItem", {}, may_repeat=True)() == FOUND


@pytest.mark.parametrize(
    "failure", [FAILURE, answer(b"<html>", "502 Bad Gateway"), answer(b"<html>"), answer(b"[]"), CLOSE]
)
def test_what_failed_is_tried_again_only_where_it_does_no_harm(start: Start, failure: bytes) -> None:
    asked, server = start(then(failure, DONE))
    assert asked.send("GetItem", {}, may_repeat=True)() == FOUND
    assert len(server.requests) == 2

    asked, server = start(then(failure, DONE))
    with pytest.raises(FailedError):
        asked.send("PutItem", {}, may_repeat=False)()
    assert len(server.requests) == 1


@pytest.mark.parametrize("may_repeat", [True, False])
def test_a_connection_that_was_closed_while_it_was_idle_is_replaced(start: Start, may_repeat: bool) -> None:
    asked, server = start(lambda _number: [DONE, CLOSE])

    for _ in range(4):
        assert asked.send("PutItem", {}, may_repeat=may_repeat)() == FOUND
        time.sleep(0.05)
    assert server.connections == 4


@pytest.mark.parametrize(("answers", "kind"), [(THROTTLING, ThrottledError), (FAILURE, FailedError)])
def test_a_call_is_given_up_after_three_seconds(start: Start, answers: bytes, kind: type[CallError]) -> None:
    asked, server = start(then(answers))
    begun = time.monotonic()

    with pytest.raises(kind):
        asked.send("GetItem", {}, may_repeat=True)()

    assert 2.5 < time.monotonic() - begun < 3.3
    assert 8 < len(server.requests) < 60


@pytest.mark.parametrize("may_repeat", [True, False])
def test_an_answer_that_does_not_come_is_waited_for_for_two_seconds(start: Start, may_repeat: bool) -> None:
    asked, server = start(lambda _number: [])
    begun = time.monotonic()

    with pytest.raises(UnreachableError, match="GetItem: TimeoutError"):
        asked.send("GetItem", {}, may_repeat=may_repeat)()

    took = time.monotonic() - begun
    assert (2.9 < took < 3.3) if may_repeat else (1.9 < took < 2.3)
    assert len(server.requests) == (2 if may_repeat else 1)


def test_what_was_not_answered_is_tried_again_on_a_new_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that stood idle may all have died, and nobody has said so."""
    monkeypatch.setattr(endpoint, "_READ", 0.2)
    asked, server = start(lambda number: [] if number == 3 else [DONE])
    for wait in [asked.send("GetItem", {}, may_repeat=True) for _ in range(3)]:
        wait()
    assert server.connections == 3
    dead = [*asked._idle]

    assert asked.send("GetItem", {}, may_repeat=True)() == FOUND
    assert len(server.requests) == 5
    assert server.connections == 4
    assert not [one for one in asked._idle if one in dead]


def test_all_that_were_not_answered_are_tried_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "DEADLINE", 0.9)
    monkeypatch.setattr(endpoint, "_READ", 0.4)
    asked, server = start(lambda number: [] if 6 <= number < 12 else [DONE])
    for _ in range(2):
        waiting = [asked.send("GetItem", {}, may_repeat=True) for _ in range(6)]
        begun = time.monotonic()
        assert [wait() for wait in waiting] == [FOUND] * 6
    assert time.monotonic() - begun < 0.9
    assert len(server.requests) == 18


def test_what_came_in_time_is_read_however_late(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "DEADLINE", 0.2)
    asked, _ = start(then(answer(json.dumps(FOUND | {"x": "y" * 1_000_000}).encode())))
    wait = asked.send("GetItem", {}, may_repeat=True)
    time.sleep(0.3)

    assert wait()["Item"] == FOUND["Item"]


def test_calls_have_ended_when_the_time_of_all_is_up(start: Start) -> None:
    asked, _ = start(then(THROTTLING))
    begun = time.monotonic()
    with endpoint.within(0.5), endpoint.within(60):
        for _ in range(5):
            with pytest.raises(CallError):
                asked.send("GetItem", {}, may_repeat=True)()
    assert time.monotonic() - begun < 0.8

    begun = time.monotonic()
    with pytest.raises(ThrottledError):
        asked.send("GetItem", {}, may_repeat=True)()
    assert time.monotonic() - begun > 2


@pytest.mark.parametrize("answers", [THROTTLING, CLOSE, refusal("ValidationException")])
def test_a_call_that_fails_leaves_none_of_those_open_that_nobody_waits_for_any_more(
    start: Start, monkeypatch: pytest.MonkeyPatch, answers: bytes
) -> None:
    made: list[weakref.ref[Connection]] = []

    def connected(address: Any, seconds: float) -> Connection:
        one = Connection(address, seconds)
        made.append(weakref.ref(one))
        return one

    monkeypatch.setattr(endpoint, "Connection", connected)
    asked, server = start(lambda number: [answers] if b".Query" in server.requests[number] else [])
    failed = False
    gc.disable()
    try:
        waiting = [asked.send("GetItem", {}, may_repeat=True) for _ in range(4)]
        with endpoint.within(0):
            waiting.append(asked.send("GetItem", {}, may_repeat=True))  # it fails, and nobody waits to hear of it
        with endpoint.within(0.2):
            waiting.append(asked.send("Query", {}, may_repeat=True))
        waiting[-1]()
    except CallError:
        failed = True
    finally:
        del waiting
        left = [one() for one in made if one() is not None]
        gc.enable()

    assert failed
    assert len(made) >= 5
    assert left == [*asked._idle]


def test_a_write_that_nobody_took_is_tried_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, server = start(then(DONE))
    make, refused = Connection, [1, 1]

    def made(address: Any, seconds: float) -> Any:
        assert seconds <= 1
        if refused:
            refused.pop()
            raise ConnectionRefusedError(111, "refused")
        return make(address, seconds)

    monkeypatch.setattr(endpoint, "Connection", made)

    assert asked.send("PutItem", {}, may_repeat=False)() == FOUND
    assert len(server.requests) == 1


def test_nobody_there_is_said() -> None:
    with serving(then(DONE)) as server:
        pass
    with pytest.raises(UnreachableError, match=r"PutItem: ConnectionRefusedError: .*refused"):
        Endpoint(f"http://127.0.0.1:{server.port}", "eu-west-1").send("PutItem", {}, may_repeat=False)()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, "dynamodb.eu-west-1.amazonaws.com:443"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-2"}, "dynamodb.us-east-2.amazonaws.com:443"),
        ({"AWS_REGION": "cn-north-1"}, "dynamodb.cn-north-1.amazonaws.com.cn:443"),
        ({"AWS_ENDPOINT_URL": "http://all:1"}, "all:1"),
        ({"AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://one:2/"}, "one:2"),
        (
            {"AWS_ENDPOINT_URL_DYNAMODB": "http://one:2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "dynamodb.eu-west-1.amazonaws.com:443",
        ),
    ],
)
def test_calls_go_where_the_standard_settings_say(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(endpoint, "_endpoints", {})

    host, port, _ = endpoint._endpoint()._address

    assert f"{host}:{port}" == wanted


def test_calls_go_where_they_went_once_that_is_settled(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    _, server = start(then(DONE))
    for module, name in ((endpoint, "_settled"), (settings, "_variables")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.port}")
    endpoint.settle()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")

    assert endpoint.send("GetItem", {}, may_repeat=False)() == FOUND
    endpoint.close()


@pytest.mark.parametrize(
    ("url", "host", "address"),
    [
        (None, "dynamodb.eu-west-1.amazonaws.com", ("dynamodb.eu-west-1.amazonaws.com", 443)),
        ("https://engine", "engine", ("engine", 443)),
        ("HTTPS://engine/?x=1", "engine", ("engine", 443)),
        ("http://engine", "engine", ("engine", 80)),
        ("http://engine/", "engine", ("engine", 80)),
        ("http://engine:8000/", "engine:8000", ("engine", 8000)),
        ("http://[::1]:8000", "[::1]:8000", ("::1", 8000)),
        ("http://[::1]", "[::1]", ("::1", 80)),
    ],
)
def test_an_address_may_name_a_port(url: str | None, host: str, address: tuple[str, int]) -> None:
    asked = Endpoint(url, "eu-west-1")

    assert asked._host == host
    assert asked._address[:2] == address
    assert (asked._address.tls is None) == (address[1] != 443)


def test_tls_speaks_to_whom_it_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificates.make(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serving(lambda number: [DONE, CLOSE] if number == 1 else [DONE], tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        stranger = Endpoint(url, "eu-west-1")
        with pytest.raises(UnreachableError, match="SSLCertVerificationError"):
            stranger.send("GetItem", {}, may_repeat=False)()
        assert server.requests == []

        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        asked = Endpoint(url, "eu-west-1")
        made = server.connections
        for _ in range(3):
            assert asked.send("GetItem", {}, may_repeat=False)() == FOUND
            time.sleep(0.05)
        assert server.connections == made + 2, "the second answer was the connection's last"
        asked.close()


def test_a_function_reads_whom_it_trusts_while_it_starts() -> None:
    program = "from sessions import endpoint; print(*endpoint._endpoints)"
    for more, wanted in (({}, ""), ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, "(None, 'x')")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(ROOT / "layers" / "sessions" / "python"), "AWS_REGION": "x"} | more,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == wanted
