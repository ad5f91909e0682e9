"""DynamoDB's address, spoken to in its own protocol: JSON in signed requests, over connections that are kept.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html

A call is tried again as long as there is time and it can do no harm: what was throttled was not done; what failed, or
was not answered, may have been, so a write is repeated only if its caller says that it may be. The standard settings
are honoured: `AWS_REGION` or `AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, `AWS_CA_BUNDLE`.
"""

import base64
import os
import random
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NamedTuple

import orjson

from sessions import settings
from sessions.connection import Address, Connection, left
from sessions.signature import Credentials, Signer

DEADLINE = 3.0
"""Seconds that a call may take, its repetitions included: an endpoint's time-out leaves room for an answer then."""

_CONNECT, _READ = 1.0, 2.0  # seconds, of one attempt
_AT_HAND = 0.05  # seconds, to read what came while others were waited for
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.025, 0.4  # seconds, at most
_OK = 200
_IDLE_CONNECTIONS = 64  # as many as requests that the local platform answers at once

_THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottledException"}
)
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""


_ends: ContextVar[float] = ContextVar("ends", default=float("inf"))
"""When calls must have ended, whatever they may take by themselves; by the clock that only goes forward."""

_endpoints: "dict[tuple[str | None, str], Endpoint]" = {}
"""By their given addresses, if any, and regions: those that this process has asked."""


