"""A recorder's queue: how long, how often, how large, and how safe."""

import pytest

from infra.settings import ENVIRONMENTS
from tests.infra.stacks import EVERY_STACK, Stack, Stacks, of, text

FOURTEEN_DAYS = 14 * 24 * 3600


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_a_family_has_the_two_queues_of_its_recorder_or_none(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    queues = {name: text(one["Properties"]) for name, one in stack.resources("SQS::Queue").items()}
    if definition.recorder is None:
        assert queues == stack.resources("Lambda::EventSourceMapping") == {}
        return
    events, dead = stack.output("QueueUrl"), stack.output("DeadLetterQueueUrl")
    assert queues == {
        events: {
            "VisibilityTimeout": max(ENVIRONMENTS[environment].retry_seconds, 6 * definition.recorder.timeout),
            "MessageRetentionPeriod": FOURTEEN_DAYS,
            "MaximumMessageSize": 248 * 1024,
            "RedrivePolicy": {"deadLetterTargetArn": f"{dead}.Arn", "maxReceiveCount": 8},
            "SqsManagedSseEnabled": True,
        },
        dead: {
            "MessageRetentionPeriod": FOURTEEN_DAYS,
            "MaximumMessageSize": 256 * 1024,
            "SqsManagedSseEnabled": True,
        },
    }
    assert text(stack.properties("Lambda::EventSourceMapping")) == {
        "EventSourceArn": f"{events}.Arn",
        "FunctionName": _name(stack, definition.recorder.module),
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 10},
    }
    for queue in (events, dead):
        (policy,) = [
            one["Properties"]["PolicyDocument"]["Statement"]
            for one in stack.resources("SQS::QueuePolicy").values()
            if text(one["Properties"]["Queues"]) == [queue]
        ]
        assert text(policy) == [
            {
                "Action": "sqs:*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Resource": f"{queue}.Arn",
            }
        ]


def _name(stack: Stack, module: str) -> str:
    """By which the queue calls the recorder."""
    called = stack.called(module)
    return called.removesuffix(".Arn") if called.endswith(".Arn") else f"{called}:live"
