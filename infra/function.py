"""A Lambda function, as all of ours are: its code, its log, its role, and nothing that it does not use."""

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import package
from infra.acknowledgement import acknowledge
from infra.families import FUNCTIONS, ROOT
from infra.layers import ARCHITECTURES, RUNTIMES
from infra.log_group import LogGroup
from infra.settings import Environment
from sessions.deployment import Family, Right
from sessions.deployment import Function as Definition

NOT_CARRIED = ("demonstration", "deployment", "erasure", "export", "generated", "radius_detail", "restore")
"""Modules of a family that only `infra` reads."""

Tables = Mapping[str, dynamodb.ITable]


class Function(Construct):
    """Logs lines of JSON to its own log group, and may do what its definition and `rights` say.

    `tables` are those of the stack by their logical names; it is told only of those it has a right on. Tracing is
    Lambda's own, without a tracer in the code.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        definition: Definition,
        family: Family,
        environment: Environment,
        tables: Tables,
        layers: Sequence[lambda_.ILayerVersion],
        rights: Sequence[iam.PolicyStatement] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, definition.module.title().replace("_", ""))
        self.module = definition.module
        self.log_group = LogGroup(self, "Log", environment=environment)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Rights": iam.PolicyDocument(
                    statements=[
                        *(_statement(right, tables[right.table.name]) for right in definition.rights),
                        *rights,
                        _allow("logs:CreateLogStream", "logs:PutLogEvents", on=self.log_group.log_group_arn),
                        # X-Ray has no resource to name.
                        _allow("xray:PutTraceSegments", "xray:PutTelemetryRecords", on="*"),
                    ]
                )
            },
        )
        acknowledge(role, "IAM5[Resource::*]", because="X-Ray's two actions take no resource; the rest name theirs.")
        named = {right.table.variable: tables[right.table.name].table_name for right in definition.rights}
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=RUNTIMES[environment.runtime.python],
            architecture=ARCHITECTURES[environment.runtime.architecture],
            code=_code(family.name, environment.runtime.python),
            handler=f"functions.{family.name}.{definition.module}.handler",
            layers=layers,
            memory_size=definition.memory,
            timeout=Duration.seconds(definition.timeout),
            environment={**named, **family.variables(), **(variables or {})},
            role=role.without_policy_updates(),  # what it may do stands above, and nowhere else
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE,
            # Versions stay, so that the alias can be turned back to one at once; not those of a deployment that failed.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE),
        )
        # CDK has a function wait for its role's policies; ours are in the role, which the function names anyway.
        cast(lambda_.CfnFunction, self.function.node.default_child).add_deletion_override("DependsOn")
        acknowledge(
            self.function, "L1", because="The tests run on this Python, and the layer's wheels are built for it."
        )
        self.alias = self._alias() if environment.shifts_traffic else None
        self.live: lambda_.IFunction = self.alias or self.function
        """What is called: the newest version, or what traffic is shifted to."""

    def _alias(self) -> lambda_.Alias:
        return lambda_.Alias(self, "Alias", alias_name="live", version=self.function.current_version)


def _code(family: str, python: str) -> lambda_.Code:
    """The family's modules under their import names, without those it does not need."""
    carried = [file for file in (FUNCTIONS / family).glob("*.py") if file.stem not in NOT_CARRIED]
    files = [FUNCTIONS / "__init__.py", *carried]
    return package.Sources(f"functions/{family}", files, of=ROOT, at="/var/task", python=python).code()


def _statement(right: Right, table: dynamodb.ITable) -> iam.PolicyStatement:
    resource = f"{table.table_arn}/index/{right.index.name}" if right.index else table.table_arn
    return _allow(*(f"dynamodb:{action}" for action in right.actions), on=resource)


def _allow(*actions: str, on: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[on])
