"""What is watched, who is told, and what the runbook says of it."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra import families
from infra.accounts_stack import AccountsStack
from infra.families import ROOT
from infra.family_stack import FamilyStack
from infra.settings import ATTEMPTS, ENVIRONMENTS, PROD
from tests.infra.stacks import EVERY_STACK, Stacks, metrics, of, text

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PAGES = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
EVERYWHERE = {
    *("server-errors", "slow-answers", "function-errors", "function-throttles", "concurrency"),
    *("steady-failures-answers", "steady-failures-functions"),
}
OF_TABLES = {"table-throttles", "table-errors"}
OF_QUEUES = {"old-events", "dead-letters"}
MEANING = {
    "server-errors": ["in {minutes} minutes more than {most} %"],
    "slow-answers": ["for {minutes} minutes", "more than {most} ms"],
    "function-errors": ["in {minutes} minutes", "more than {most} times"],
    "steady-failures": [
        "in {minutes} minutes more than {most} % of the answers",
        "more than {most} % of one function's",
    ],
    "new-version": ["if only once in {minutes} minute"],
    "function-throttles": ["in {minutes} minutes", "if only once"],
    "concurrency": ["for {minutes} minutes", "more than half"],
    "table-throttles": ["for {minutes} minutes", "more than {most} requests", "in each 5"],
    "table-errors": ["in {minutes} minutes", "more than {most} times"],
    "old-events": ["more than {most} seconds"],
    "dead-letters": ["there is an event, or more"],
    "short-pages": ["for {minutes} minutes more than {per_cent:.0f} %"],
    "read-units": ["for {minutes} minutes", "more than {most} read units"],
    "refusals": ["in {minutes} minutes", "more than {most} callers"],
}
"""What each page says of its alarm's threshold and time."""


