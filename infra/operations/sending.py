"""Sends messages to a queue in batches, several at a time; what the queue does not take is sent again for a while."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

from infra.operations import queues
from infra.operations.errors import OperationError, refusal

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

AT_ONCE = 8
"""Batches on their way: what may arrive without being acknowledged when the process is killed."""
BATCH = 10
BATCH_BYTES = 256 * 1024
"""All messages of a batch together. SQS takes more now, in some places:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""
WINDOW = 1000
_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 20.0  # seconds, at most, with full jitter
_LOOKS = 0.05, 2.0  # seconds between looks at a queue that is full: at first, and in the end
_PASSING = frozenset({"RequestThrottled", "ThrottlingException", "Throttling", "InternalError", "ServiceUnavailable"})


@dataclass(frozen=True, slots=True)
class Message:
    """`place` names it to who sends it."""

    place: int
    body: str


class _HasBody(Protocol):
    @property
    def body(self) -> str: ...


BodyT = TypeVar("BodyT", bound=_HasBody)


class Stopped(Exception):  # noqa: N818 (nothing is wrong)
    """Whoever sends was told to stop; what was acknowledged is noted, and nothing else has been sent."""


class Sender:
    """Sends to one queue until `stopping` is set. `note` is told the places that SQS acknowledges, in any thread."""

    results: Mapping[str, int] = MappingProxyType({})
    """Nothing: what becomes of an event is seen later."""

    def __init__(self, url: str, *, most_waiting: int, note: Callable[[list[int]], None], stopping: Event) -> None:
        self._url = url
        self._most_waiting = most_waiting
        self._note = note
        self._stopping = stopping
        # It is tried again here, where stopping ends that.
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
        self._client: SQSClient = boto3.client("sqs", config=config)
        self._asking: SQSClient = boto3.client("sqs")

    def send(self, messages: Iterable[Message], after_window: Callable[[], None]) -> None:
        """All of them, in windows after each of which the queue may have to empty first. `Stopped` where told to."""
        on_the_way: set[Future[None]] = set()
        window = min(WINDOW, max(1, self._most_waiting // 2))
        room = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send") as pool:
            try:
                for batch in batches(messages):
                    if room < len(batch):
                        _settled(on_the_way)
                        on_the_way.clear()
                        after_window()
                        self._wait_for_room(window)
                        room = window
                    if self._stopping.is_set():
                        break
                    room -= len(batch)
                    on_the_way.add(pool.submit(self._send, batch))
                    if len(on_the_way) >= AT_ONCE:
                        done, on_the_way = wait(on_the_way, return_when=FIRST_COMPLETED)
                        _settled(done)
                _settled(on_the_way)
            except BaseException:
                self._stopping.set()
                raise
        if self._stopping.is_set():
            raise Stopped

    def _send(self, batch: list[Message]) -> None:
        """Returns once SQS has acknowledged all, or nothing more is to be sent."""
        left = {str(number): message for number, message in enumerate(batch)}
        why = ""
        for attempt in range(_ATTEMPTS):
            longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
            if attempt and self._stopping.wait(random.uniform(0, longest)):  # noqa: S311 (jitter, no secret)
                return
            if self._stopping.is_set():
                return
            entries: Any = [{"Id": number, "MessageBody": message.body} for number, message in left.items()]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status < 500 and error.response["Error"]["Code"] not in _PASSING:
                    raise
                why = refusal(error)
                continue
            except (ConnectTimeoutError, EndpointConnectionError, HTTPClientError) as error:
                why = str(error)
                continue
            taken = [left.pop(one["Id"]).place for one in answer.get("Successful", ())]
            if taken:
                self._note(taken)
            failed = answer.get("Failed", ())
            if not left:
                return
            why = ", ".join(sorted({f"{one['Code']}: {one.get('Message')}" for one in failed}))
            if any(one["SenderFault"] and one["Code"] not in _PASSING for one in failed):
                break
        raise OperationError(f"SQS does not take {len(left)} events: {why}")

    def _wait_for_room(self, window: int) -> None:
        pause, longest = _LOOKS
        while not self._stopping.is_set():
            if queues.depth(self._url, self._asking).waiting + window <= self._most_waiting:
                return
            self._stopping.wait(pause)
            pause = min(longest, pause * 1.5)


def batches(messages: Iterable[BodyT]) -> Iterator[list[BodyT]]:
    """As large as SQS takes them."""
    batch: list[BodyT] = []
    size = 0
    for message in messages:
        own = len(message.body.encode())
        if batch and (len(batch) == BATCH or size + own > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += own
    if batch:
        yield batch


def _settled(futures: Iterable["Future[None]"]) -> None:
    for one in futures:
        one.result()
