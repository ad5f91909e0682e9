"""The stack of one family: its tables, functions, API, and queue."""

from functools import partial

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra import alarm_topic, families
from infra.accounts_stack import AccountsStack
from infra.alarms import Alarms, Parts, of_family
from infra.api import Api
from infra.dashboard import Dashboard
from infra.function import Function
from infra.layers import Layers
from infra.queue import Queue
from infra.release import Release
from infra.settings import ATTEMPTS, Environment
from infra.table import Table
from sessions import accounts as shared


class FamilyStack(Stack):
    """Everything here goes with the family, and knows of the others nothing but the accounts."""

    def __init__(self, scope: Construct, name: str, *, environment: Environment, accounts: AccountsStack) -> None:
        super().__init__(
            scope,
            f"SessionApis-{environment.name}-{name}",
            description=f"Session APIs, {environment.name}: {name}",
            termination_protection=environment.keeps_data,
        )
        self.add_stack_dependency(accounts)
        family = families.load(name, **environment.family_settings.get(name, {}))
        own = {one.name: Table(self, definition=one, environment=environment) for one in family.tables}
        for definition in family.tables:
            table = own[definition.name]
            CfnOutput(self, f"{table.node.id}Table", value=table.table_name)
        known = dynamodb.Table.from_table_name(self, shared.TABLE.name.title(), accounts.table_name)
        layers = Layers(self, "Layers", runtime=environment.runtime)
        build = partial(
            Function, self, family=family, environment=environment, tables={**own, shared.TABLE.name: known}
        )

        endpoints = {one.module: build(definition=one, layers=layers.shared) for one in family.endpoints}
        authorizer = build(definition=family.authorizer, layers=layers.shared) if family.authorizer else None
        api = Api(
            self,
            "Api",
            family=family,
            environment=environment,
            endpoints={module: one.live for module, one in endpoints.items()},
            authorizer=authorizer.live if authorizer else None,
        )
        if api.usage_plan:
            CfnOutput(self, "UsagePlanId", value=api.usage_plan.usage_plan_id)

        queue, recorder = None, None
        if family.recorder:
            queue = Queue(self, "Queue", timeout=family.recorder.timeout, environment=environment)
            recorder = build(
                definition=family.recorder,
                layers=layers.with_dependencies(),
                rights=queue.rights(),
                variables={
                    family.dead_letter_variable: queue.dead_letters.queue_url,
                    "RECORDING_ATTEMPTS": str(ATTEMPTS),
                },
            )
            queue.feed(recorder.live)
            CfnOutput(self, "QueueUrl", value=queue.events.queue_url)
            CfnOutput(self, "DeadLetterQueueUrl", value=queue.dead_letters.queue_url)

        parts = Parts(
            family=family,
            rest_api=api.rest_api,
            endpoints=endpoints,
            authorizer=authorizer,
            recorder=recorder,
            queue=queue,
            tables=own,
        )
        topic = alarm_topic.find(self, environment)
        watched = of_family(parts, environment)
        alarms = Alarms(self, name=name, watched=watched, environment=environment, topic=topic)
        Dashboard(self, parts=parts, alarms=alarms, environment=environment)
        aliases = {one.module: one.alias for one in parts.functions() if one.alias}
        if aliases:
            Release(self, name=name, aliases=aliases, environment=environment, topic=topic)
