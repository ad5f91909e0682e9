"""The stacks come up whole, as they are, and what is known of the emulator is told."""

import re

import pytest

from infra.families import ROOT, names
from tests.answers import Client
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


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_with_all_that_is_optional_comes_up_whole(everything: Deployment, stack: str) -> None:
    _assert_whole(everything, stack)


def test_an_environments_settings_reach_its_functions(everything: Deployment) -> None:
    with Client(everything.base_url, paths=everything.paths) as http:
        answers = [
            http.put("/sessions/new", {"Origin": f"https://{host}"}) for host in ("example.com", "other.example")
        ]
    assert [(answer.status, list(answer.json)) for answer in answers] == [(200, ["response"])] * 2
    allowed = [answer.headers.get("access-control-allow-origin") for answer in answers]
    assert allowed == ["https://example.com", None]


def test_every_test_of_the_local_platform_alone_is_told() -> None:
    text = (ROOT / "docs" / "emulator.md").read_text().partition("## What runs against the local platform alone")[2]
    files = (ROOT / "tests" / "local").glob("test_*.py")
    assert sorted(re.findall(r"`(test_\w+\.py)`", text)) == sorted(file.name for file in files)


def test_the_operators_command_sees_the_deployment(deployment: Deployment) -> None:
    told = deployment.sessionctl("status").json
    assert told["deployment"] == "dev"
    assert {one["stack"]: one["status"] for one in told["stacks"]} == dict.fromkeys(STACKS, "CREATE_COMPLETE")


def test_every_difference_is_told() -> None:
    text = (ROOT / "docs" / "emulator.md").read_text()
    for one in differences.ALL:
        assert f"| {one.name} |" in text
        assert one.page in text
