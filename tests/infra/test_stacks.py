"""Which stacks there are, what holds them together, and what outlives them."""

import fnmatch
import json
import shlex
import subprocess

import pytest

from infra import families
from infra.families import ROOT
from infra.settings import ENVIRONMENTS
from tests.infra.stacks import Stacks, of, text

HOLDING = ("DynamoDB::Table", "SQS::Queue", "Logs::LogGroup")


def test_there_is_a_stack_for_every_family_and_one_for_accounts_in_every_environment(stacks: Stacks) -> None:
    wanted = ("accounts", *families.names())
    assert sorted(stacks) == sorted(
        f"SessionApis-{environment}-{name}" for environment in ENVIRONMENTS for name in wanted
    )


def test_no_stack_locks_another_by_an_export(stacks: Stacks) -> None:
    for stack in stacks.values():
        assert "Fn::ImportValue" not in json.dumps(stack.template)
        assert [one for one in stack.template["Outputs"].values() if "Export" in one] == []


def test_the_accounts_are_where_the_families_look_for_them(stacks: Stacks) -> None:
    for environment in ENVIRONMENTS:
        stack = stacks[f"SessionApis-{environment}-accounts"]
        assert stack.properties("DynamoDB::Table")["TableName"] == f"session-apis-{environment}-accounts"
        assert stack.output("AccountsTable") == f"session-apis-{environment}-accounts"


@pytest.mark.parametrize("family", families.names())
def test_a_stack_tells_operators_where_its_things_are(stacks: Stacks, family: str) -> None:
    stack, definition = of(stacks, "dev", family)
    expected = {"ApiUrl": "AWS::ApiGateway::Stage"}
    expected |= {f"{table.name.title().replace('-', '')}Table": "AWS::DynamoDB::Table" for table in definition.tables}
    if definition.recorder:
        expected |= {"QueueUrl": "AWS::SQS::Queue", "DeadLetterQueueUrl": "AWS::SQS::Queue"}
    if definition.has_api_keys:
        expected["UsagePlanId"] = "AWS::ApiGateway::UsagePlan"
    outputs = {name: text(one["Value"]) for name, one in stack.template["Outputs"].items()}
    (api,) = stack.resources("ApiGateway::RestApi")
    (stage,) = stack.resources("ApiGateway::Stage")
    assert outputs["ApiUrl"] == f"https://{api}.execute-api.AWS::Region.AWS::URLSuffix/{stage}/"
    named = outputs | {"ApiUrl": stage}
    assert {name: stack.template["Resources"][value]["Type"] for name, value in named.items()} == expected


def test_prod_keeps_what_it_holds(stacks: Stacks) -> None:
    assert _fates(stacks, "prod") == {("Retain", "Retain")}
    assert _protection(stacks, "prod") == {(True, True)}


def test_dev_leaves_nothing_behind(stacks: Stacks) -> None:
    assert _fates(stacks, "dev") == {("Delete", "Delete")}
    assert _protection(stacks, "dev") == {(False, False)}


def _fates(stacks: Stacks, environment: str) -> set[tuple[str, str]]:
    """What becomes of tables, queues and logs: when deleted, and when replaced."""
    return {
        (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, stack in stacks.items()
        if name.startswith(f"SessionApis-{environment}-")
        for kind in HOLDING
        for resource in stack.resources(kind).values()
    }


def _protection(stacks: Stacks, environment: str) -> set[tuple[bool, bool]]:
    """Of tables: whether they refuse to be deleted, and whether they can be restored to any second."""
    return {
        (
            table["Properties"]["DeletionProtectionEnabled"],
            table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        )
        for name, stack in stacks.items()
        if name.startswith(f"SessionApis-{environment}-")
        for table in stack.resources("DynamoDB::Table").values()
    }


@pytest.mark.parametrize(
    ("typed", "deployed"),
    [
        (["deploy"], [f"SessionApis-dev-{name}" for name in ("accounts", *families.names())]),
        (["deploy", "ENVIRONMENT=prod"], [f"SessionApis-prod-{name}" for name in ("accounts", *families.names())]),
        (["deploy", "STACKS=SessionApis-prod-store"], ["SessionApis-prod-store"]),
    ],
)
def test_make_deploys_the_stacks_that_are_asked_for(stacks: Stacks, typed: list[str], deployed: list[str]) -> None:
    """What it would do, which the tests of the APIs do by the same command line: nothing is done here, or installed."""
    command, action, pattern = _last_command(*typed)
    assert (command, action) == ("node_modules/.bin/cdk", "deploy")
    assert sorted(fnmatch.filter(stacks, pattern)) == sorted(deployed)


def test_make_bootstraps_by_the_same_command_line() -> None:
    assert _last_command("bootstrap") == ["node_modules/.bin/cdk", "bootstrap"]


def _last_command(*typed: str) -> list[str]:
    """The last one that make would run; those before prepare the folder."""
    told = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *typed], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return shlex.split(told.splitlines()[-1])