def alarms(stack: Any) -> dict[str, Any]:
    found = stack.resources("CloudWatch::Alarm").values()
    return {one["Properties"]["AlarmName"]: one["Properties"] for one in found}


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_every_family_is_watched(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    pages = set(EVERYWHERE)
    if definition.recorder:
        pages |= OF_QUEUES
    if definition.authorizer:
        pages.add("refusals")
    if family == "store":
        pages |= {"short-pages", "read-units"}
    released = {f"new-version-{one.module}" for one in definition.functions if ENVIRONMENTS[environment].shifts_traffic}
    expected = {*pages, *released, *(f"{page}-{table.name}" for page in OF_TABLES for table in definition.tables)}
    assert set(alarms(stack)) == {f"session-apis-{environment}-{family}-{name}" for name in expected}


def test_every_alarm_has_its_page_and_every_page_its_alarm(stacks: Stacks) -> None:
    described = {
        alarm["AlarmDescription"] for name in families.names() for alarm in alarms(of(stacks, "prod", name)[0]).values()
    }
    assert described == {f"docs/runbook.md#{page}" for page in PAGES}
    for page, said in PAGES.items():
        assert re.findall(r"\*\*(\w+(?: \w+)?):\*\*", said) == ["Means", "Look at", "Do"], page
        assert re.search(r"^    (aws|sessionctl) ", said, re.MULTILINE), page


def test_the_runbook_says_what_the_thresholds_are(stacks: Stacks) -> None:
    found = {name: one for family in families.names() for name, one in alarms(of(stacks, "prod", family)[0]).items()}
    assert len(found) > 50
    for name, alarm in found.items():
        page = alarm["AlarmDescription"].partition("#")[2]
        (period,) = {int(alarm["Period"])} if "Period" in alarm else {int(one["Period"]) for one in periods(alarm)}
        minutes = period * alarm["EvaluationPeriods"] // 60
        means = " ".join(PAGES[page].partition("**Look at:**")[0].split())
        for said in MEANING[page]:
            assert said.format(most=alarm["Threshold"], minutes=minutes, per_cent=100 * alarm["Threshold"]) in means, (
                name
            )


def test_the_runbook_says_how_many_are_few(stacks: Stacks) -> None:
    """Of which an alarm takes no notice: they stand in its expression."""
    found = alarms(of(stacks, "prod", "widget")[0])
    for name, few in (("server-errors", 5), ("slow-answers", 20), ("steady-failures-functions", 3)):
        alarm = found[f"session-apis-prod-widget-{name}"]
        (expression,) = (one["Expression"] for one in alarm["Metrics"] if "Expression" in one)
        assert f">= {few}," in expression
        assert f"at least {few}" in PAGES[alarm["AlarmDescription"].partition("#")[2]]


def periods(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each metric that an expression is made of."""
    return [one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one]


def test_concurrency_is_told_at_half_of_what_there_is_and_events_at_twice_their_attempts(stacks: Stacks) -> None:
    found = alarms(of(stacks, "prod", "widget")[0])
    assert found["session-apis-prod-widget-concurrency"]["Threshold"] == PROD.concurrency / 2
    assert found["session-apis-prod-widget-old-events"]["Threshold"] == 2 * ATTEMPTS * PROD.retry_seconds


@pytest.mark.parametrize(
    ("failed", "calls", "goes_off"), [(2, 2, False), (3, 3, True), (3, 5, True), (3, 6, False), (3, 7, False)]
)
def test_few_failures_are_told_of_where_they_are_most_calls(
    stacks: Stacks, failed: int, calls: int, goes_off: bool
) -> None:
    """An API that is called a few times in an hour, and answers hardly any."""
    alarm = alarms(of(stacks, "prod", "widget")[0])["session-apis-prod-widget-steady-failures-answers"]
    (expression,) = (one["Expression"] for one in alarm["Metrics"] if "Expression" in one)
    condition, ratio, otherwise = expression.removeprefix("IF(").removesuffix(")").split(", ")
    known = {"errors": failed, "requests": calls}
    value = eval(ratio, {}, known) if eval(condition, {}, known) else float(otherwise)
    assert (value > alarm["Threshold"]) is goes_off


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_no_alarm_counts_a_callers_mistake_as_our_failure(stacks: Stacks, environment: str, family: str) -> None:
    stack, _ = of(stacks, environment, family)
    counted = {metric["MetricName"] for alarm in alarms(stack).values() for metric in metrics(alarm)}
    assert counted <= {
        *("5XXError", "Count", "Latency", "Invocations", "Errors", "Throttles", "ConcurrentExecutions"),
        *("ThrottledRequests", "ReadThrottleEvents", "SystemErrors"),
        *("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"),
        *("short", "read_units", "refusals", "failures"),
    }
    assert "4XXError" not in counted
    assert "UserErrors" not in counted


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_every_function_table_and_queue_is_watched(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    found = [text(metric) for alarm in alarms(stack).values() for metric in metrics(alarm)]
    named = {one["Value"] for metric in found for one in metric.get("Dimensions", ())}
    assert {one["id"] for one in stack.functions().values()} <= named
    assert set(stack.resources("DynamoDB::Table")) <= named
    queues = {f"{queue}.QueueName" for queue in stack.resources("SQS::Queue")}
    assert queues <= named
    assert bool(queues) == bool(definition.recorder)


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_no_alarm_asks_for_more_than_cloudwatch_gives(stacks: Stacks, environment: str, family: str) -> None:
    """An alarm on an expression may go by ten metrics; quiet is no alarm."""
    for name, alarm in alarms(of(stacks, environment, family)[0]).items():
        assert 1 <= len(list(metrics(alarm))) <= 10, name
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_a_batch_that_is_refused_in_part_is_counted(stacks: Stacks) -> None:
    """For it is no `ThrottledRequests`."""
    stack, _ = of(stacks, "prod", "store")
    alarm = next(one for name, one in alarms(stack).items() if name.endswith("-table-throttles-store-sessions"))
    counted = [
        (metric["MetricName"], {one["Name"]: text(one["Value"]) for one in metric["Dimensions"]}.get("Operation"))
        for metric in metrics(alarm)
    ]
    assert sorted(counted, key=str) == [
        ("ReadThrottleEvents", None),
        ("ThrottledRequests", "GetItem"),
        ("ThrottledRequests", "PutItem"),
        ("ThrottledRequests", "Query"),
    ]


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_one_dashboard_shows_all_that_is_watched(stacks: Stacks, environment: str, family: str) -> None:
    stack, _ = of(stacks, environment, family)
    board = stack.properties("CloudWatch::Dashboard")
    assert board["DashboardName"] == f"session-apis-{environment}-{family}"
    shown = text(board["DashboardBody"])
    watched = [
        name
        for name, one in stack.resources("CloudWatch::Alarm").items()
        if "-new-version-" not in one["Properties"]["AlarmName"]
    ]
    assert all(f"{name}.Arn" in shown for name in watched)


@pytest.mark.parametrize("family", [name for name in families.names() if families.load(name).authorizer])
def test_refusals_are_counted_in_the_authorizers_log(stacks: Stacks, family: str) -> None:
    stack, _ = of(stacks, "prod", family)
    counted = stack.properties("Logs::MetricFilter")
    assert text(counted["LogGroupName"]) == stack.functions()["authorize"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert counted["FilterPattern"] == '{ $.message = "caller refused" }'
    (made,) = counted["MetricTransformations"]
    assert (made["MetricNamespace"], made["MetricName"]) == (f"SessionApis/prod/{family}", "refusals")
    refusals = alarms(stack)[f"session-apis-prod-{family}-refusals"]
    assert (refusals["Namespace"], refusals["MetricName"]) == (made["MetricNamespace"], made["MetricName"])


def test_alarms_are_sent_where_somebody_is_to_be_told(tmp_path: Any) -> None:
    told = replace(PROD, name="told", alarm_address="operators@example.com")
    app = App(outdir=str(tmp_path), context={"aws:cdk:bundling-stacks": []})
    accounts = AccountsStack(app, environment=told)
    family = Template.from_stack(FamilyStack(app, "knowledge", environment=told, accounts=accounts)).to_json()
    shared = Template.from_stack(accounts)
    shared.has_resource_properties("AWS::SNS::Topic", {"TopicName": "session-apis-told-alarms"})
    shared.has_resource_properties("AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "operators@example.com"})
    topic = "arn:AWS::Partition:sns:AWS::Region:AWS::AccountId:session-apis-told-alarms"
    found = [one["Properties"] for one in family["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert found
    for alarm in found:
        assert (text(alarm["AlarmActions"]), text(alarm["OKActions"])) == ([topic], [topic])
    (topic_policy,) = shared.find_resources("AWS::SNS::TopicPolicy").values()
    (key,) = shared.find_resources("AWS::KMS::Key").values()
    said = [topic_policy["Properties"]["PolicyDocument"], key["Properties"]["KeyPolicy"]]
    granted = [
        (one["Action"], one["Condition"])
        for document in said
        for one in text(document)["Statement"]
        if one["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]
    ours = {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}
    assert granted == [("sns:Publish", ours), (["kms:Decrypt", "kms:GenerateDataKey*"], ours)]
    assert "aws:SecureTransport" in json.dumps(topic_policy)
    shared.has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_accounts_are_watched(stacks: Stacks, environment: str) -> None:
    stack = stacks[f"SessionApis-{environment}-accounts"]
    (table,) = stack.resources("DynamoDB::Table")
    found = alarms(stack)
    assert set(found) == {f"session-apis-{environment}-accounts-{page}-accounts" for page in OF_TABLES}
    for alarm in found.values():
        dimensions = [text(one["Dimensions"]) for one in metrics(alarm)]
        assert [{one["Name"]: one["Value"] for one in two} for two in dimensions] == [
            {"TableName": table, "Operation": operation} for operation in ("GetItem", "PutItem", "Query", "UpdateItem")
        ]


def test_nobody_is_told_without_an_address(stacks: Stacks) -> None:
    for stack in stacks.values():
        assert stack.resources("SNS::Topic") == {}
        assert not any(alarm.get("AlarmActions") for alarm in alarms(stack).values())
