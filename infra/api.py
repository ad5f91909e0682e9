"""The REST API of a family, imported from its contract."""

import json
import re
from collections.abc import Mapping
from typing import cast

from aws_cdk import Aws, CfnOutput, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.acknowledgement import acknowledge
from infra.api_body import ACCESS_MODE, SECURITY_POLICY, body
from infra.contract import document, operations
from infra.families import allowed_origins
from infra.firewall import Firewall
from infra.log_group import LogGroup
from infra.settings import COMPRESSED_BYTES, Domain, Environment
from sessions.deployment import Family

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "account": "$context.authorizer.account",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "functionMilliseconds": "$context.integration.latency",
    "authorizerMilliseconds": "$context.authorizer.latency",
    "error": "$context.error.responseType",
}
"""No address, path, query, agent, or person: `account` is the client, retailer or fleet that was let in, and `resource`
the path as the contract writes it, with its variables.
"""


class Api(Construct):
    """One API with one stage, named as its environment. `usage_plan` is there where callers have keys."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        family: Family,
        environment: Environment,
        endpoints: Mapping[str, lambda_.IFunction],
        authorizer: lambda_.IFunction | None,
    ) -> None:
        super().__init__(scope, name)
        contract = document(family.name)
        title = f"session-apis-{environment.name}-{family.name}"
        domain = environment.domains.get(family.name)
        definition = body(
            contract,
            title=title,
            origins=allowed_origins(family),
            endpoints={module: _invocation(function) for module, function in endpoints.items()},
            authorizer=_invocation(authorizer) if authorizer else None,
            has_domain=domain is not None,
        )
        self.rest_api = rest_api = apigateway.SpecRestApi(
            self,
            "RestApi",
            rest_api_name=title,
            api_definition=apigateway.ApiDefinition.from_inline(definition),
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            parameters={"endpointConfigurationTypes": "REGIONAL"},  # what an import heeds
            mode=apigateway.RestApiMode.OVERWRITE,  # what has left the contract leaves the API
            fail_on_warnings=True,
            min_compression_size=Size.bytes(COMPRESSED_BYTES),
            disable_execute_api_endpoint=domain is not None,
            deploy_options=_stage(environment, LogGroup(self, "AccessLog", environment=environment)),
        )
        acknowledge(rest_api, "APIG2", because="The functions validate, and refuse in the family's own words.")
        acknowledge(rest_api.deployment_stage, "APIG6", because="A method's log has its path, which names people.")
        # The import would reset what only these say, and they what only the import says: both say it.
        made = cast(apigateway.CfnRestApi, rest_api.node.default_child)
        made.security_policy, made.endpoint_access_mode = SECURITY_POLICY, ACCESS_MODE
        url = cast(CfnOutput, rest_api.node.find_child("Endpoint"))
        url.override_logical_id("ApiUrl")
        if domain is not None:
            url.value = f"https://{domain.name}/"
            _answer_at(domain, rest_api)
        if environment.has_firewall:
            Firewall(self, stage_arn=rest_api.deployment_stage.stage_arn, environment=environment)
        else:
            acknowledge(rest_api.deployment_stage, "APIG3", because="Who wants a firewall here sets `has_firewall`.")
        for operation in operations(contract):
            if operation.module is not None:
                path = re.sub(r"{[^}]*}", "*", operation.path)
                _let_invoke(endpoints[operation.module], rest_api, f"{environment.name}/{operation.method}{path}")
        if authorizer:
            _let_invoke(authorizer, rest_api, "authorizers/*")  # its id is known only after the import
        self.usage_plan = _usage_plan(rest_api, environment) if family.has_api_keys else None


def _answer_at(domain: Domain, rest_api: apigateway.SpecRestApi) -> None:
    """Has the API answer at this name, as soon as its DNS record leads to the output `DomainTarget`."""
    scope = Stack.of(rest_api)
    made = apigateway.DomainName(
        scope,
        "Domain",
        domain_name=domain.name,
        certificate=acm.Certificate.from_certificate_arn(scope, "Certificate", domain.certificate_arn),
        endpoint_type=apigateway.EndpointType.REGIONAL,
        security_policy=apigateway.SecurityPolicy.TLS13_1_2_PQ_2025_09,
        endpoint_access_mode=apigateway.EndpointAccessMode.STRICT,
    )
    made.add_base_path_mapping(rest_api)
    CfnOutput(scope, "DomainTarget", value=made.domain_name_alias_domain_name)


def _stage(environment: Environment, access_log: LogGroup) -> apigateway.StageOptions:
    return apigateway.StageOptions(
        stage_name=environment.name,
        throttling_rate_limit=environment.rate_limit,
        throttling_burst_limit=environment.burst_limit,
        tracing_enabled=False,  # a trace has the path and the address: docs/decisions/0006-no-trace-of-the-stage.md
        metrics_enabled=False,  # those of each method would cost; the whole API's come without
        logging_level=apigateway.MethodLoggingLevel.OFF,  # it would log paths, which name people and devices
        data_trace_enabled=False,
        access_log_destination=apigateway.LogGroupLogDestination(access_log),
        access_log_format=apigateway.AccessLogFormat.custom(_format(ACCESS_LOG)),
    )


def _format(log: Mapping[str, str]) -> str:
    """What is always a number stands without quotes, so that filters can compare it."""
    return re.sub(r'"(\$context\.(status|responseLatency))"', r"\1", json.dumps(log))


def _usage_plan(rest_api: apigateway.SpecRestApi, environment: Environment) -> apigateway.UsagePlan:
    """The plan that clients' keys join; each key has the rate for itself."""
    return rest_api.add_usage_plan(
        "Clients",
        throttle=apigateway.ThrottleSettings(
            rate_limit=environment.client_rate_limit, burst_limit=environment.client_burst_limit
        ),
        api_stages=[apigateway.UsagePlanPerApiStage(api=rest_api, stage=rest_api.deployment_stage)],
    )


def _invocation(function: lambda_.IFunction) -> str:
    """The address by which API Gateway calls a function."""
    path = f"path/2015-03-31/functions/{function.function_arn}/invocations"
    return f"arn:{Aws.PARTITION}:apigateway:{Aws.REGION}:lambda:{path}"


def _let_invoke(function: lambda_.IFunction, rest_api: apigateway.SpecRestApi, what: str) -> None:
    """Lets that part of the API, and nothing else at the gateway, call the function."""
    function.add_permission(
        "Gateway",
        principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
        source_arn=Stack.of(rest_api).format_arn(
            service="execute-api", resource=rest_api.rest_api_id, resource_name=what
        ),
    )
