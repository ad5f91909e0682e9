"""A deployment in the cloud is found by its stacks' outputs; what is amiss there is told in a sentence."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import families
from infra.local.resources import Queue
from infra.operations.main import main
from tests.operations.cloud import deploy, stack
from tests.operations.commands import environment, run

KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1"}


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_deployed_is_told(aws: dict[str, Queue], capsys: pytest.CaptureFixture[str]) -> None:
    deploy("prod", aws)
    boto3.client("sqs").send_message(QueueUrl=aws["device"].url, MessageBody="x")
    told = typed(capsys, "status", "--environment", "prod")
    nothing = dict.fromkeys(("waiting", "being_recorded", "postponed", "dead_letters"), 0)
    ages = dict.fromkeys(("oldest_waiting_seconds", "oldest_dead_letter_seconds"))
    assert told == {
        "deployment": "prod",
        "stacks": [{"stack": name, "status": "CREATE_COMPLETE"} for name in ("accounts", *families.names())],
        "families": [
            {"family": "device"} | nothing | {"waiting": 1} | ages,
            {"family": "knowledge"} | dict.fromkeys(nothing) | ages,
            {"family": "store"} | nothing | ages,
            {"family": "widget"} | nothing | ages,
        ],
        "expiring_credentials": [],
    }


def test_the_age_of_the_oldest_message_is_the_latest_that_cloudwatch_knows(
    aws: dict[str, Queue], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("dev", aws)
    now = datetime.now(UTC)
    asked = []

    def statistics(**request: Any) -> dict[str, Any]:
        asked.append(request["Dimensions"][0]["Value"])
        points = [(3, 70.0), (2, 130.0), (9, 5.0)] if asked[-1] == "device-events" else []
        return {"Datapoints": [{"Timestamp": now - timedelta(minutes=ago), "Maximum": age} for ago, age in points]}

    monkeypatch.setattr(boto3.client("cloudwatch"), "get_metric_statistics", statistics)
    told = {one["family"]: one for one in typed(capsys, "status")["families"]}
    assert told["device"]["oldest_waiting_seconds"] == 130
    assert told["device"]["oldest_dead_letter_seconds"] is None
    assert sorted(asked) == sorted(
        f"{family}-{kind}" for family in ("device", "store", "widget") for kind in ("events", "dead-letters")
    )


def test_an_insurers_key_comes_and_goes(aws: dict[str, Queue], capsys: pytest.CaptureFixture[str]) -> None:
    deploy("dev", aws)
    gateway = boto3.client("apigateway")
    (plan,) = gateway.get_usage_plans()["items"]

    def keys() -> list[str]:
        return sorted(key["id"] for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"])

    typed(capsys, "account", "create", "widget", "acme")
    first = typed(capsys, "credential", "create", "widget", "acme")
    assert keys() == [first["api_key_id"]]
    assert gateway.get_api_key(apiKey=first["api_key_id"], includeValue=True)["value"] == first["secret"]
    second = typed(capsys, "credential", "rotate", "widget", first["credential"])
    assert keys() == sorted([first["api_key_id"], second["api_key_id"]])
    typed(capsys, "credential", "revoke", "widget", first["credential"], "--yes")
    assert [key["id"] for key in gateway.get_api_keys()["items"]] == [second["api_key_id"]]
    typed(capsys, "account", "disable", "widget", "acme", "--yes")
    assert gateway.get_api_keys()["items"] == []


def test_where_nothing_is_deployed_that_is_said(aws: dict[str, Queue], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Nothing is deployed as dev in this AWS account and region.")


def test_a_family_that_is_not_deployed_is_not_found(aws: dict[str, Queue], capsys: pytest.CaptureFixture[str]) -> None:
    stack("SessionApis-dev-accounts", AccountsTable="accounts")
    stack("SessionApis-dev-knowledge", KnowledgeSessionsTable="knowledge-sessions")
    assert main(["account", "list", "device"]) == 3
    assert capsys.readouterr().err == "device is not deployed in dev; deployed are: knowledge.\n"


def test_a_stack_that_did_not_come_up_is_told_of(aws: dict[str, Queue], capsys: pytest.CaptureFixture[str]) -> None:
    stack("SessionApis-dev-accounts", AccountsTable="accounts")
    stack("SessionApis-dev-device")
    told = typed(capsys, "status")
    assert told["families"] == []
    assert [one["stack"] for one in told["stacks"]] == ["accounts", "device"]
    assert main(["account", "list", "device"]) == 1
    refusal = "device cannot be used: its stack is CREATE_COMPLETE and lacks outputs.\n"
    assert capsys.readouterr().err == refusal
    stack("SessionApis-prod-accounts")
    assert main(["status", "--environment", "prod"]) == 1
    assert "the accounts' stack is CREATE_COMPLETE" in capsys.readouterr().err


def test_what_aws_refuses_is_told(
    aws: dict[str, Queue], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("dev", aws)
    for one in (aws["device"].url, aws["device"].dead_letter_url):
        boto3.client("sqs").delete_queue(QueueUrl=one)
    assert main(["dead-letters", "list", "device"]) == 1
    assert capsys.readouterr().err.startswith("AWS refused GetQueueAttributes: ")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"AWS_REGION": ""}, "AWS cannot be asked: You must specify a region.\n"),
        ({"AWS_REGION": "no region"}, "AWS cannot be asked: "),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "AWS cannot be asked: Unable to locate credentials\n"),
        ({"AWS_PROFILE": "nope"}, "AWS cannot be asked: The config profile (nope) could not be found\n"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS cannot be asked: Could not connect to the endpoint URL: "),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS cannot be asked: Invalid endpoint: nonsense\n"),
    ],
)
def test_an_operators_mistake_gets_a_sentence(settings: dict[str, str], told: str) -> None:
    given = {name: value for name, value in (KEYS | settings).items() if value}
    failed = run("status", env=environment(**given))
    assert (failed.status, failed.out) == (1, "")
    assert failed.err.startswith(told)
    assert len(failed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "complaint"),
    [
        (["--environment", "moon"], {}, "There is no environment 'moon'; there are: dev, prod."),
        ([], {"SESSIONCTL_ENVIRONMENT": "moon"}, "There is no environment 'moon'; there are: dev, prod."),
        (["--environment", "prod", "--local"], {}, "Give --local or --environment, not both."),
        (["--nonsense"], {}, "No such option: --nonsense"),
    ],
)
def test_where_it_works_must_be_clear(arguments: list[str], variables: dict[str, str], complaint: str) -> None:
    failed = run("status", *arguments, env=environment(**variables))
    assert (failed.status, failed.out) == (2, "")
    assert complaint in failed.err


def test_environments_of_ones_own_are_known(tmp_path: Path) -> None:
    own = tmp_path / "deployment.toml"
    own.write_text('[staging]\nlike = "prod"\n')
    failed = run("status", "--environment", "moon", env=environment(DEPLOYMENT_SETTINGS=str(own)))
    assert failed.status == 2
    assert "There is no environment 'moon'; there are: dev, prod, staging." in failed.err
    own.write_text("[staging]\n")
    refused = run("status", "--environment", "dev", env=environment(DEPLOYMENT_SETTINGS=str(own)))
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == f"{own}: staging needs like, one of dev, prod\n"


def test_an_environment_that_is_typed_counts_more_than_a_variable(
    aws: dict[str, Queue], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("prod", aws)
    monkeypatch.setenv("SESSIONCTL_LOCAL", "1")
    assert typed(capsys, "status", "--environment", "prod")["deployment"] == "prod"
