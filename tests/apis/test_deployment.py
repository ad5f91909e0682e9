"""The stacks come up whole, as they are, and what is known of the emulator is told."""

import pytest

from infra.families import ROOT, names
from tests.apis import differences
from tests.apis.deployment import Deployment

STACKS = ["accounts", *names()]


def _assert_whole(deployment: Deployment, stack: str) -> None:
    """Every resource of the template is there."""
    client = deployment.emulator.client("cloudformation")
    name = f"SessionApis-{deployment.name}-{stack}"
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    found = [one for page in pages for one in page["StackResourceSummaries"]]
    client.close()
    assert {one["LogicalResourceId"] for one in found} == set(deployment.template(stack)["Resources"])
    assert {one["ResourceStatus"] for one in found} == {"CREATE_COMPLETE"}
    assert set(deployment.outputs(stack)) == set(deployment.template(stack)["Outputs"])


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_dev_comes_up_whole(deployment: Deployment, stack: str) -> None:
    _assert_whole(deployment, stack)


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_prod_comes_up_whole(prod: Deployment, stack: str) -> None:
    _assert_whole(prod, stack)


def test_the_operators_command_sees_the_deployment(deployment: Deployment) -> None:
    told = deployment.sessionctl("status").json
    assert told["deployment"] == "dev"
    assert {one["stack"]: one["status"] for one in told["stacks"]} == dict.fromkeys(STACKS, "CREATE_COMPLETE")


def test_every_difference_is_told() -> None:
    text = (ROOT / "docs" / "emulator.md").read_text()
    for one in differences.ALL:
        assert f"| {one.name} |" in text
        assert one.page in text
