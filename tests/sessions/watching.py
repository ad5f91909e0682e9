"""What tests look at from outside: whole answers, calls to AWS, dead letters, stored items, and the log."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from sessions import dynamodb
from tests.proxy_events import batch

Call = tuple[str, dict[str, Any]]

_known_to_every_record = set(vars(logging.makeLogRecord({})))


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """The whole answer, its body parsed."""
    return answer | {"body": json.loads(answer["body"])}


def answer(status: int, body: Any, **headers: str) -> dict[str, Any]:
    """A whole answer as `said` gives it; `headers` beside the content type, with _ for -."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"statusCode": status, "headers": {"Content-Type": "application/json", **more}, "body": body}


def aws_calls(monkeypatch: pytest.MonkeyPatch, before: Callable[[Call], None] | None = None) -> list[Call]:
    """The calls to AWS from now on, as they are made: operation and parameters. `before` runs ahead of each, and may
    change its parameters.
    """
    calls: list[Call] = []
    make, carry = vars(BaseClient)["_make_api_call"], dynamodb._transport

    def note(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        call = operation, dict(parameters)
        calls.append(call)
        if before is not None:
            before(call)
        return call[1]

    def noted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        return make(client, operation, note(operation, parameters))

    def carried(operation: str, request: Mapping[str, Any], *, may_repeat: bool) -> Any:
        return carry(operation, note(operation, request), may_repeat=may_repeat)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    monkeypatch.setattr(dynamodb, "_transport", carried)
    return calls


def interrupted(monkeypatch: pytest.MonkeyPatch, at_call: int, run: Callable[[], object]) -> list[Call]:
    """As `aws_calls`; `run` happens whole ahead of the call with this number, counted from 1."""

    def before(_call: Call) -> None:
        if len(calls) == at_call:
            run()

    calls: list[Call] = []
    calls = aws_calls(monkeypatch, before)
    return calls


def operations(calls: list[Call]) -> list[str]:
    return [operation for operation, _ in calls]


def dead_letters(queue_url: str) -> list[tuple[str, str]]:
    """Body and reason of each message in the dead-letter queue, which is emptied. Reading leaves no other attribute."""
    client = boto3.client("sqs")
    found = []
    while messages := client.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", []):
        for message in messages:
            attributes = message["MessageAttributes"]
            assert list(attributes) == ["reason"]
            assert attributes["reason"]["DataType"] == "String"
            found.append((message["Body"], attributes["reason"]["StringValue"]))
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return found


def not_buried(handler: Callable[[dict[str, Any], Any], Any], queue_url: str, events: Sequence[Any]) -> list[Any]:
    """Those of these events that did not go to the dead-letter queue at their first attempt."""
    sent = batch(*events)
    assert handler(sent, None) == {"batchItemFailures": []}
    buried = {body for body, _ in dead_letters(queue_url)}
    return [event for event, message in zip(events, sent["Records"], strict=True) if message["body"] not in buried]


def stored(table: str) -> list[dict[str, Any]]:
    """All items of the table, as DynamoDB has them."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [dict(item) for page in pages for item in page["Items"]]


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged: messages, data beside them, and tracebacks."""
    lines = []
    for record in caplog.records:
        data = {name: value for name, value in vars(record).items() if name not in _known_to_every_record}
        failure = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        lines.append(f"{record.name} {record.getMessage()} {data} {failure}")
    return "\n".join(lines)
