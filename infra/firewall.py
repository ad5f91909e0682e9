"""AWS WAF before an API: what is known to be hostile, and callers that ask too much, do not reach it."""

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.settings import Environment

_ONLY_COUNTED = (
    "NoUserAgent_HEADER",  # devices send none
    "RestrictedExtensions_URIPATH",  # a session's id may end in .log
    "RestrictedExtensions_QUERYARGUMENTS",  # so may an entry code
    "SizeRestrictions_URIPATH",  # over 1,024 bytes, as a percent-encoded id may have
    "SizeRestrictions_QUERYSTRING",  # over 2,048 bytes, as a listing with all its filters may have
    "SizeRestrictions_BODY",  # over 8 KB; API Gateway and the functions have limits of their own
)
"""Rules of the common set that would refuse what our contracts allow: see
https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
"""


class Firewall(Construct):
    """Refuses with the gateway's answer `WAF_FILTERED`. Keeps no samples of requests: they would have credentials."""

    def __init__(self, scope: Construct, *, stage_arn: str, environment: Environment) -> None:
        super().__init__(scope, "Firewall")
        counted = [
            waf.CfnWebACL.RuleActionOverrideProperty(
                name=name, action_to_use=waf.CfnWebACL.RuleActionProperty(count={})
            )
            for name in _ONLY_COUNTED
        ]
        rate = waf.CfnWebACL.RateBasedStatementProperty(
            limit=environment.requests_per_address, aggregate_key_type="IP", evaluation_window_sec=300
        )
        acl = waf.CfnWebACL(
            self,
            "WebAcl",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_measured("requests"),
            rules=[
                waf.CfnWebACL.RuleProperty(
                    name="rate",
                    priority=0,
                    action=waf.CfnWebACL.RuleActionProperty(block={}),
                    statement=waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
                    visibility_config=_measured("rate"),
                ),
                _managed("AWSManagedRulesCommonRuleSet", priority=1, overrides=counted),
                _managed("AWSManagedRulesKnownBadInputsRuleSet", priority=2),
            ],
        )
        waf.CfnWebACLAssociation(self, "Association", resource_arn=stage_arn, web_acl_arn=acl.attr_arn)


def _managed(
    name: str, *, priority: int, overrides: list[waf.CfnWebACL.RuleActionOverrideProperty] | None = None
) -> waf.CfnWebACL.RuleProperty:
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS", name=name, rule_action_overrides=overrides
    )
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_measured(name),
    )


def _measured(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
