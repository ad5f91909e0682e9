"""A look through a queue: its messages one after the other, all given back in the end but those that are deleted."""

import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH = 10
_HIDDEN = 120  # seconds, from others who read, should this process die before it gives back what it holds
_LONGEST = 90.0  # seconds of reading while something is held, so that nothing is read twice
_MOST_HELD = 20_000


@dataclass(frozen=True, slots=True)
class Letter:
    """`reason` is None where SQS moved the message by itself; `sent` in milliseconds since 1970."""

    id: str
    receipt: str
    body: str
    reason: str | None
    sent: int
    received: int


class Reading:
    """A look at the whole queue. Others do not see what it holds; in the end, however that comes, all is given back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs")
        self._held: dict[str, str] = {}
        self._is_stopped = False
        self._on_interrupt: Any = signal.SIG_DFL
        self.is_whole = False

    def __enter__(self) -> Self:
        self._on_interrupt = signal.signal(signal.SIGINT, self._stop)
        return self

    def _stop(self, *_: object) -> None:
        """Waits for the answer under way, whose messages would be hidden and not known; the second time it does not."""
        if self._is_stopped:
            raise KeyboardInterrupt
        self._is_stopped = True

    def batches(self) -> Iterator[list[Letter]]:
        """Each letter once, at most ten at a time, in no order; `is_whole` once there are no more."""
        first = time.monotonic()
        while len(self._held) < _MOST_HELD and time.monotonic() - first < _LONGEST:
            received = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HIDDEN,
                WaitTimeSeconds=1,  # asks all of SQS's servers, not some
                AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                MessageAttributeNames=["reason"],
            )
            letters = [_letter(message) for message in received.get("Messages", ())]
            new = {letter.id: letter for letter in letters if letter.id not in self._held}
            self._held |= {letter.id: letter.receipt for letter in letters}  # the latest receipt is the one that counts
            if self._is_stopped:
                raise KeyboardInterrupt
            if not letters:
                self.is_whole = True
                return
            if not self._held.keys() - new.keys():
                first = time.monotonic()
            yield list(new.values())

    def delete(self, letters: Sequence[Letter]) -> int:
        """How many are gone for good; others are as they were."""
        if not letters:
            return 0
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": self._held[letter.id]} for number, letter in enumerate(letters)
        ]
        answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        gone = [letters[int(one["Id"])] for one in answer.get("Successful", ())]
        for letter in gone:
            del self._held[letter.id]
        return len(gone)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._give_back(list(self._held.values()))
        finally:
            signal.signal(signal.SIGINT, self._on_interrupt)

    def _give_back(self, receipts: Sequence[str]) -> None:
        for first in range(0, len(receipts), _BATCH):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[first : first + _BATCH])
            ]
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _letter(message: "MessageTypeDef") -> Letter:
    return Letter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        reason=reason.get("StringValue") if (reason := message.get("MessageAttributes", {}).get("reason")) else None,
        sent=int(message["Attributes"]["SentTimestamp"]),
        received=int(message["Attributes"]["ApproximateReceiveCount"]),
    )
