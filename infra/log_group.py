"""A log group, which forgets after the environment's days."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.removal import removal_policy
from infra.settings import Environment

_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}

REFUSED = logs.FilterPattern.string_value("$.message", "=", "caller refused")
"""An authorizer's line about a caller that it has refused."""


class LogGroup(logs.LogGroup):
    """Ours are made before anything writes to them: those that AWS makes by itself keep everything for ever."""

    def __init__(self, scope: Construct, name: str, *, environment: Environment) -> None:
        super().__init__(
            scope, name, retention=_RETENTION[environment.log_days], removal_policy=removal_policy(environment)
        )
