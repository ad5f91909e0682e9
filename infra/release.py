"""How a new version of a family's functions comes into service: little by little, and back where it fails."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.acknowledgement import acknowledge


class Release(Construct):
    """CodeDeploy gives the version behind each alias a tenth of the calls, after ten minutes all; none, and the version
    before all, as soon as the alarm goes off. CloudFormation then takes the whole deployment back.
    """

    def __init__(self, scope: Construct, *, aliases: Mapping[str, lambda_.Alias], alarm: cloudwatch.IAlarm) -> None:
        """`aliases` by their functions' names here."""
        super().__init__(scope, "Release")
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            inline_policies={
                "Rights": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
                            resources=[one.lambda_.function_arn for one in aliases.values()],
                        ),
                        iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
                    ]
                )
            },
        )
        acknowledge(role, "IAM5[Resource::*]", because="CloudWatch describes all of an account's alarms, or none.")
        application = codedeploy.LambdaApplication(self, "Application")
        for name, alias in aliases.items():
            codedeploy.LambdaDeploymentGroup(
                self,
                name,
                application=application,
                alias=alias,
                alarms=[alarm],
                deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
                role=role.without_policy_updates(),
            )
