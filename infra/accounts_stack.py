"""The stack of what an environment's families share: the accounts, and API Gateway's leave to write logs."""

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledgement import acknowledge
from infra.alarm_topic import AlarmTopic
from infra.alarms import Alarms, of_table
from infra.settings import Environment
from infra.table import Table
from sessions import accounts

_OPERATIONS = {"GetItem", "PutItem", "UpdateItem", "Query"}
"""What authorizers, recorders and `sessionctl` do with the table, but for its rare deletions and reads in batches."""


class AccountsStack(Stack):
    """`table_name` is fixed, so that the families' stacks need no export of this one, which would lock both."""

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        super().__init__(
            scope,
            f"SessionApis-{environment.name}-accounts",
            description=f"Session APIs, {environment.name}: accounts and their credentials",
            termination_protection=environment.keeps_data,
        )
        self.table_name = f"session-apis-{environment.name}-accounts"
        table = Table(self, definition=accounts.TABLE, environment=environment, name=self.table_name)
        _let_gateway_log(self)
        topic = None
        if environment.alarm_address is not None:
            topic = AlarmTopic(self, environment=environment, address=environment.alarm_address).topic
        Alarms(
            self,
            name="accounts",
            watched=of_table("accounts", table, _OPERATIONS),
            environment=environment,
            topic=topic,
        )
        CfnOutput(self, "AccountsTable", value=self.table_name)


def _let_gateway_log(scope: Construct) -> None:
    """API Gateway has one log role in an AWS account and region. It stays: others there may have come to need it."""
    policy = iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    principal = iam.ServicePrincipal("apigateway.amazonaws.com")
    role = iam.Role(scope, "GatewayLogRole", assumed_by=principal, managed_policies=[policy])
    role.apply_removal_policy(RemovalPolicy.RETAIN)
    finding = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]"
    acknowledge(role, finding, because="API Gateway asks for what this policy allows, and AWS keeps the two in step.")
    account = apigateway.CfnAccount(scope, "GatewayAccount", cloud_watch_role_arn=role.role_arn)
    account.apply_removal_policy(RemovalPolicy.RETAIN)
