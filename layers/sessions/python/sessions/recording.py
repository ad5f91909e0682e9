"""The Lambda behind a family's queue: each message is recorded, tried again, or buried with a reason.

A message that can never be recorded goes to the dead-letter queue at once; one that cannot be recorded yet stays
in the queue until its last attempt. Either way the dead letter has the body exactly as it came, so sending that
body to the queue again is a replay, and a `reason` attribute. Should the function itself die, the queue's own
redrive moves the message, without a reason.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import TypeAdapter, ValidationError

from sessions import log, settings
from sessions.events import explain

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

EventT = TypeVar("EventT")

_REASON_LIMIT = 600


class NotYetError(Exception):
    """The event is sound but cannot be recorded now. The text says why, to an operator."""


def recorder(
    family: str, events: TypeAdapter[EventT], store: Callable[[EventT], None]
) -> Callable[[dict[str, Any], Any], Any]:
    """A handler of the family's SQS batches that validates each message and hands it to `store`.

    It answers with the messages to be delivered again (`batchItemFailures`); the others are done with.
    """

    def handle(record: SQSRecord) -> None:
        last = int(record.attributes.approximate_receive_count) >= settings.number("RECORDING_ATTEMPTS")
        try:
            event = events.validate_json(record.body)
        except ValidationError as error:
            _bury(family, record, explain(error))
            return
        try:
            store(event)
        except NotYetError as error:
            if not last:
                log.info("event waits", message_id=record.message_id)
                raise
            _bury(family, record, str(error))
        except Exception as error:
            log.failure("event not recorded", message_id=record.message_id)
            if not last:
                raise
            _bury(family, record, f"recording failed: {type(error).__name__}")

    def handler(event: dict[str, Any], context: Any) -> Any:
        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        given = process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
        failures = len(given["batchItemFailures"])
        log.info("batch", messages=len(event["Records"]), again=failures)
        return given

    return handler


def _bury(family: str, record: SQSRecord, reason: str) -> None:
    log.warning("event refused", message_id=record.message_id, reason=reason[:_REASON_LIMIT])
    _client().send_message(
        QueueUrl=settings.text(f"{family.upper()}_DEAD_LETTER_QUEUE_URL"),
        MessageBody=record.body,
        MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:_REASON_LIMIT]}},
    )


@cache
def _client() -> "SQSClient":
    return boto3.client("sqs")
