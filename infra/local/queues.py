"""What the event source mapping does in the cloud: takes messages from a queue, and gives them to the recorder."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.functions import Context
from infra.local.resources import Queue
from sessions import log

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
_WAIT = 1  # seconds


Recorder = Callable[[dict[str, Any], Any], Any]


class Poller:
    """Feeds one recorder from one queue, in a thread, until it is stopped."""

    def __init__(self, name: str, queue: Queue, recorder: Recorder) -> None:
        self._queue = queue
        self._name = name
        self._recorder = recorder
        self._client = boto3.client("sqs")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once the batch in hand is done with."""
        self._stopping.set()
        self._thread.join(timeout=_WAIT + 5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._feed()
            except (BotoCoreError, ClientError):
                if not self._stopping.wait(_WAIT):
                    log.failure("queue cannot be read", queue=self._name)

    def _feed(self) -> None:
        received = self._client.receive_message(
            QueueUrl=self._queue.url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=_WAIT,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages:
            return
        answer = self._recorder({"Records": [as_record(message) for message in messages]}, Context(self._name, 30))
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        done = [message for message in messages if message["MessageId"] not in again]
        if done:
            entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(done)]
            self._client.delete_message_batch(QueueUrl=self._queue.url, Entries=cast(Any, entries))


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
