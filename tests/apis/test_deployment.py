"""The stacks come up whole, as they are, and what is known of the emulator is told."""

from pathlib import Path
from typing import Any

import pytest

from infra.families import ROOT, names
from tests.apis import differences
from tests.apis.deployment import Deployment, Emulator

STACKS = ["accounts", *names()]


@pytest.fixture(scope="session")
def prod(emulator: Emulator, assembly: Path) -> Deployment:
    """The stacks of `prod`, with nothing in them."""
    deployment = Deployment(emulator, assembly, "prod")
    deployment.deploy()
    return deployment


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


def test_a_table_is_restored_beside_itself(deployment: Deployment) -> None:
    """With all its items; the emulator restores them as they are now, and leaves indexes out."""
    client = deployment.emulator.client("dynamodb")
    table = deployment.outputs("accounts")["AccountsTable"]
    client.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=f"{table}-restored", UseLatestRestorableTime=True
    )
    before, after = (_items(client, name) for name in (table, f"{table}-restored"))
    client.delete_table(TableName=f"{table}-restored")
    client.close()
    assert len(before) >= 6, "an account and a credential of each family that has them"
    assert after == before


def _items(client: Any, table: str) -> list[str]:
    return sorted(str(sorted(one.items())) for one in client.scan(TableName=table)["Items"])


def test_every_difference_is_told() -> None:
    text = (ROOT / "docs" / "emulator.md").read_text()
    for one in differences.ALL:
        assert f"| {one.name} |" in text
        assert one.page in text
