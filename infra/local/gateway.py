"""API Gateway, as far as a caller or a function can see it: a REST API's routes, authorizers, limits, and answers.

An ASGI application. It finds the operation, has the caller authorized, hands the real function a proxy event of
payload 1.0, and fails closed: where anything is not as it must be, the answer is the gateway's own, in the
dialect of the family, from the contract.
"""

import asyncio
import gzip
import json
import re
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from infra import contract
from infra.contract import GatewayAnswer, Operation
from infra.families import allowed_origins
from infra.local import functions
from infra.local.authorizers import ApiKeys, Authorizer
from infra.local.routes import Match, Routes
from infra.local.threads import Threads
from infra.settings import COMPRESSED_BYTES
from sessions import log
from sessions.deployment import Family

LARGEST_REQUEST = 10 * 1024 * 1024
LARGEST_PAYLOAD = 6 * 1024 * 1024 + 100
"""What a function takes and gives, as JSON (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
LONGEST_INTEGRATION = 29.0  # seconds
_GZIP_LEVEL = 1

_STATUS = {
    "ACCESS_DENIED": 403,
    "INVALID_API_KEY": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "UNAUTHORIZED": 401,
    "REQUEST_TOO_LARGE": 413,
    "THROTTLED": 429,
}
"""API Gateway's own; a response type that is not here is a failure, 5xx."""

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class RefusedError(Exception):
    """The gateway answers itself, with the response type of this name."""

    def __init__(self, response_type: str) -> None:
        super().__init__(response_type)
        self.response_type = response_type


class Api:
    """One family behind the gateway: its functions, authorizers, answers and rate. Callers wait until it is `ready`."""

    def __init__(
        self,
        family: Family,
        *,
        api_keys: ApiKeys | None = None,
        rate: float | None = None,
        cache_seconds: float | None = None,
        ready: "Future[None] | None" = None,
    ) -> None:
        self.family = family
        self.ready = ready
        self.contract = contract.document(family.name)
        self.operations = list(contract.operations(self.contract))
        self.origins = allowed_origins(family)
        self.answers = contract.gateway_answers(self.contract, self.origins)
        self._handlers = {one.module: functions.load(family.name, one.module) for one in family.endpoints}
        self._timeouts = {one.module: min(float(one.timeout), LONGEST_INTEGRATION) for one in family.endpoints}
        self._api_keys = api_keys
        self._authorizers = {
            one.scheme.name: Authorizer(
                one.scheme, functions.load(family.name, family.authorizer.module), cache_seconds
            )
            for one in self.operations
            if one.scheme and family.authorizer
        }
        self._rate = _Rate(rate) if rate else None

    def invoke(self, event: dict[str, Any], operation: Operation) -> Answer:
        """Authorizes the caller and runs the function; `RefusedError` where the gateway answers itself."""
        if self._rate is not None and not self._rate.admits():
            raise RefusedError("THROTTLED")
        if operation.module is None:
            return self._preflight(event, operation)
        context = event["requestContext"]
        if operation.scheme is not None:
            authorizer = self._authorizers[operation.scheme.name]
            identity = authorizer.identity(event)
            if identity is None:
                raise RefusedError("UNAUTHORIZED")
            if operation.scheme.is_api_key:
                context["identity"]["apiKey"] = identity[0]
                context["identity"]["apiKeyId"] = self._api_keys.find(identity[0]) if self._api_keys else None
                if context["identity"]["apiKeyId"] is None:
                    raise RefusedError("INVALID_API_KEY")
            allowed = authorizer.decide(event, identity)
            if allowed is None:
                raise RefusedError("ACCESS_DENIED")
            context["authorizer"] = allowed
        if len(event["body"] or "") > LARGEST_PAYLOAD:
            raise RefusedError("REQUEST_TOO_LARGE")
        name = f"{self.family.name}-{operation.module}"
        given = self._handlers[operation.module](event, functions.Context(name, self._timeouts[operation.module]))
        return _checked(given)

    def seconds(self, operation: Operation) -> float:
        """How long the operation may take."""
        return self._timeouts.get(operation.module or "", LONGEST_INTEGRATION)

    def refusal(self, response_type: str, request_id: str) -> Answer:
        """The gateway's own answer of this type, as the contract has it."""
        usual = _STATUS.get(response_type, 500)
        fallback = self.answers["DEFAULT_4XX" if usual < 500 else "DEFAULT_5XX"]
        found: GatewayAnswer = self.answers.get(response_type, fallback)
        headers = [("Content-Type", "application/json"), *found.headers.items()]
        body = found.body.replace("$context.requestId", request_id).encode()
        return Answer(found.status or usual, headers, body)

    def _preflight(self, event: dict[str, Any], operation: Operation) -> Answer:
        """As the template does that `infra/api_body.py` gives to API Gateway."""
        headers = contract.preflight_headers(self.contract, operation.path)
        origin = next((value for name, value in event["headers"].items() if name.lower() == "origin"), None)
        if "*" in self.origins:
            headers["Access-Control-Allow-Origin"] = "*"
        elif origin in self.origins:
            headers |= {"Access-Control-Allow-Origin": str(origin)}
        return Answer(204, [*headers.items(), ("Vary", "Origin")], b"")


