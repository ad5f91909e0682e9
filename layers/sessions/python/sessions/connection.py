"""A kept-alive HTTP/1.1 connection, for requests and answers of a few headers and a body (RFC 9112).

Python's own `http.client` does as much and more, at 20 ms of a cold start and 0.1 ms of each call:
`docs/decisions/0009-own-door.md`.
"""

import re
import select
import socket
import ssl
import time
from typing import NamedTuple

_PIECE = 16 * 1024  # bytes: a record of TLS has no more (RFC 8446, 5.1)
_LONGEST_HEAD = 64 * 1024
_INFORMATIONAL = range(100, 200)
_ABOUT_THE_BODY = re.compile(rb"\r\n(connection|content-length|transfer-encoding):([^\r\n]*)")
"""In a head in small letters."""


class Address(NamedTuple):
    """Where a server is; `tls` is None where it is spoken to in plain text."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Answer(NamedTuple):
    """`keeps`: whether the connection takes another request."""

    status: int
    body: bytes
    keeps: bool


class BrokenError(OSError):
    """The connection ended before the answer did, or what came was no answer."""


class Connection:
    """One connection. `OSError` where it cannot be made within `seconds`, or breaks; it is of no use then.

    How long it takes to look a name up is left to the system.
    """

    def __init__(self, address: Address, seconds: float) -> None:
        until = time.monotonic() + seconds
        made = _connected(address, until)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(left(until))
            tls = address.tls
            self._socket = made if tls is None else tls.wrap_socket(made, server_hostname=address.host)
        except BaseException:
            made.close()
            raise
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)

    def close(self) -> None:
        self._socket.close()

    def is_over(self) -> bool:
        """Whether the server has closed it meanwhile, as it does with one that was idle for long."""
        return bool(self._readable.poll(0))

    def send(self, request: bytes, seconds: float) -> None:
        """The whole request, head and body."""
        self._socket.settimeout(seconds)
        self._socket.sendall(request)

    def receive(self, seconds: float) -> Answer:
        """The whole answer. `TimeoutError` where it is not there after so many seconds."""
        reader = _Reader(self._socket, time.monotonic() + seconds)
        while True:
            head = reader.until(b"\r\n\r\n").lower()
            status = _status(head)
            if status not in _INFORMATIONAL:
                break
        told = _ABOUT_THE_BODY.findall(head)
        framing = [(name, value.strip()) for name, value in told if name != b"connection"]
        headers = dict(framing)
        # Which of two counts, nobody could know (RFC 9112, 6.3); nor what a value is that goes on in the next line.
        if len(headers) < len(framing) or b"\r\n " in head or b"\r\n\t" in head:
            raise BrokenError("no answer of HTTP")
        options = b",".join([value for name, value in told if name == b"connection"]).split(b",")
        keeps = head.startswith(b"http/1.1") and b"close" not in [option.strip() for option in options]
        length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
        if coding == b"chunked":
            body = _chunks(reader)
        elif coding is not None:
            raise BrokenError("a transfer coding that nobody has asked for")
        elif length:
            body = reader.exactly(_number(length, 10))
        else:
            body, keeps = reader.rest(), False
        return Answer(status, body, keeps and not reader.has_more)


def _connected(address: Address, until: float) -> socket.socket:
    """To the first of the name's addresses that takes it; each has its part of what time is left."""
    places = [place for *_, place in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)]
    while True:
        host, port, *_ = places.pop(0)
        try:
            return socket.create_connection((str(host), int(port)), left(until) / (len(places) + 1))
        except OSError:
            if not places:
                raise


def left(until: float) -> float:
    """Seconds; some at least, as none would mean not to wait, and to take that for a failure of another kind."""
    return max(0.001, until - time.monotonic())


class _Reader:
    """What comes through the socket, in the pieces that it is asked for, until the time is up."""

    def __init__(self, source: socket.socket, until: float) -> None:
        self._socket = source
        self._until = until
        self._kept = b""

    @property
    def has_more(self) -> bool:
        return bool(self._kept)

    def until(self, end: bytes) -> bytes:
        """What stands before this end, which is passed over."""
        while (place := self._kept.find(end)) < 0:
            if len(self._kept) > _LONGEST_HEAD:
                raise BrokenError("no answer of HTTP")
            self._kept += self._piece()
        found, self._kept = self._kept[:place], self._kept[place + len(end) :]
        return found

    def exactly(self, length: int) -> bytes:
        pieces, missing = [self._kept], length - len(self._kept)
        while missing > 0:
            pieces.append(self._piece())
            missing -= len(pieces[-1])
        whole = b"".join(pieces)
        self._kept = whole[length:]
        return whole[:length]

    def rest(self) -> bytes:
        pieces = [self._kept]
        self._kept = b""
        while piece := self._received():
            pieces.append(piece)
        return b"".join(pieces)

    def _piece(self) -> bytes:
        piece = self._received()
        if not piece:
            raise BrokenError("the connection was closed")
        return piece

    def _received(self) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        return self._socket.recv(_PIECE)


def _status(head: bytes) -> int:
    """Of an answer's head, in small letters."""
    version, _, rest = head.partition(b" ")
    if not version.startswith(b"http/1."):
        raise BrokenError("no answer of HTTP")
    if rest[3:4] not in (b" ", b"\r", b""):
        raise BrokenError("no answer of HTTP")
    return _number(rest[:3], 10)


def _chunks(reader: _Reader) -> bytes:
    """RFC 9112, 7.1."""
    pieces = []
    while length := _number(reader.until(b"\r\n").partition(b";")[0], 16):
        pieces.append(reader.exactly(length))
        if reader.until(b"\r\n"):
            raise BrokenError("a chunk is longer than it says")
    while reader.until(b"\r\n"):  # trailers
        pass
    return b"".join(pieces)


def _number(text: bytes, base: int) -> int:
    """Of digits alone: Python takes signs, underscores and `0x`, too."""
    digits = text.strip()
    try:
        if digits.isalnum() and not digits.startswith((b"0x", b"0X")):
            return int(digits, base)
    except ValueError:
        pass
    raise BrokenError("no answer of HTTP")
