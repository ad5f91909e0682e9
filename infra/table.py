"""A DynamoDB table, from its definition."""

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.acknowledgement import acknowledge
from infra.removal import removal_policy
from infra.settings import Environment
from sessions.tables import Table as Definition


class Table(dynamodb.Table):
    """Paid for by request and encrypted by DynamoDB; protected where the environment keeps its data.

    A table that other stacks use has a fixed `name`. One without can be replaced by CloudFormation.
    """

    def __init__(
        self, scope: Construct, *, definition: Definition, environment: Environment, name: str | None = None
    ) -> None:
        super().__init__(
            scope,
            definition.name.title().replace("-", ""),
            table_name=name,
            partition_key=_attribute(definition.key.partition),
            sort_key=_attribute(definition.key.sort) if definition.key.sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=definition.expires,
            deletion_protection=environment.keeps_data,
            removal_policy=removal_policy(environment),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=environment.keeps_data
            ),
        )
        if not environment.keeps_data:
            acknowledge(self, "DDB3", because="What this environment holds may be lost: nobody would restore it.")
        for index in definition.indexes:
            projected = list(index.projected) or None
            projection = dynamodb.ProjectionType.INCLUDE if projected else dynamodb.ProjectionType.KEYS_ONLY
            sort = _attribute(index.key.sort) if index.key.sort else None
            if index.local and sort:
                self.add_local_secondary_index(
                    index_name=index.name, sort_key=sort, projection_type=projection, non_key_attributes=projected
                )
            else:
                self.add_global_secondary_index(
                    index_name=index.name,
                    partition_key=_attribute(index.key.partition),
                    sort_key=sort,
                    projection_type=projection,
                    non_key_attributes=projected,
                )


def _attribute(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
