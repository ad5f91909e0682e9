from typing import Any

import pytest

from sessions import authorization
from sessions.accounts import Credential

ARN = "arn:aws:execute-api:eu-west-1:123456789012:api1/prod/GET/one/path"
STAGE = "arn:aws:execute-api:eu-west-1:123456789012:api1/prod/*"


def credential(api_key_id: str | None = None) -> Credential:
    return Credential(
        id="c1",
        family="device",
        account_id="fleet",
        created="2026-01-02T03:04:05.000000Z",
        expires=None,
        revoked=None,
        last_four="abcd",
        username="ops",
        allowed_ranges=(),
        api_key_id=api_key_id,
    )


def policy(effect: str, principal: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": STAGE}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


@pytest.mark.parametrize(
    ("more", "request_id"),
    [({"requestContext": {"requestId": "request-1"}}, "request-1"), ({"requestContext": {}}, None), ({}, None)],
)
def test_nobody_is_denied_the_whole_stage_without_an_exception(
    caplog: pytest.LogCaptureFixture, more: dict[str, Any], request_id: str | None
) -> None:
    assert authorization.decide({"methodArn": ARN, **more}, None) == policy("Deny", "nobody")
    assert [(one.getMessage(), vars(one)["gateway_request_id"]) for one in caplog.records] == [
        ("caller refused", request_id)
    ]


@pytest.mark.parametrize("rest", ["GET/one/path", "GET/", "POST/a/b/prod/GET/c", "OPTIONS/*"])
def test_a_credential_is_allowed_the_whole_stage(rest: str) -> None:
    event = {"methodArn": ARN.replace("GET/one/path", rest)}

    assert authorization.decide(event, credential()) == policy("Allow", "c1") | {"context": {"account": "fleet"}}


def test_a_bound_api_key_stands_in_the_context() -> None:
    assert authorization.decide({"methodArn": ARN}, credential("key-1")) == policy("Allow", "c1") | {
        "context": {"account": "fleet", "apiKeyId": "key-1"}
    }
