"""How a new version comes into service."""

import pytest

from infra import families
from tests.infra.stacks import Stacks, metrics, of, text


@pytest.mark.parametrize("family", families.names())
def test_prod_gives_a_new_version_a_tenth_of_the_calls_and_goes_back_where_it_fails(
    stacks: Stacks, family: str
) -> None:
    stack, definition = of(stacks, "prod", family)
    aliases = stack.resources("Lambda::Alias")
    versions = stack.resources("Lambda::Version")
    groups = stack.resources("CodeDeploy::DeploymentGroup")
    (application,) = stack.resources("CodeDeploy::Application")
    assert len(aliases) == len(versions) == len(groups) == len(definition.functions)
    alarms = {
        one["Properties"]["AlarmName"]: (name, text(one["Properties"]))
        for name, one in stack.resources("CloudWatch::Alarm").items()
    }
    for one in definition.functions:
        alias = aliases[stack.called(one.module)]
        assert alias["Properties"]["Name"] == "live"
        version = versions[text(alias["Properties"]["FunctionVersion"]).removesuffix(".Version")]
        assert text(version["Properties"]["FunctionName"]) == stack.functions()[one.module]["id"]
        assert version["DeletionPolicy"] == "RetainExceptOnCreate", "nothing to go back to by hand"
        update = text(alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"])
        assert update["ApplicationName"] == application
        group = text(groups[update["DeploymentGroupName"]]["Properties"])
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent10Minutes"
        alarm, watched = alarms[f"session-apis-prod-{family}-new-version-{one.module}"]
        function = stack.functions()[one.module]["id"]
        number = text(alias["Properties"]["FunctionVersion"])
        counted = {
            (metric["Namespace"], metric["MetricName"]): {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            for metric in metrics(watched)
        }
        of_two = {"FunctionName": function, "Resource": f"{function}:live", "ExecutedVersion": number}
        assert counted == {
            ("AWS/Lambda", "Invocations"): of_two,
            ("AWS/Lambda", "Errors"): of_two,
            ("SessionApis", "failures"): {"function_name": function, "function_version": number},
        }
        (expression,) = [one["Expression"] for one in watched["Metrics"] if "Expression" in one]
        assert expression == "IF(calls > 0, FILL(seen, 0) + FILL(logged, 0), 0)", "it outlives the shift of traffic"
        assert (watched["Threshold"], watched["EvaluationPeriods"]) == (0, 1)
        assert group["AlarmConfiguration"] == {"Alarms": [{"Name": alarm}], "Enabled": True}
        assert group["AutoRollbackConfiguration"] == {
            "Enabled": True,
            "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
        }


def test_dev_deploys_at_once(stacks: Stacks) -> None:
    for family in families.names():
        stack, _ = of(stacks, "dev", family)
        for kind in ("Lambda::Alias", "Lambda::Version", "CodeDeploy::DeploymentGroup"):
            assert stack.resources(kind) == {}


def test_codedeploy_may_shift_these_functions_and_no_others(stacks: Stacks) -> None:
    stack, _ = of(stacks, "prod", "store")
    (role,) = [
        one["Properties"]
        for one in stack.resources("IAM::Role").values()
        if "codedeploy.amazonaws.com" in str(one["Properties"]["AssumeRolePolicyDocument"])
    ]
    (policy,) = role["Policies"]
    shifting, describing = text(policy["PolicyDocument"]["Statement"])
    assert "ManagedPolicyArns" not in role
    arns = {f"{one['id']}.Arn" for one in stack.functions().values()}
    assert set(shifting["Resource"]) == arns | {f"{arn}:*" for arn in arns}
    assert set(shifting["Action"]) == {
        "lambda:GetAlias",
        "lambda:UpdateAlias",
        "lambda:GetProvisionedConcurrencyConfig",
    }
    assert describing == {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"}
