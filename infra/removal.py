"""What becomes of a resource that holds something when its stack no longer wants it."""

from aws_cdk import RemovalPolicy

from infra.settings import Environment


def removal_policy(environment: Environment) -> RemovalPolicy:
    """Data outlives its stack where the environment keeps it."""
    return RemovalPolicy.RETAIN if environment.keeps_data else RemovalPolicy.DESTROY
