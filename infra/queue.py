"""The queue that a family's events come in by, and the one for those that cannot be recorded."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.removal import removal_policy
from infra.settings import ATTEMPTS, QUEUE_MESSAGE_BYTES, RECORDERS, REDRIVES, Environment

_BATCH = 10
_DEAD_LETTER_BYTES = 256 * 1024  # an event and its reason
_KEPT = Duration.days(14)  # the longest that SQS has


class Queue(Construct):
    """Both queues, encrypted by SQS and reached by TLS only."""

    def __init__(self, scope: Construct, name: str, *, timeout: int, environment: Environment) -> None:
        """`timeout` is the recorder's, in seconds. A batch stays hidden for six of them, as AWS advises: see
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        super().__init__(scope, name)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            retention_period=_KEPT,
            max_message_size_bytes=_DEAD_LETTER_BYTES,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=removal_policy(environment),
        )
        self.events = sqs.Queue(
            self,
            "Events",
            visibility_timeout=Duration.seconds(max(environment.retry_seconds, 6 * timeout)),
            retention_period=_KEPT,
            max_message_size_bytes=QUEUE_MESSAGE_BYTES,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=ATTEMPTS + REDRIVES),
            removal_policy=removal_policy(environment),
        )

    def rights(self) -> list[iam.PolicyStatement]:
        """What a recorder does with the two."""
        receiving = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        return [
            iam.PolicyStatement(actions=receiving, resources=[self.events.queue_arn]),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.dead_letters.queue_arn]),
        ]

    def feed(self, recorder: lambda_.IFunction) -> None:
        """The events go to this function, which answers for each of a batch."""
        recorder.add_event_source_mapping(
            "Events",
            event_source_arn=self.events.queue_arn,
            batch_size=_BATCH,
            max_concurrency=RECORDERS,
            report_batch_item_failures=True,
        )
