"""API Gateway's keys, for families whose callers have them: each joined to the family's usage plan."""

import boto3


def create(usage_plan_id: str, name: str, value: str) -> str:
    """A key with this value that the plan knows; its id."""
    client = boto3.client("apigateway")
    key_id = str(client.create_api_key(name=name, value=value, enabled=True)["id"])
    try:
        client.create_usage_plan_key(usagePlanId=usage_plan_id, keyId=key_id, keyType="API_KEY")
    except BaseException:
        delete(key_id)
        raise
    return key_id


def delete(key_id: str) -> None:
    """Removes the key; nothing where it is gone already."""
    client = boto3.client("apigateway")
    try:
        client.delete_api_key(apiKey=key_id)
    except client.exceptions.NotFoundException:
        return
