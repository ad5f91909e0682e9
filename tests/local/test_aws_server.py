"""The embedded AWS's server: what it does beyond what moto itself tests."""

import inspect
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import boto3
import pytest
from moto.sqs import models as queues

from infra.families import ROOT
from tests.platform import LONGEST_START, LONGEST_STOP, eventually, free_port, is_free


def started(port: int) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.aws_server", str(port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    eventually(lambda: not is_free(port), LONGEST_START)
    return process


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where it listens. In the end nothing has failed."""
    port = free_port()
    process = started(port)
    yield port
    said, _ = process.communicate(timeout=LONGEST_STOP)
    assert b"Traceback" not in said


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    yield connection
    connection.close()


def signed(service: str) -> dict[str, str]:
    """As far as the server looks: for which service."""
    scope = f"any/20260102/eu-west-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def dynamodb(operation: str) -> dict[str, str]:
    target = f"DynamoDB_20120810.{operation}"
    return signed("dynamodb") | {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}


def test_nothing_is_said_of_callers_that_hang_up() -> None:
    """As a process does that is killed: what it had not read yet turns the end into a reset."""
    port = free_port()
    process = started(port)
    for said in (b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: any\r\nContent-Length: 9\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            caller.sendall(said)
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/", "{}", dynamodb("ListTables"))
    assert connection.getresponse().status == 200
    connection.close()
    said, _ = process.communicate(timeout=LONGEST_STOP)
    assert said == b""


def test_a_connection_carries_many_requests(connection: HTTPConnection) -> None:
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("POST", "/", "{}", dynamodb("ListTables"))
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"TableNames": []})
        assert connection.sock is first


def test_a_body_that_nobody_reads_does_not_spoil_the_next_request(connection: HTTPConnection) -> None:
    connection.connect()
    first = connection.sock
    for _ in range(2):
        connection.request("GET", "/moto-api/data.json", b"GET / HTTP/1.1\r\n\r\n" * 1000)
        answer = connection.getresponse()
        assert (answer.status, type(json.loads(answer.read()))) == (200, dict)
        connection.request("POST", "/", "{}", dynamodb("ListTables"))
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"TableNames": []})
    assert connection.sock is first


def test_a_head_has_the_headers_of_a_get_and_no_body(connection: HTTPConnection) -> None:
    connection.connect()
    first = connection.sock
    found = []
    for method in ("GET", "HEAD"):
        connection.request(method, "/moto-api/")
        answer = connection.getresponse()
        found.append((answer.status, answer.headers["Content-Type"], len(answer.read()) > 0))
    assert found == [(200, "text/html; charset=utf-8", True), (200, "text/html; charset=utf-8", False)]
    connection.request("POST", "/", "{}", dynamodb("ListTables"))
    assert connection.getresponse().status == 200
    assert connection.sock is first


@pytest.mark.parametrize("headers", [signed("no-such-service"), {"Authorization": "Credential="}, {}])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_request_for_no_service_is_answered(connection: HTTPConnection, headers: dict[str, str], method: str) -> None:
    connection.request(method, "/no/such/thing", headers=headers)
    answer = connection.getresponse()
    assert answer.read()
    assert answer.status in (404, 501)
    connection.request("POST", "/", "{}", dynamodb("ListTables"))
    assert connection.getresponse().status == 200


def test_services_are_told_apart_on_one_connection(port: int) -> None:
    options = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
    url = f"http://127.0.0.1:{port}"
    clients = [boto3.client(name, endpoint_url=url, **options) for name in ("sqs", "apigateway", "dynamodb")]  # type: ignore[call-overload]
    try:
        queues, gateway, tables = clients
        for _ in range(2):
            assert queues.list_queues().get("QueueUrls", []) == []
            assert gateway.get_rest_apis()["items"] == []
            assert tables.list_tables()["TableNames"] == []
    finally:
        for client in clients:
            client.close()


def test_it_listens_on_loopback_alone(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    for address in ("127.0.0.2", "::1"):
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=5).close()


def test_it_ends_with_whoever_started_it() -> None:
    port = free_port()
    process = started(port)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(LONGEST_STOP) == 0
    assert is_free(port)
    assert process.stdout is not None
    process.stdout.close()


def test_what_is_mended_is_what_moto_uses() -> None:
    """A newer moto may have other names for these, and nobody would tell."""
    source = inspect.getsource(queues)
    assert "unix_time_millis()" in inspect.getsource(queues.Message.visible.fget)  # type: ignore[attr-defined]
    assert "unix_time()" in source
    assert "self.is_message_valid_based_on_retention_period(" in inspect.getsource(queues.SQSBackend.receive_message)


def test_a_message_that_is_too_old_is_not_received_any_more(port: int) -> None:
    client = boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", region_name="eu-west-1")
    url = client.create_queue(QueueName="short", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="x")
    assert len(client.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]) == 1
    client.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "0"})
    assert "Messages" not in client.receive_message(QueueUrl=url)
    client.close()


def test_what_is_sent_while_others_are_deleted_is_there_and_they_are_not(port: int) -> None:
    client = boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", region_name="eu-west-1")
    url = client.create_queue(QueueName="busy", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    got: list[str] = []

    def send(number: int) -> None:
        entries: Any = [{"Id": str(one), "MessageBody": f"{number}-{one}"} for one in range(10)]
        client.send_message_batch(QueueUrl=url, Entries=entries)

    def delete(messages: Any) -> None:
        entries: Any = [{"Id": one["MessageId"], "ReceiptHandle": one["ReceiptHandle"]} for one in messages]
        client.delete_message_batch(QueueUrl=url, Entries=entries)

    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(send, number) for number in range(60)]
        while not all(one.done() for one in sent) or len(got) < 600:
            messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            assert messages or not all(one.done() for one in sent), f"{len(got)} of 600"
            got += [one["Body"] for one in messages]
            if messages:
                pool.submit(delete, messages)
    assert len(set(got)) == len(got) == 600
    left = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert left["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "0"}
    client.close()
