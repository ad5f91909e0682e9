"""A deployment in the cloud as `sessionctl` sees it: stacks with nothing but outputs, about what there is in moto."""

import json

import boto3

from infra import families
from infra.local import resources
from infra.local.resources import Queue


def deploy(environment: str, queues: dict[str, Queue]) -> None:
    """The stacks of the environment, for the tables and queues of the fixture `aws`."""
    stack(f"SessionApis-{environment}-accounts", AccountsTable="accounts")
    for family in map(families.load, families.names()):
        told = {"".join(map(str.title, table.name.split("-"))) + "Table": table.name for table in family.tables}
        if family.recorder:
            queue = queues[family.name]
            told |= {"QueueUrl": queue.url, "DeadLetterQueueUrl": queue.dead_letter_url}
        if family.has_api_keys:
            told["UsagePlanId"] = resources.create_usage_plan(family)
        stack(f"SessionApis-{environment}-{family.name}", **told)


def stack(name: str, **outputs: str) -> None:
    """A stack that has come up and tells these."""
    template = {"Resources": {}, "Outputs": {output: {"Value": value} for output, value in outputs.items()}}
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
