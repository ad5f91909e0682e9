"""An HTTP client for the platform, every answer of which is held against the contract of the family it is from."""

import gzip
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from infra import contract, families
from infra.contract import Document

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

# Of the families' paths that lead nowhere, by how they begin; any other is the widget family's.
_LEADS = {"/rws": "device", "/api": "store", "/sessions": "knowledge"}
_REFUSALS_WITHOUT_OPERATION = (404, 413, 429)
_IDLE = 2.0  # seconds, after which a server may close a connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A context: one connection to one platform, that sends requests exactly as they are given."""

    def __init__(
        self,
        base_url: str,
        *,
        address: str = "127.0.0.1",
        seconds: float = 30.0,
        paths: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`address` is the caller's own, `seconds` the longest wait for an answer.

        `paths` has, by family, what stands there before the paths of the contract.
        """
        self._paths = paths
        self._connection = HTTPConnection(
            urlsplit(base_url).netloc, timeout=seconds, source_address=(address, 0), blocksize=1 << 20
        )
        self._used = 0.0
        self.connections = 0
        """How many connections the requests so far took."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, target: str, headers: Headers = ()) -> Answer:
        return self.request("GET", target, headers)

    def put(self, target: str, headers: Headers = (), body: bytes | str | None = None) -> Answer:
        return self.request("PUT", target, headers, body)

    def post(self, target: str, headers: Headers = (), body: bytes | str | None = None) -> Answer:
        return self.request("POST", target, headers, body)

    def request(self, method: str, target: str, headers: Headers = (), body: bytes | str | None = None) -> Answer:
        """The answer, which is as the contract says. Without a body, none of its headers is sent either."""
        if time.monotonic() - self._used > _IDLE:
            self._connection.close()
        if self._connection.sock is None:
            self.connections += 1
        given = list(headers.items() if isinstance(headers, Mapping) else headers)
        sent = body.encode() if isinstance(body, str) else body
        connection = self._connection
        before = self._paths.get(_family_of(_path(target)), "")
        connection.putrequest(method, before + target, skip_accept_encoding=True)
        for name, value in given:
            connection.putheader(name, value)
        if sent is not None and not {name.lower() for name, _ in given} & {"content-length", "transfer-encoding"}:
            connection.putheader("Content-Length", str(len(sent)))
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent; the answer says why
            connection.endheaders(sent)
        answer = _received(connection.getresponse())
        self._used = time.monotonic()
        assert_contract(method, target, answer)
        return answer


def assert_contract(method: str, target: str, answer: Answer) -> None:
    """The answer is one that the contract of the path's family has for this method."""
    path = _path(target)
    found = find_operation(method, path)
    assert answer.headers.get("x-amzn-requestid"), answer
    if found is None:
        assert answer.status in _REFUSALS_WITHOUT_OPERATION, answer
        family = _family_of(path)
        document = _documents()[family]
        content = {"application/json": {"schema": document["components"]["schemas"]["Error"]}}
        described: Document = {"headers": {}, "content": content}
    else:
        family, operation = found
        document = _documents()[family]
        described = _resolved(document, operation["responses"].get(str(answer.status)))
        assert described, f"{family} does not have {answer.status} for {method} {path}: {answer}"
    for name, header in described.get("headers", {}).items():
        value = answer.headers.get(name.lower())
        assert value is not None or not header.get("required"), f"{name} is missing: {answer}"
        if value is not None:
            _validate(document, header["schema"], value)
    if method == "HEAD" or answer.status == 204:
        assert answer.body == b""
        return
    content_type = answer.headers.get("content-type", "").partition(";")[0]
    assert content_type in described["content"], answer
    _validate(document, described["content"][content_type]["schema"], json.loads(answer.body))


def find_operation(method: str, path: str) -> tuple[str, Document] | None:
    """The family and the operation for this path: a segment that is written out comes before a variable one.

    None where no contract has such a path, and where the one that has does not have the method.
    """
    found = _find(path)
    operation: Document | None = found[1].get(method.lower()) if found else None
    return (found[0], operation) if found and operation else None


def _family_of(path: str) -> str:
    """The family that has this path, or else the one that it looks like."""
    if found := _find(path):
        return found[0]
    decoded = unquote(path)
    known = (family for lead, family in _LEADS.items() if decoded.startswith(lead) and family in _documents())
    return next(known, "widget")


def _find(path: str) -> tuple[str, Document] | None:
    segments = path.removeprefix("/").split("/")
    return next(((family, item) for template, family, item in _paths() if _fits(template, segments)), None)


@cache
def _documents() -> dict[str, Document]:
    return {family: contract.document(family) for family in families.names()}


@cache
def _paths() -> list[tuple[list[str], str, Document]]:
    found = [
        (path.removeprefix("/").split("/"), family, item)
        for family, document in _documents().items()
        for path, item in document["paths"].items()
    ]
    return sorted(found, key=lambda one: [_is_variable(segment) for segment in one[0]])


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        segment != "" if _is_variable(wanted) else unquote(segment) == wanted
        for wanted, segment in zip(template, segments, strict=True)
    )


def _is_variable(segment: str) -> bool:
    return segment.startswith("{")


def _path(target: str) -> str:
    """The path of a request's target (RFC 9112, 3.2)."""
    if not target.startswith("/") and "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0].partition("#")[0]


def _resolved(document: Document, described: Document | None) -> Document:
    while described and "$ref" in described:
        found: Any = document
        for name in described["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        described = found
    return described or {}


def _validate(document: Document, schema: Document, value: Any) -> None:
    whole = {"allOf": [schema], "components": document["components"]}
    errors: Iterator[Any] = OAS30Validator(whole, format_checker=oas30_format_checker).iter_errors(value)
    assert not [f"{error.json_path}: {error.message}" for error in errors], value


def _received(response: HTTPResponse) -> Answer:
    body = response.read()
    if response.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
