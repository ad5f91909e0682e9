"""Calls to DynamoDB from a desk, carried by boto3: it knows profiles, single sign-on, and proxies.

The functions' own door, `sessions.endpoint`, takes its credentials from Lambda's environment alone.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from sessions import endpoint
from sessions.dynamodb import Transport
from sessions.tables import Table


def by_boto3() -> Transport:
    """What `sessions.dynamodb.use` takes. Its calls raise `endpoint.CallError`, and botocore's errors of the way."""
    retries = cast(Any, {"mode": "standard", "total_max_attempts": 3})
    client = boto3.client(
        "dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries=retries, max_pool_connections=50)
    )

    def call(operation: str, request: Mapping[str, Any]) -> Any:
        try:
            return getattr(client, xform_name(operation))(**request)
        except ClientError as error:
            answer = cast(Any, error.response)
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            said = answer["Error"]
            raise endpoint.error(operation, status, said.get("Code", ""), said.get("Message", "")) from error

    def send(operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Callable[[], Any]:  # noqa: ARG001
        """It is sent when it is waited for, and repeated as boto3 decides."""
        return partial(call, operation, request)

    return send


def made(table: Table) -> str:
    """When the table was made: one that was made anew has nothing of what was in the other."""
    described = boto3.client("dynamodb").describe_table(TableName=table.physical_name)
    return described["Table"]["CreationDateTime"].isoformat()
