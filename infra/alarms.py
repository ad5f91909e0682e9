"""What tells an operator that a family does not do its work. Each alarm has its page in `docs/runbook.md`.

None counts a caller's mistake as our failure: `refusals` and `dead-letters` may be others' trouble, and say so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.function import Function
from infra.log_group import REFUSED
from infra.queue import Queue
from infra.settings import ATTEMPTS, Environment
from sessions.deployment import Family

_PERIOD = Duration.minutes(5)
_FEW_REQUESTS = 20
"""In a period; a ratio or a percentile of fewer says nothing."""
_FEW_ERRORS = 5
_LONG_PERIOD = Duration.hours(1)
_FEW_IN_LONG = 3
"""Failures that are too few for the other alarms, and yet most of what was asked for."""
_BATCH = "BatchGetItem"
"""Of its requests, those refused in part are no `ThrottledRequests`: its refused items are counted.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An alarm goes off where the metric is above `most` in so many of its periods, one after the other.

    `page` is its heading in the runbook. `part` is the table or function that it is about, where there are several.
    """

    page: str
    metric: cloudwatch.IMetric
    most: float
    times: int = 1
    part: str | None = None

    @property
    def name(self) -> str:
        return self.page if self.part is None else f"{self.page}-{self.part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What there is of a family to be watched. None: it has no such thing. `endpoints` go by their modules."""

    family: Family
    rest_api: apigateway.SpecRestApi
    endpoints: Mapping[str, Function]
    authorizer: Function | None
    recorder: Function | None
    queue: Queue | None
    tables: Mapping[str, dynamodb.ITable]

    def functions(self) -> list[Function]:
        return [*self.endpoints.values(), *(one for one in (self.authorizer, self.recorder) if one is not None)]


