"""What a Lambda authorizer says: an IAM policy for one whole stage of its own API.

A policy for a single method would, from the gateway's cache, refuse the caller's next call to a neighbour.
A refusal is a Deny and no exception: an exception would count as a failure of the function.
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html)
"""

from typing import Any

from sessions import log
from sessions.accounts import Credential
from sessions.proxy import Event


def decide(event: Event, credential: Credential | None) -> dict[str, Any]:
    """Allow with the credential's account and API key id as context, or Deny where there is no credential."""
    stage = "/".join(event["methodArn"].split("/")[:2])
    if credential is None:
        # Not every gateway tells its authorizers, and a refusal must not fail over that.
        log.info("caller refused", gateway_request_id=(event.get("requestContext") or {}).get("requestId"))
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny" if credential is None else "Allow",
        "Resource": f"{stage}/*",
    }
    policy: dict[str, Any] = {
        "principalId": "nobody" if credential is None else credential.id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
    if credential is not None:
        policy["context"] = {"account": credential.account_id}
        if credential.api_key_id is not None:
            policy["context"]["apiKeyId"] = credential.api_key_id
    return policy
