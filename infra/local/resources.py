"""Creates in the embedded AWS what the families ask for: tables, queues, a usage plan for API keys."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from infra.settings import QUEUE_MESSAGE_BYTES, REDRIVES
from sessions import accounts
from sessions.deployment import Family
from sessions.tables import Key, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETRY_SECONDS = 2
"""How long an event that could not be recorded waits here; minutes in the cloud."""
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Queue:
    """The addresses of a family's queue and its dead-letter queue."""

    url: str
    dead_letter_url: str


def know_services() -> None:
    """Has boto3 read what it knows of these services, which it does once: while AWS starts, there is time for it."""
    for service in ("dynamodb", "sqs", "apigateway"):
        boto3.client(service)


def create_tables(families: Iterable[Family]) -> None:
    """All tables, under their logical names, told to the functions through the environment."""
    client = boto3.client("dynamodb")
    for table in (accounts.TABLE, *(table for family in families for table in family.tables)):
        os.environ[table.variable] = table.name
        create_table(client, table, table.name)


def create_table(client: "DynamoDBClient", table: Table, name: str) -> None:
    """One table, as its definition says."""
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _schema(table.key),
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in table.key_attributes()],
    }
    for index in table.indexes:
        projection: dict[str, Any] = {"ProjectionType": "KEYS_ONLY"}
        if index.projected:
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projected)}
        kind = "LocalSecondaryIndexes" if index.local else "GlobalSecondaryIndexes"
        described = {"IndexName": index.name, "KeySchema": _schema(index.key), "Projection": projection}
        request.setdefault(kind, []).append(described)
    try:
        made = client.create_table(**request)["TableDescription"]
    except client.exceptions.ResourceInUseException:
        return  # an engine that keeps its tables
    if made.get("TableStatus") != "ACTIVE":  # one that takes its time
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if table.expires is not None:
        _expire(client, table.expires, name)


def _expire(client: "DynamoDBClient", attribute: str, name: str) -> None:
    specification: Any = {"Enabled": True, "AttributeName": attribute}
    try:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnknownOperationException":  # an engine that lets nothing expire
            raise


def create_queue(family: Family) -> Queue:
    """The family's queue, with a dead-letter queue that takes what was received too often."""
    client = boto3.client("sqs")
    dead = client.create_queue(QueueName=f"{family.name}-dead-letters")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = client.create_queue(
        QueueName=f"{family.name}-events",
        Attributes={
            "VisibilityTimeout": str(RETRY_SECONDS),
            "MaximumMessageSize": str(QUEUE_MESSAGE_BYTES),
            "RedrivePolicy": f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{ATTEMPTS + REDRIVES}}}',
        },
    )["QueueUrl"]
    os.environ[family.dead_letter_variable] = dead
    os.environ["RECORDING_ATTEMPTS"] = str(ATTEMPTS)
    return Queue(url, dead)


def create_usage_plan(family: Family) -> str:
    """The plan that the family's API keys join; its id."""
    return str(boto3.client("apigateway").create_usage_plan(name=f"{family.name}-clients")["id"])


def _schema(key: Key) -> list[dict[str, str]]:
    kinds = zip(key.attributes(), ("HASH", "RANGE"), strict=False)
    return [{"AttributeName": attribute, "KeyType": kind} for attribute, kind in kinds]
