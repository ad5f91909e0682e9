"""Answers as servers may send them, whole or in pieces, and what is no answer."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from sessions.connection import Address, BrokenError, Connection
from tests.sessions.wire import CLOSE, Server, answer, serving

REQUEST = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}"
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def connected(*pieces: bytes, pause: float = 0) -> Iterator[tuple[Connection, Server]]:
    """To a server that answers each request with these pieces."""
    with (
        serving(lambda _number: pieces, pause=pause) as server,
        closing(Connection(Address("127.0.0.1", server.port, None), 1)) as connection,
    ):
        yield connection, server


def bytewise(whole: bytes) -> list[bytes]:
    return [bytes([one]) for one in whole]


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([answer(b'{"a": 1}')], (200, b'{"a": 1}', True)),
        ([answer(b"")], (200, b"", True)),
        (bytewise(answer(b'{"a": 1}')), (200, b'{"a": 1}', True)),
        ([answer(b"no", "503 Service Unavailable")], (503, b"no", True)),
        ([answer(b"no", "503")], (503, b"no", True)),
        ([answer(b"{}", "200 OK", "Connection: a", "Connection: b")], (200, b"{}", True)),
        ([answer(b"{}", "200 OK", "Connection: a", "Connection: close")], (200, b"{}", False)),
        ([HEAD + b"CONTENT-LENGTH:2\r\n\r\n{}"], (200, b"{}", True)),
        ([answer(b"{}", "200 OK", "Connection: close")], (200, b"{}", False)),
        ([answer(b"{}", "200 OK", "Connection: keep-alive")], (200, b"{}", True)),
        ([answer(b"{}", "200 OK", "Connection: keep-alive, Close")], (200, b"{}", False)),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"], (200, b"{}", False)),
        ([answer(b"{}") + b"HTTP/1.1 200 OK"], (200, b"{}", False)),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"{}")], (200, b"{}", True)),
        ([CHUNKED + b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"], (200, b"abc0123456789abcdef", True)),
        (bytewise(CHUNKED + b"3;x=y\r\nabc\r\n0\r\nLater: header\r\n\r\n"), (200, b"abc", True)),
        ([HEAD + b"\r\n", b"to the ", b"end", CLOSE], (200, b"to the end", False)),
        ([answer(b"x" * 3_000_000)], (200, b"x" * 3_000_000, True)),
    ],
)
def test_an_answer_is_read_whole(pieces: Sequence[bytes], wanted: tuple[int, bytes, bool]) -> None:
    with connected(*pieces) as (connection, server):
        connection.send(REQUEST, 1)

        assert connection.receive(2) == wanted
        assert server.requests == [REQUEST]


@pytest.mark.parametrize(
    "pieces",
    [
        [CLOSE],
        [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE],
        [HEAD + b"Content-Length: 5\r\n\r\n{}", CLOSE],
        [CHUNKED + b"5\r\nab", CLOSE],
        [CHUNKED + b"0\r\n", CLOSE],
        [CHUNKED + b"zz\r\n"],
        [CHUNKED + b"-1\r\n"],
        [CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n"],
        [CHUNKED + b"0_2\r\nab\r\n0\r\n\r\n"],
        [CHUNKED + b"2\r\nabc\r\n0\r\n\r\n"],
        [HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"],
        [HEAD + b"Content-Length:\r\n 2\r\n\r\n{}"],
        [HEAD + b"Content-Length: +2\r\n\r\n{}"],
        [HEAD + b"Content-Length: many\r\n\r\n"],
        [HEAD + b"Content-Length: -1\r\n\r\n"],
        [HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}a"],
        [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
        [b"HTTP/1.1 two hundred\r\n\r\n"],
        [b"HTTP/1.1 2_0 OK\r\nContent-Length: 2\r\n\r\n{}"],
        [b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000],
    ],
)
def test_what_is_no_answer_is_an_error(pieces: Sequence[bytes]) -> None:
    with connected(*pieces) as (connection, _):
        connection.send(REQUEST, 1)

        with pytest.raises(BrokenError):
            connection.receive(2)


@pytest.mark.parametrize("pause", [0.0, 0.04])
def test_an_answer_has_its_time_however_it_trickles(pause: float) -> None:
    """A piece now and then does not prolong it."""
    pieces = bytewise(answer(b"x" * 100)) if pause else [HEAD]
    with connected(*pieces, pause=pause) as (connection, _):
        connection.send(REQUEST, 1)
        begun = time.monotonic()

        with pytest.raises(TimeoutError):
            connection.receive(0.3)
        assert 0.25 < time.monotonic() - begun < 1


def test_a_connection_carries_one_request_after_the_other_until_it_is_over() -> None:
    with connected(answer(b"{}")) as (connection, server):
        for _ in range(3):
            assert not connection.is_over()
            connection.send(REQUEST, 1)
            assert connection.receive(1) == (200, b"{}", True)
        assert server.connections == 1
        server.close()
        assert connection.is_over()


@contextmanager
def full() -> Iterator[tuple[str, int]]:
    """An address where nobody takes a connection, or refuses it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        place: tuple[str, int] = listening.getsockname()
        with ExitStack() as waiting:
            for _ in range(8):
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(place)
            yield place


def named(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> Address:
    """A name that has these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
    usual: Any = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: found if host == "a name" else usual(host, *_))
    return Address("a name", 1, None)


def test_the_next_of_a_names_addresses_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be it that one refuses, says nothing, or is of no kind that the system knows."""
    with serving(lambda _number: [answer(b"{}")]) as server, full() as silent:
        places = (("127.0.0.1", 1), silent, ("256.0.0.1", 1), ("127.0.0.1", server.port))
        address = named(monkeypatch, *places)
        with closing(Connection(address, 1)) as connection:
            connection.send(REQUEST, 1)
            assert connection.receive(1).status == 200


def test_a_connection_is_made_in_its_time_however_many_addresses_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with full() as place:
        address = named(monkeypatch, *[place] * 5)
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            Connection(address, 0.3)
        assert 0.25 < time.monotonic() - begun < 0.6


def test_nobody_there_is_an_error() -> None:
    with serving(lambda _number: []) as server:
        pass
    with pytest.raises(ConnectionRefusedError):
        Connection(Address("127.0.0.1", server.port, None), 1)
