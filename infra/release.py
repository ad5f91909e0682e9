"""How a new version of a family's functions comes into service: little by little, and back where it fails."""

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.acknowledgement import acknowledge
from infra.alarms import Alarms, Watched
from infra.settings import Environment

_PERIOD = Duration.minutes(1)


class Release(Construct):
    """CodeDeploy gives the version behind each alias a tenth of the calls, after ten minutes all; none, and the version
    before all, as soon as that version itself fails. CloudFormation then takes the whole deployment back.

    What the version before does is not asked: else no failing one could ever be replaced.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        aliases: Mapping[str, lambda_.Alias],
        environment: Environment,
        topic: sns.ITopic | None,
    ) -> None:
        """`name` is the family's; `aliases` by the modules of their functions."""
        super().__init__(scope, "Release")
        functions = [alias.lambda_.function_arn for alias in aliases.values()]
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            inline_policies={
                "Rights": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
                            # One action is about the function, another about its alias or version.
                            resources=[*functions, *(f"{arn}:*" for arn in functions)],
                        ),
                        iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
                    ]
                )
            },
        )
        acknowledge(role, "IAM5[Resource::*]", because="CloudWatch describes all of an account's alarms, or none.")
        failing = {
            module: Watched(page="new-version", part=module, metric=_failures(alias), most=0)
            for module, alias in aliases.items()
        }
        alarms = Alarms(self, name=name, watched=list(failing.values()), environment=environment, topic=topic)
        application = codedeploy.LambdaApplication(self, "Application")
        for module, alias in aliases.items():
            called = Stack.of(self).get_logical_id(alias.lambda_.node.default_child)  # type: ignore[arg-type]
            acknowledge(role, f"IAM5[Resource::<{called}.Arn>:*]", because="These are its aliases and versions alone.")
            codedeploy.LambdaDeploymentGroup(
                self,
                module.title().replace("_", ""),
                application=application,
                alias=alias,
                alarms=[alarms.by_name[failing[module].name]],
                deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
                role=role.without_policy_updates(),
            )


def _failures(alias: lambda_.Alias) -> cloudwatch.IMetric:
    """Of the alias's version: those that Lambda saw, and those that were logged, whose callers got an answer.

    Only while the alias leads to two versions: then alone Lambda counts the calls of each by itself. Afterwards, this
    alarm must not be found where the next version is judged by it.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    """
    function, version = alias.lambda_.function_name, alias.version.version
    of_two = {"FunctionName": function, "Resource": f"{function}:{alias.alias_name}", "ExecutedVersion": version}
    logged = {"function_name": function, "function_version": version}  # see `sessions/log.py`
    return cloudwatch.MathExpression(
        label="failures",
        expression="IF(calls > 0, FILL(seen, 0) + FILL(logged, 0), 0)",
        using_metrics={
            "calls": _sum("AWS/Lambda", "Invocations", of_two),
            "seen": _sum("AWS/Lambda", "Errors", of_two),
            "logged": _sum("SessionApis", "failures", logged),
        },
        period=_PERIOD,
    )


def _sum(namespace: str, name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, period=_PERIOD, statistic="Sum"
    )
