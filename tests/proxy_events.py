"""Events as API Gateway and SQS send them, for tests that call the real handlers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4


def request(
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    authorizer: Mapping[str, str] | None = None,
    identity: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A proxy event, payload 1.0. Path parameters are given plain, and sent percent-encoded."""
    return {
        "headers": dict(headers or {}),
        "multiValueQueryStringParameters": {name: list(values) for name, values in (query or {}).items()} or None,
        "pathParameters": {name: quote(value, safe="") for name, value in (path or {}).items()} or None,
        "requestContext": {
            "requestId": "request-1",
            "identity": {"sourceIp": "192.0.2.7", "apiKeyId": None, **(identity or {})},
            "authorizer": dict(authorizer or {}),
        },
        "body": body,
        "isBase64Encoded": False,
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:api1/prod/GET/some/path",
    }


def policy(effect: str, principal: str) -> dict[str, Any]:
    """What an authorizer says to `request`, for the whole stage."""
    stage = "arn:aws:execute-api:eu-west-1:123456789012:api1/prod/*"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": stage}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def batch(*bodies: Any, received: int = 1) -> dict[str, Any]:
    """SQS's event for messages with these bodies: texts as they are, others as JSON."""
    records = [
        {
            "messageId": str(uuid4()),
            "receiptHandle": "handle",
            "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": {"ApproximateReceiveCount": str(received)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:events",
            "awsRegion": "eu-west-1",
            "md5OfBody": "",
        }
        for body in bodies
    ]
    return {"Records": records}
