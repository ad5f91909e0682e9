"""What the event source mapping does in the cloud: takes messages from a queue, and gives them to the recorder."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.functions import Context
from infra.local.resources import RETRY_SECONDS, Queue
from sessions import log

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
_WAIT = 1  # seconds
_HIDDEN = 60  # seconds in which a batch is recorded, on a busy desk
_RECORDERS = 4
"""Batches that are recorded at the same time. They wait for DynamoDB most of the time."""


Recorder = Callable[[dict[str, Any], Any], Any]


class Poller:
    """Feeds one recorder from one queue, in threads, until it is stopped."""

    def __init__(self, name: str, queue: Queue, recorder: Recorder) -> None:
        self._queue = queue
        self._name = name
        self._recorder = recorder
        self._client = boto3.client("sqs")
        self._stopping = threading.Event()
        self._free = threading.Semaphore(_RECORDERS)
        self._recorders = ThreadPoolExecutor(_RECORDERS, thread_name_prefix=f"record-{name}")
        self._thread = threading.Thread(target=self._run, name=f"poll-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once the batches in hand are done with."""
        self._stopping.set()
        self._thread.join(timeout=_WAIT + 5)
        self._recorders.shutdown()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._free.acquire(timeout=_WAIT):
                self._feed()

    def _feed(self) -> None:
        messages: Sequence[MessageTypeDef] = ()
        try:
            messages = self._client.receive_message(
                QueueUrl=self._queue.url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=_HIDDEN,
                WaitTimeSeconds=_WAIT,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
        except (BotoCoreError, ClientError):
            if not self._stopping.wait(_WAIT):
                log.failure("queue cannot be read", queue=self._name)
        if messages:
            self._recorders.submit(self._record, messages)
        else:
            self._free.release()

    def _record(self, messages: Sequence["MessageTypeDef"]) -> None:
        try:
            answer = self._recorder({"Records": [as_record(message) for message in messages]}, Context(self._name, 30))
            again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            done = [{"ReceiptHandle": one["ReceiptHandle"]} for one in messages if one["MessageId"] not in again]
            waiting = [
                {"ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": RETRY_SECONDS}
                for one in messages
                if one["MessageId"] in again
            ]
            if done:
                self._client.delete_message_batch(QueueUrl=self._queue.url, Entries=_numbered(done))
            if waiting:
                self._client.change_message_visibility_batch(QueueUrl=self._queue.url, Entries=_numbered(waiting))
        except (BotoCoreError, ClientError):
            if not self._stopping.is_set():
                log.failure("queue cannot be told", queue=self._name)
        finally:
            self._free.release()


def _numbered(entries: Sequence[dict[str, Any]]) -> Any:
    return [{"Id": str(number)} | entry for number, entry in enumerate(entries)]


def as_record(message: "MessageTypeDef") -> dict[str, Any]:
    """The message as a Lambda's batch has it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:local",
        "awsRegion": "local",
    }
