"""How full the queues are, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_PERIOD = timedelta(minutes=1)
_LATEST = timedelta(minutes=15)  # SQS tells its metrics every minute, some minutes late


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages, as SQS estimates them: those that wait, those that a reader holds, those that are postponed."""

    waiting: int
    held: int
    postponed: int


def depth(url: str, client: "SQSClient | None" = None) -> Depth:
    """How full the queue is now."""
    names: Any = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    asked = client or boto3.client("sqs")
    found = asked.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return Depth(*(int(found[name]) for name in names))


def age(url: str, now: datetime) -> int | None:
    """Seconds that the oldest message is there, by CloudWatch; None where it does not know.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    client: Any = boto3.client("cloudwatch")
    points = client.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
        StartTime=now - _LATEST,
        EndTime=now,
        Period=int(_PERIOD.total_seconds()),
        Statistics=["Maximum"],
    )["Datapoints"]
    latest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if latest is None else int(latest["Maximum"])
