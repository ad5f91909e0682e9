"""API Gateway's proxy events, and the answers functions give to them.

A REST API hands over path parameters as they stand in the URL, still percent-encoded, and query parameters
decoded (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html); so path
parameters are decoded here, once.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from json.encoder import encode_basestring_ascii
from typing import Any

from sessions import dynamodb, log

LONGEST_REQUEST = 8.0
"""Seconds that an endpoint's calls to DynamoDB take in all, at most: a function that goes on for 10 is ended by Lambda,
and its caller would get no answer of this API."""
ANSWER_LIMIT = 6 * 1024 * 1024 - 64 * 1024
"""Bytes of a Lambda answer (6 MB, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), less
what its headers may take."""

_LONGEST_ESCAPE = 12
"""Octets that a character of an answer takes at most, as two escapes."""

Event = Mapping[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event, Any], Answer]


def header(event: Event, name: str) -> str | None:
    """The header's value whatever the case of its name (RFC 9110, 5.1); None where it is missing or empty."""
    for sent, value in (event.get("headers") or {}).items():
        if sent.lower() == name.lower() and value:
            return str(value)
    return None


def path_parameter(event: Event, name: str) -> str:
    """The path parameter, percent-decoded. Bytes that are not UTF-8 become U+FFFD."""
    text = str(event["pathParameters"][name])
    if "%" not in text:
        return text
    from urllib.parse import unquote  # noqa: PLC0415 (4 ms of a start, and ids rarely need it)

    return unquote(text)


def query_parameter(event: Event, name: str) -> list[str]:
    """The values of this query parameter in the order they came; empty where there is none."""
    return list((event.get("multiValueQueryStringParameters") or {}).get(name) or ())


def body(event: Event) -> bytes:
    """The request's body; empty where there is none."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def account(event: Event) -> str:
    """The account that the authorizer found the caller to be. There is no other source of it."""
    return str(event["requestContext"]["authorizer"]["account"])


def request_id(event: Event) -> str:
    """The id under which the gateway logged this request, and which callers see in `x-amzn-RequestId`."""
    return str(event["requestContext"]["requestId"])


def answer(status: int, json_body: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is JSON already."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json_body,
    }


def in_ascii(json_text: str) -> str:
    """The same JSON, which is written in one line, with every other character as an escape (RFC 8259, 7).

    Lambda's client writes an answer into JSON once more, and takes nearly twice as long where one letter of it is not
    of Latin-1: a few texts that stand in a long answer many times are better in ASCII (docs/decisions, 9).
    """
    if json_text.isascii():
        return json_text
    # What stood in the text as a quote or backslash was escaped once more: that is undone.
    return encode_basestring_ascii(json_text)[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def weight(json_text: str) -> int:
    """The bytes that this takes in a Lambda answer, where the body is a JSON string: its quotes are escaped."""
    return len(json.dumps(json_text))


def fitting(json_texts: Sequence[str]) -> int:
    """How many of these, in a list, fit into one answer; one at least, if there are any."""
    if sum(map(len, json_texts)) * _LONGEST_ESCAPE + len(json_texts) <= ANSWER_LIMIT:
        return len(json_texts)
    room = ANSWER_LIMIT
    for number, text in enumerate(json_texts):
        room -= weight(text) + 1
        if room < 0:
            return max(1, number)
    return len(json_texts)


def endpoint(internal_error: Callable[[Event], Answer]) -> Callable[[Handler], Handler]:
    """Makes a function an endpoint: a failure is logged, and answered in the family's dialect.

    What goes well is a line of the gateway's access log, and no other (`docs/decisions/0009-own-door.md`).
    """

    def decorate(handle: Handler) -> Handler:
        operation = handle.__module__.rpartition(".")[2]

        @wraps(handle)
        def handler(event: Event, context: Any) -> Answer:
            try:
                with dynamodb.within(LONGEST_REQUEST):
                    return handle(event, context)
            except Exception:  # the outermost: whatever happens, the caller gets an answer and no internals
                log.failure("request failed", operation=operation, gateway_request_id=request_id(event))
                return internal_error(event)

        return handler

    return decorate