class Gateway:
    """All families on one port, each at its published paths."""

    def __init__(self, apis: list[Api]) -> None:
        self._apis = {api.family.name: api for api in apis}
        self._routes = Routes()
        self._threads = Threads(64)
        for api in apis:
            self._routes.add(api.family.name, api.operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request_id = str(uuid4())
        path = scope["raw_path"].decode("latin-1")
        match = self._routes.find(scope["method"], path)
        api = self._apis[match.family if match else self._routes.family_like(path)]
        try:
            body = await _body(receive)
            answer = await self._answer(api, match, scope, body, request_id)
        except RefusedError as refused:
            answer = api.refusal(refused.response_type, request_id)
        except Exception:  # the outermost: a failure here is the gateway's
            log.failure("gateway failed", gateway_request_id=request_id)
            answer = api.refusal("INTEGRATION_FAILURE", request_id)
        if len(answer.body) >= COMPRESSED_BYTES and _takes_gzip(scope):
            packed = gzip.compress(answer.body, _GZIP_LEVEL, mtime=0)
            answer = Answer(answer.status, [*answer.headers, ("Content-Encoding", "gzip")], packed)
        headers = [*answer.headers, ("x-amzn-RequestId", request_id)]
        if answer.status != 204:
            headers.append(("Content-Length", str(len(answer.body))))
        encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, api: Api, match: Match | None, scope: Scope, body: bytes, request_id: str) -> Answer:
        if match is None or match.operation is None:
            raise RefusedError("MISSING_AUTHENTICATION_TOKEN")
        if api.ready is not None and not api.ready.done():
            await asyncio.wrap_future(api.ready)
        event = proxy_event(api.family.name, match, scope, body, request_id)
        try:
            return await self._threads.run(partial(api.invoke, event, match.operation), api.seconds(match.operation))
        except TimeoutError:
            raise RefusedError("INTEGRATION_TIMEOUT") from None

    def close(self) -> None:
        self._threads.close()


class _Rate:
    """A token bucket: so many requests a second, and as many at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = max(rate, 1.0)
        self._filled = time.monotonic()

    def admits(self) -> bool:
        now = time.monotonic()
        self._tokens = min(max(self._rate, 1.0), self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _takes_gzip(scope: Scope) -> bool:
    """What is named without a weight of nothing: RFC 9110, section 12.5.3."""
    sent = (value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-encoding")
    named = [one.strip().lower().replace(" ", "") for value in sent for one in value.split(",")]
    return any(re.fullmatch(r"gzip(;q=(?!0(\.0*)?$)[0-9.]+)?", one) for one in named)


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > LARGEST_REQUEST:
            raise RefusedError("REQUEST_TOO_LARGE")
        if not message.get("more_body"):
            return b"".join(pieces)


def proxy_event(family: str, match: Match, scope: Scope, body: bytes, request_id: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html"""
    path = scope["raw_path"].decode("latin-1")
    now = time.time()
    headers = _grouped([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
    query = _grouped(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    method = scope["method"]
    arn = f"arn:aws:execute-api:local:000000000000:{family}/local/{method}{path}"
    return {
        "resource": match.resource,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.path_parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": family,
            "domainName": headers.get("host", ["localhost"])[-1],
            "extendedRequestId": b64encode(request_id.encode()).decode(),
            "httpMethod": method,
            "identity": {
                "sourceIp": scope["client"][0] if scope.get("client") else "127.0.0.1",
                "userAgent": headers.get("user-agent", [None])[-1],
            },
            "path": f"/local{path}",
            "protocol": f"HTTP/{scope['http_version']}",
            "requestId": request_id,
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": match.resource,
            "resourcePath": match.resource,
            "stage": "local",
        },
        "body": body.decode("utf-8", "replace") if body else None,
        "isBase64Encoded": False,
        "methodArn": arn,
    }


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _checked(given: Any) -> Answer:
    """The function's answer, if API Gateway would pass it on."""
    if not isinstance(given, dict) or not isinstance(given.get("statusCode"), int):
        raise RefusedError("INTEGRATION_FAILURE")
    text = given.get("body") or ""
    if len(text) > LARGEST_PAYLOAD // 12 and len(json.dumps(given, ensure_ascii=False).encode()) > LARGEST_PAYLOAD:
        raise RefusedError("INTEGRATION_FAILURE")
    headers = [(name, str(value)) for name, value in (given.get("headers") or {}).items()]
    for name, values in (given.get("multiValueHeaders") or {}).items():
        headers.extend((name, str(value)) for value in values)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return Answer(given["statusCode"], headers, text.encode())