class Alarms(Construct):
    """Alarms; they send to the environment's topic, if somebody is to be told. `name` is the family's."""

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        watched: Sequence[Watched],
        environment: Environment,
        topic: sns.ITopic | None,
    ) -> None:
        super().__init__(scope, "Alarms")
        self.by_name: dict[str, cloudwatch.Alarm] = {}
        for one in watched:
            alarm = self.by_name[one.name] = cloudwatch.Alarm(
                self,
                one.name.title().replace("-", ""),
                alarm_name=f"session-apis-{environment.name}-{name}-{one.name}",
                alarm_description=f"docs/runbook.md#{one.page}",
                metric=one.metric,
                threshold=one.most,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=one.times,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            if topic is not None:
                alarm.add_alarm_action(actions.SnsAction(topic))
                alarm.add_ok_action(actions.SnsAction(topic))


def of_family(parts: Parts, environment: Environment) -> list[Watched]:
    """All that is watched of the family."""
    functions = [one.function for one in parts.functions()]
    found = [
        Watched(page="server-errors", metric=server_error_percentage(parts.rest_api), most=1),
        Watched(page="slow-answers", metric=_slowest(parts.rest_api), most=2_000, times=2),
        Watched(
            page="function-errors",
            metric=_sum("failures", [metric(one) for one in functions for metric in (_errors, _failures)]),
            most=2,
        ),
        Watched(page="steady-failures", part="answers", metric=_failing_answers(parts.rest_api), most=50),
        Watched(page="steady-failures", part="functions", metric=_failing_functions(functions), most=50),
        Watched(page="function-throttles", metric=_sum("throttles", [_throttles(one) for one in functions]), most=0),
        Watched(
            page="concurrency",
            metric=_sum("at once", [_at_once(one) for one in functions]),
            most=environment.concurrency / 2,
            times=2,
        ),
    ]
    for name, table in parts.tables.items():
        rights = [right for function in parts.family.functions for right in function.rights if right.table.name == name]
        found += of_table(name, table, {action for right in rights for action in right.actions})
    if parts.queue is not None:
        longest = ATTEMPTS * environment.retry_seconds
        found.append(Watched(page="old-events", metric=oldest_event(parts.queue), most=2 * longest))
        found.append(Watched(page="dead-letters", metric=dead_letters(parts.queue), most=0))
    for definition in parts.family.endpoints:
        if definition.tells_of_pages:
            listing = parts.endpoints[definition.module].function
            found.append(Watched(page="short-pages", metric=_of_pages(listing, "short"), most=0.3, times=3))
            found.append(Watched(page="read-units", metric=_of_pages(listing, "read_units"), most=75, times=3))
    if parts.authorizer is not None:
        found.append(Watched(page="refusals", metric=_refusals(parts.authorizer, parts, environment), most=500))
    return found


def of_table(name: str, table: dynamodb.ITable, operations: Iterable[str]) -> list[Watched]:
    """What is watched of the table: these operations."""
    operations = sorted(operations)
    requests = _by_operation(table, (one for one in operations if one != _BATCH), "ThrottledRequests")
    if _BATCH in operations:
        requests.append(_of_table(table, "ReadThrottleEvents"))
    throttled = _sum("throttled requests", requests)
    failed = _sum("system errors", _by_operation(table, operations, "SystemErrors"))
    return [
        Watched(page="table-throttles", part=name, metric=throttled, most=10, times=2),
        Watched(page="table-errors", part=name, metric=failed, most=2),
    ]


def server_error_percentage(rest_api: apigateway.SpecRestApi) -> cloudwatch.IMetric:
    """Of all answers, those of status 500 and above; none where they are few."""
    return cloudwatch.MathExpression(
        label="5xx, % of requests",
        expression=f"IF(errors >= {_FEW_ERRORS}, 100 * errors / requests, 0)",
        using_metrics={"errors": rest_api.metric_server_error(), "requests": rest_api.metric_count()},
        period=_PERIOD,
    )


def _failing_answers(rest_api: apigateway.SpecRestApi) -> cloudwatch.IMetric:
    """The same of an hour, for an API that few call."""
    return cloudwatch.MathExpression(
        label="5xx in an hour, % of requests",
        expression=_percentage("errors", "requests"),
        using_metrics={"errors": rest_api.metric_server_error(), "requests": rest_api.metric_count()},
        period=_LONG_PERIOD,
    )


def _failing_functions(functions: Sequence[lambda_.Function]) -> cloudwatch.IMetric:
    """Of the function that fails most, its failures in an hour in per cent of its calls."""
    metrics: dict[str, cloudwatch.IMetric] = {}
    percentages = []
    for number, function in enumerate(functions):
        metrics[f"calls{number}"] = function.metric_invocations()
        metrics[f"seen{number}"] = _errors(function)
        metrics[f"logged{number}"] = _failures(function)
        failed = f"(FILL(seen{number}, 0) + FILL(logged{number}, 0))"
        percentages.append(_percentage(failed, f"calls{number}"))
    return cloudwatch.MathExpression(
        label="failures in an hour, % of calls",
        expression=f"MAX([{', '.join(f'FILL({one}, 0)' for one in percentages)}])",
        using_metrics=metrics,
        period=_LONG_PERIOD,
    )


def _percentage(failed: str, calls: str) -> str:
    return f"IF({failed} >= {_FEW_IN_LONG}, 100 * {failed} / {calls}, 0)"


def oldest_event(queue: Queue) -> cloudwatch.Metric:
    """Its age, in seconds."""
    return queue.events.metric_approximate_age_of_oldest_message(period=_PERIOD, statistic="Maximum")


def dead_letters(queue: Queue) -> cloudwatch.Metric:
    """How many there are."""
    return queue.dead_letters.metric_approximate_number_of_messages_visible(period=_PERIOD, statistic="Maximum")


def _slowest(rest_api: apigateway.SpecRestApi) -> cloudwatch.IMetric:
    """What 99 of 100 requests take at most, in milliseconds; nothing where they are few."""
    return cloudwatch.MathExpression(
        label="p99 of the answers' latency, ms",
        expression=f"IF(requests >= {_FEW_REQUESTS}, latency, 0)",
        using_metrics={"latency": rest_api.metric_latency(statistic="p99"), "requests": rest_api.metric_count()},
        period=_PERIOD,
    )


def _errors(function: lambda_.Function) -> cloudwatch.Metric:
    return function.metric_errors(period=_PERIOD)


def _failures(function: lambda_.Function) -> cloudwatch.Metric:
    """Those that were logged: a caller got an answer, or the queue its event back."""
    return _counted(function, "failures", "Sum")


def _throttles(function: lambda_.Function) -> cloudwatch.Metric:
    return function.metric_throttles(period=_PERIOD)


def _at_once(function: lambda_.Function) -> cloudwatch.Metric:
    return function.metric("ConcurrentExecutions", period=_PERIOD, statistic="Maximum")


def _of_pages(listing: lambda_.Function, what: str) -> cloudwatch.Metric:
    """On average over the pages, what the function has counted of each."""
    return _counted(listing, what, "Average")


def _counted(function: lambda_.Function, what: str, statistic: str) -> cloudwatch.Metric:
    """What the function itself counts: see `sessions/log.py`."""
    return cloudwatch.Metric(
        namespace="SessionApis",
        metric_name=what,
        dimensions_map={"function_name": function.function_name},
        period=_PERIOD,
        statistic=statistic,
    )


def _refusals(authorizer: Function, parts: Parts, environment: Environment) -> cloudwatch.Metric:
    """Callers that were refused, counted in the authorizer's log."""
    counted = authorizer.log_group.add_metric_filter(
        "Refusals",
        filter_pattern=REFUSED,
        metric_namespace=f"SessionApis/{environment.name}/{parts.family.name}",
        metric_name="refusals",
        metric_value="1",
        default_value=0,
    )
    return counted.metric(period=_PERIOD, statistic="Sum")


def _by_operation(table: dynamodb.ITable, operations: Iterable[str], metric: str) -> list[cloudwatch.Metric]:
    return [_of_table(table, metric, Operation=operation) for operation in operations]


def _of_table(table: dynamodb.ITable, metric: str, **dimensions: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/DynamoDB",
        metric_name=metric,
        dimensions_map={"TableName": table.table_name, **dimensions},
        period=_PERIOD,
        statistic="Sum",
    )


def _sum(label: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.IMetric:
    named = {f"m{number}": metric for number, metric in enumerate(metrics)}
    return cloudwatch.MathExpression(label=label, expression="SUM(METRICS())", using_metrics=named, period=_PERIOD)
