"""What the operators' tools read of the stacks' outputs is there, in every environment."""

import pytest

from infra.operations import deployment
from infra.settings import ENVIRONMENTS
from tests.infra.stacks import EVERY_STACK, Stacks, of


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_a_familys_stack_tells_where_its_parts_are(stacks: Stacks, environment: str, family: str) -> None:
    stack, said = of(stacks, environment, family)
    read = deployment.outputs(said)
    assert read <= stack.template["Outputs"].keys()
    parts = {
        *stack.resources("DynamoDB::Table"),
        *stack.resources("DynamoDB::GlobalTable"),
        *stack.resources("SQS::Queue"),
        *stack.resources("ApiGateway::UsagePlan"),
    }
    assert {stack.output(name) for name in read} == parts


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_accounts_stack_tells_the_name_of_its_table(stacks: Stacks, environment: str) -> None:
    stack = stacks[f"SessionApis-{environment}-accounts"]
    assert stack.output(deployment.ACCOUNTS_OUTPUT) == f"session-apis-{environment}-accounts"
