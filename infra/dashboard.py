"""One look at a family: what is asked of it, how it answers, and what its alarms watch."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import Alarms, Parts
from infra.settings import Environment

_WIDTH = 12  # of 24 columns


class Dashboard(Construct):
    """Requests, latency, then one graph for each alarm, with its threshold."""

    def __init__(self, scope: Construct, *, parts: Parts, alarms: Alarms, environment: Environment) -> None:
        super().__init__(scope, "Dashboard")
        api = parts.rest_api
        requests = _graph(
            "Requests", [api.metric_count(), api.metric_client_error(), api.metric_server_error()], statistic="Sum"
        )
        latency = _graph("Latency, ms", [api.metric_latency(statistic=one) for one in ("p50", "p90", "p99")])
        watched = [cloudwatch.AlarmWidget(title=name, alarm=one, width=_WIDTH) for name, one in alarms.by_name.items()]
        graphs: list[cloudwatch.IWidget] = [requests, latency, *watched]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"session-apis-{environment.name}-{parts.family.name}",
            widgets=[graphs[first : first + 2] for first in range(0, len(graphs), 2)],
        )


def _graph(title: str, metrics: Sequence[cloudwatch.Metric], *, statistic: str | None = None) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), statistic=statistic, width=_WIDTH)