class CallError(Exception):
    """DynamoDB did not do it; why, in its own words. `code` is its name for that, such as `ValidationException`."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class ThrottledError(CallError):
    """There was too much to do: nothing is wrong with the call, and nothing was done."""


class FailedError(CallError):
    """Something went wrong there, or on the way: whether it was done is not known."""


class UnreachableError(FailedError):
    """No answer came."""


def send(operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Callable[[], Any]:
    """Sends the request. What is returned waits for its answer, once; it raises `CallError` where there is none, or a
    refusal. `may_repeat`: it does no harm to do it twice.

    So several can be under way at once, and no thread has to wait for each.
    """
    return (_settled or _endpoint()).send(operation, request, may_repeat=may_repeat)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Calls that are made in here have ended by so many seconds from now, be they one after the other."""
    token = _ends.set(min(_ends.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends.reset(token)


def pause(attempt: int) -> float:
    """Seconds to wait after this attempt, counted from 0, before the next one: with full jitter."""
    return random.uniform(0, min(_SHORTEST_PAUSE * 2**attempt, _LONGEST_PAUSE))  # noqa: S311 (no secret)


def error(operation: str, status: int, code: str, message: str) -> CallError:
    """What this answer means; `code` may be qualified, as `com.amazonaws.dynamodb.v20120810#ValidationException`."""
    code = code.rpartition("#")[2]
    failed = status >= 500 or status == _OK
    kind = ThrottledError if code in _THROTTLED else FailedError if failed else CallError
    return kind(operation, code or f"HTTP {status}", message)


def _endpoint() -> "Endpoint":
    """The one that the environment names."""
    environ = os.environ
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    given = environ.get("AWS_ENDPOINT_URL_DYNAMODB") or environ.get("AWS_ENDPOINT_URL")
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        given = None
    return _made(given or None, region)


def _made(url: str | None, region: str) -> "Endpoint":
    found = _endpoints.get((url, region))
    return found or _endpoints.setdefault((url, region), Endpoint(url, region))


def settle() -> None:
    """From here on, DynamoDB is where the environment says now."""
    global _settled  # noqa: PLW0603 (a process has one environment)
    settings.settle()
    _settled = _endpoint()


def close() -> None:
    """Closes the connections that nobody uses at the moment."""
    for one in _endpoints.values():
        one.close()


class Endpoint:
    """DynamoDB at this URL. Many threads may call at once; each call has a connection of its own meanwhile."""

    def __init__(self, url: str | None, region: str) -> None:
        """AWS's own in this region, where there is no `url`."""
        self._host = f"dynamodb.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        name: str | None = self._host
        port, is_secure = None, True
        if url is not None:
            from urllib.parse import urlsplit  # noqa: PLC0415 (4 ms of a start, and AWS's own address needs none)

            parts = urlsplit(url)
            self._host, name, port, is_secure = parts.netloc, parts.hostname, parts.port, parts.scheme == "https"
        tls = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE")) if is_secure else None
        self._address = Address(name or "", port or (443 if is_secure else 80), tls)
        self._region = region
        self._prepared: dict[str, _Prepared] = {}
        self._idle: deque[Connection] = deque()

    def send(self, operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Callable[[], Any]:
        """As the module's `send`."""
        return _Call(self, operation, orjson.dumps(request, default=_base64), may_repeat)

    def close(self) -> None:
        """As the module's `close`."""
        with suppress(IndexError):  # others may take the last one meanwhile
            while True:
                self._idle.pop().close()

    def sent(self, operation: str, body: bytes, until: float, *, anew: bool) -> Connection:
        """The connection on which this is sent now. `_NotSentError` where there is none to be had.

        `anew`: on none that was there before, as others may be as dead as the one that it was sent on.
        """
        request = self._request(operation, body)
        if anew:
            self.close()
        try:
            connection = self._connection(until)
        except OSError as error:
            raise _NotSentError(operation, type(error).__name__, str(error)) from error
        try:
            connection.send(request, min(_READ, left(until)))
        except OSError as error:
            connection.close()
            raise UnreachableError(operation, type(error).__name__, str(error)) from error
        return connection

    def take_back(self, connection: Connection) -> None:
        """It may carry another request."""
        if len(self._idle) < _IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    def _connection(self, until: float) -> Connection:
        """One that is idle, the last used first, or a new one."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if not connection.is_over():
                    return connection
                connection.close()
        return Connection(self._address, min(_CONNECT, left(until)))

    def _request(self, operation: str, body: bytes) -> bytes:
        """Head and body, in one piece."""
        credentials = Credentials(
            settings.text("AWS_ACCESS_KEY_ID"),
            settings.text("AWS_SECRET_ACCESS_KEY"),
            settings.text_or_none("AWS_SESSION_TOKEN") or None,
        )
        prepared = self._prepared.get(operation)
        if prepared is None or prepared.credentials != credentials:
            prepared = self._prepared[operation] = self._prepare(operation, credentials)
        date, authorization = prepared.signer.signed(body, at=time.time())
        own = f"x-amz-date: {date}\r\nauthorization: {authorization}\r\ncontent-length: {len(body)}\r\n\r\n"
        return f"{prepared.head}{own}".encode() + body

    def _prepare(self, operation: str, credentials: Credentials) -> "_Prepared":
        headers = {
            "host": self._host,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        signer = Signer(headers, credentials, region=self._region, service="dynamodb")
        lines = "".join(f"{name}: {value}\r\n" for name, value in signer.headers.items())
        return _Prepared(credentials, f"POST / HTTP/1.1\r\n{lines}", signer)


class _Prepared(NamedTuple):
    """What requests of one operation have in common: the first lines of their heads, and who signs them."""

    credentials: Credentials
    head: str
    signer: Signer


class _Call:
    """One call, sent when it is made; called, it waits for the answer, and repeats what may be repeated."""

    __slots__ = ("_body", "_connection", "_endpoint", "_failure", "_may_repeat", "_operation", "_sent", "_until")

    def __init__(self, asked: Endpoint, operation: str, body: bytes, may_repeat: bool) -> None:
        self._endpoint, self._operation, self._body, self._may_repeat = asked, operation, body, may_repeat
        self._until = min(time.monotonic() + DEADLINE, _ends.get())
        self._send()

    def __call__(self) -> Any:
        attempt = 0
        while True:
            try:
                return self._received()
            except (ThrottledError, FailedError) as error:
                is_undone = isinstance(error, (ThrottledError, _NotSentError))
                seconds = pause(attempt)
                if not (is_undone or self._may_repeat) or self._is_too_late(seconds):
                    raise
                is_lost = isinstance(error, UnreachableError)
            time.sleep(seconds)
            attempt += 1
            self._send(anew=is_lost)

    def __del__(self) -> None:
        """Where nobody waits for the answer any more, its connection is of no use."""
        if self._connection is not None:
            self._connection.close()

    def _is_too_late(self, pause: float) -> bool:
        return time.monotonic() + pause >= self._until

    def _send(self, *, anew: bool = False) -> None:
        """What goes wrong is told when the answer is waited for."""
        self._connection: Connection | None = None
        self._failure: tuple[type[CallError], str, str] | None = None
        try:
            if self._is_too_late(0):
                raise _NotSentError(self._operation, "TimeoutError", "there was no time left")
            self._connection = self._endpoint.sent(self._operation, self._body, self._until, anew=anew)
            self._sent = time.monotonic()
        except CallError as error:  # itself, it would hold all that was on the way here, this call included
            self._failure = type(error), error.code, error.message

    def _received(self) -> Any:
        connection, self._connection = self._connection, None
        if connection is None:
            if self._failure is None:
                raise RuntimeError("an answer is waited for once")
            kind, code, message = self._failure
            raise kind(self._operation, code, message)
        keeps = False
        try:
            status, body, keeps = connection.receive(max(_AT_HAND, left(min(self._sent + _READ, self._until))))
        except OSError as error:
            raise UnreachableError(self._operation, type(error).__name__, str(error)) from error
        finally:
            if keeps:
                self._endpoint.take_back(connection)
            else:
                connection.close()
        return _understood(self._operation, status, body)


class _NotSentError(UnreachableError):
    """Nobody took the connection: nothing was done."""


def _understood(operation: str, status: int, body: bytes) -> Any:
    """What the answer says; `CallError` where it is a refusal."""
    try:
        said = orjson.loads(body)
    except ValueError:  # of something between here and there
        said = None
    if status == _OK and isinstance(said, dict):
        return said
    known = said if isinstance(said, dict) else {}
    raise error(operation, status, str(known.get("__type", "")), str(known.get("message") or known.get("Message", "")))


def _base64(value: object) -> str:
    """Binary values in JSON."""
    if not isinstance(value, bytes):
        raise TypeError(type(value).__name__)
    return base64.b64encode(value).decode()


_settled: Endpoint | None = None

if settings.IN_LAMBDA:  # what a function trusts is read while it starts, so that no caller waits for it
    settle()
