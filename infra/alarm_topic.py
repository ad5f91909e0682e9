"""Where an environment's alarms go: to one topic, which mails them."""

from aws_cdk import ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.settings import Environment

_CLOUDWATCH = iam.ServicePrincipal("cloudwatch.amazonaws.com")


class AlarmTopic(Construct):
    """Encrypted by a key of its own: CloudWatch may not use the one that AWS keeps for SNS, see
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """

    def __init__(self, scope: Construct, *, environment: Environment, address: str) -> None:
        super().__init__(scope, "AlarmTopic")
        key = kms.Key(
            self,
            "Key",
            description=f"Session APIs, {environment.name}: alarms on their way",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        ours = _CLOUDWATCH.with_conditions({"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})
        key.grant(ours, "kms:Decrypt", "kms:GenerateDataKey*")
        self.topic = topic = sns.Topic(self, "Topic", topic_name=_name(environment), master_key=key, enforce_ssl=True)
        topic.grant_publish(ours)
        topic.add_subscription(subscriptions.EmailSubscription(address))


def find(scope: Construct, environment: Environment) -> sns.ITopic | None:
    """The environment's, for a stack that sends to it; it has a fixed name, so that no stack has to export it."""
    if environment.alarm_address is None:
        return None
    arn = Stack.of(scope).format_arn(service="sns", resource=_name(environment), arn_format=ArnFormat.NO_RESOURCE_NAME)
    return sns.Topic.from_topic_arn(scope, "AlarmTopic", arn)


def _name(environment: Environment) -> str:
    return f"session-apis-{environment.name}-alarms"
