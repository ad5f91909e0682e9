"""The APIs in the templates are the contracts, each operation with its security and its function."""

import json
import re
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from infra import contract, families
from infra.api_body import body
from infra.contract import ContractError
from infra.settings import ENVIRONMENTS
from tests.infra.stacks import EVERY_STACK, Stack, Stacks, error_of, of, text

every_stack = pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
every_family = pytest.mark.parametrize("family", families.names())

IMPERSONAL = {
    "$context.requestId",
    "$context.extendedRequestId",
    "$context.requestTimeEpoch",
    "$context.httpMethod",
    "$context.resourcePath",
    "$context.authorizer.account",
    "$context.status",
    "$context.responseLatency",
    "$context.integration.latency",
    "$context.authorizer.latency",
    "$context.error.responseType",
}


@every_stack
def test_every_operation_is_imported_with_its_security_and_its_function(
    stacks: Stacks, environment: str, family: str
) -> None:
    stack, _ = of(stacks, environment, family)
    promised = contract.document(family)
    expected = {}
    for path, method, operation in _operations(promised):
        names = {name for required in operation["security"] for name in required}
        keyed = any(promised["components"]["securitySchemes"][name].get("name") == "x-api-key" for name in names)
        keeper = f"functions.{family}.{operation['operationId']}.handler" if "operationId" in operation else "mock"
        expected[path, method] = (names | ({"api_key"} if keyed else set()), keeper)
    found = {
        (path, method): ({name for one in given["security"] for name in one}, _keeper(stack, given))
        for path, method, given in _operations(_body(stack))
    }
    assert found == expected
    assert {method for (_, method), (_, keeper) in found.items() if keeper == "mock"} <= {"options"}


@every_stack
def test_a_scheme_is_decided_by_the_familys_authorizer(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    expected: dict[str, Any] = {}
    for name, promised in contract.document(family)["components"].get("securitySchemes", {}).items():
        header = {"type": "apiKey", "in": "header", "name": promised.get("name", "Authorization")}
        assert definition.authorizer is not None
        decided = promised["x-amazon-apigateway-authorizer"] | {
            "authorizerUri": _invocation(stack, definition.authorizer.module)
        }
        expected[name] = header | {"x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": decided}
        if header["name"] == "x-api-key":
            expected["api_key"] = header
    assert _body(stack)["components"] == {"securitySchemes": expected}
    assert _body(stack)["x-amazon-apigateway-api-key-source"] == "HEADER"


def test_a_secured_operation_without_an_authorizer_is_refused() -> None:
    operation = {"operationId": "read", "security": [{"basic": []}]}
    authorizer = {"type": "request", "identitySource": "method.request.header.Authorization"}
    scheme = {"type": "http", "scheme": "basic", contract.AUTHORIZER: authorizer | {"authorizerResultTtlInSeconds": 60}}
    promised = {"paths": {"/": {"get": operation}}, "components": {"securitySchemes": {"basic": scheme}}}
    with pytest.raises(ContractError, match="read: its family has no authorizer"):
        body(promised, title="any", origins=(), endpoints={"read": "arn"}, authorizer=None)


@every_family
def test_an_import_has_nothing_that_is_for_people(stacks: Stacks, family: str) -> None:
    stack, _ = of(stacks, "dev", family)
    imported = _body(stack)
    assert imported["openapi"].startswith("3.0.")  # API Gateway takes no later one
    assert set(imported) == {
        "openapi",
        "info",
        "paths",
        "components",
        "x-amazon-apigateway-api-key-source",
        "x-amazon-apigateway-endpoint-access-mode",
        "x-amazon-apigateway-endpoint-configuration",
        "x-amazon-apigateway-gateway-responses",
        "x-amazon-apigateway-minimum-compression-size",
        "x-amazon-apigateway-security-policy",
    }
    promised = {(path, method): operation for path, method, operation in _operations(contract.document(family))}
    for path, method, operation in _operations(imported):
        parameters = [_target(contract.document(family), one) for one in promised[path, method].get("parameters", [])]
        inherited = contract.document(family)["paths"][path].get("parameters", [])
        assert operation["parameters"] == [
            {"name": one["name"], "in": one["in"], "required": one.get("required", False), "schema": {"type": "string"}}
            for one in [*inherited, *parameters]
        ]
        assert {one["name"] for one in operation["parameters"] if one["in"] == "path"} == set(
            re.findall(r"{([^}]*)}", path)
        )
        kept = {"parameters", "security", "responses", "x-amazon-apigateway-integration"}
        assert set(operation) - {"operationId"} == kept


@every_stack
def test_gateway_answers_are_the_contracts_own(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    origins = families.allowed_origins(definition)
    cors = {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"} if origins == ("*",) else {}
    assert cors or not origins  # environments with other origins want their own line here
    expected = {
        name: {
            "statusCode": None if "statusCode" not in given else str(given["statusCode"]),
            "responseParameters": given.get("responseParameters", {}) | cors,
            "responseTemplates": given["responseTemplates"],
        }
        for name, given in contract.document(family)[contract.GATEWAY_RESPONSES].items()
    }
    imported = _body(stack)[contract.GATEWAY_RESPONSES]
    empty: dict[str, Any] = {"statusCode": None, "responseParameters": {}}
    assert {name: empty | given for name, given in imported.items()} == expected


@every_family
def test_gateway_answers_speak_the_familys_dialect(stacks: Stacks, family: str) -> None:
    stack, _ = of(stacks, "prod", family)
    whole = Resource.from_contents(contract.document(family), default_specification=DRAFT4)
    errors = OAS30Validator(
        {"$ref": "urn:contract#/components/schemas/Error"}, registry=Registry().with_resource("urn:contract", whole)
    )
    answers = _body(stack)[contract.GATEWAY_RESPONSES]
    for name, answer in answers.items():
        assert list(errors.iter_errors(error_of(answer["responseTemplates"]["application/json"]))) == [], name
    assert not errors.is_valid({})
    throttled = {name for name, answer in answers.items() if answer.get("statusCode") == "429"}
    assert throttled == {"THROTTLED", "QUOTA_EXCEEDED"}
    for name in throttled:
        assert re.fullmatch(r"'\d+'", answers[name]["responseParameters"]["gatewayresponse.header.Retry-After"])


@every_family
def test_a_path_of_no_route_is_not_found_whatever_header_comes_with_it(family: str) -> None:
    """API Gateway takes an `Authorization` header there for a signature of AWS's, and a wrong one."""
    answers = contract.document(family)[contract.GATEWAY_RESPONSES]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == 404
    assert answers["MISSING_AUTHENTICATION_TOKEN"] == answers["RESOURCE_NOT_FOUND"] == answers["INVALID_SIGNATURE"]


@every_family
def test_an_example_of_an_answer_follows_its_schema(family: str) -> None:
    document = contract.document(family)
    whole = Resource.from_contents(document, default_specification=DRAFT4)
    registry = Registry().with_resource("urn:contract", whole)
    for path, method, operation in _operations(document):
        for status, described in operation["responses"].items():
            place = described.get("$ref", f"#/paths/{path.replace('/', '~1')}/{method}/responses/{status}")
            answer = document["components"]["responses"][place.rpartition("/")[2]] if "$ref" in described else described
            for kind, content in answer.get("content", {}).items():
                pointer = f"{place}/content/{kind.replace('/', '~1')}/schema".replace("{", "%7B").replace("}", "%7D")
                validator = OAS30Validator({"$ref": f"urn:contract{pointer}"}, registry=registry)
                if "example" in content:
                    assert list(validator.iter_errors(content["example"])) == [], pointer


def test_a_preflight_for_any_origin_is_answered_by_the_gateway() -> None:
    assert _preflight(("*",)) == {
        "parameters": [],
        "security": [],
        "responses": {
            "204": {
                "description": "CORS preflight",
                "headers": {
                    "Access-Control-Allow-Methods": {"schema": {"type": "string"}},
                    "Access-Control-Allow-Headers": {"schema": {"type": "string"}},
                    "Access-Control-Max-Age": {"schema": {"type": "string"}},
                    "Vary": {"schema": {"type": "string"}},
                    "Access-Control-Allow-Origin": {"schema": {"type": "string"}},
                },
            }
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "passthroughBehavior": "never",
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {
                        "method.response.header.Access-Control-Allow-Methods": "'GET,PUT'",
                        "method.response.header.Access-Control-Allow-Headers": "'*'",
                        "method.response.header.Access-Control-Max-Age": "'7200'",
                        "method.response.header.Vary": "'Origin'",
                        "method.response.header.Access-Control-Allow-Origin": "'*'",
                    },
                }
            },
        },
    }


def test_a_preflight_for_some_origins_names_the_callers_if_it_is_one_of_them() -> None:
    found = _preflight(("https://one.example", "https://two.example"))
    assert "Access-Control-Allow-Origin" in found["responses"]["204"]["headers"]
    assert found["x-amazon-apigateway-integration"]["responses"]["default"] == {
        "statusCode": "204",
        "responseTemplates": {
            "application/json": (
                "#set($sent = $input.params().header)"
                '#foreach($origin in ["https://one.example", "https://two.example"])'
                '#if($sent.get("Origin") == $origin || $sent.get("origin") == $origin)'
                "#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)"
                "#end#end"
            )
        },
        "responseParameters": {
            "method.response.header.Access-Control-Allow-Methods": "'GET,PUT'",
            "method.response.header.Access-Control-Allow-Headers": "'*'",
            "method.response.header.Access-Control-Max-Age": "'7200'",
            "method.response.header.Vary": "'Origin'",
        },
    }


@every_stack
def test_the_gateway_may_call_each_function_for_its_own_operation_only(
    stacks: Stacks, environment: str, family: str
) -> None:
    stack, definition = of(stacks, environment, family)
    (api,) = stack.resources("ApiGateway::RestApi")
    arn = f"arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:{api}"
    expected = {
        operation["operationId"]: f"{arn}/{environment}/{method.upper()}{re.sub('{[^}]*}', '*', path)}"
        for path, method, operation in _operations(contract.document(family))
        if "operationId" in operation
    }
    if definition.authorizer:
        expected[definition.authorizer.module] = f"{arn}/authorizers/*"
    modules = {stack.called(module): module for module in stack.functions()}
    permissions = [text(one["Properties"]) for one in stack.resources("Lambda::Permission").values()]
    assert {modules[one["FunctionName"]]: one["SourceArn"] for one in permissions} == expected
    assert len(permissions) == len(expected)
    assert {(one["Action"], one["Principal"]) for one in permissions} == {
        ("lambda:InvokeFunction", "apigateway.amazonaws.com")
    }


@every_stack
def test_a_stage_throttles_and_measures_and_logs_nothing_personal(
    stacks: Stacks, environment: str, family: str
) -> None:
    stack, _ = of(stacks, environment, family)
    settings = ENVIRONMENTS[environment]
    stage = text(stack.properties("ApiGateway::Stage"))
    log = stage.pop("AccessLogSetting")
    assert set(re.findall(r"\$[\w.]+", log["Format"])) == IMPERSONAL
    sent = json.loads(re.sub(r"\$context\.(status|responseLatency)", "500", log["Format"]))
    assert (sent["status"], sent["milliseconds"]) == (500, 500)
    assert {type(value) for name, value in sent.items() if name not in ("status", "milliseconds")} == {str}
    functions_logs = {text(one["LoggingConfig"]["LogGroup"]) for one in stack.functions().values()}
    assert {log["DestinationArn"]} == {
        f"{group}.Arn" for group in stack.resources("Logs::LogGroup").keys() - functions_logs
    }
    (api,) = stack.resources("ApiGateway::RestApi")
    (deployment,) = stack.resources("ApiGateway::Deployment")
    assert stage == {
        "RestApiId": api,
        "DeploymentId": deployment,
        "StageName": environment,
        "TracingEnabled": False,
        "MethodSettings": [
            {
                "HttpMethod": "*",
                "ResourcePath": "/*",
                "DataTraceEnabled": False,
                "LoggingLevel": "OFF",
                "MetricsEnabled": False,
                "ThrottlingBurstLimit": settings.burst_limit,
                "ThrottlingRateLimit": settings.rate_limit,
            }
        ],
    }


@every_stack
def test_an_api_is_regional_and_is_replaced_by_each_import(stacks: Stacks, environment: str, family: str) -> None:
    stack, _ = of(stacks, environment, family)
    properties = stack.properties("ApiGateway::RestApi")
    assert {name: one for name, one in properties.items() if name != "Body"} == {
        "Name": f"session-apis-{environment}-{family}",
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
        "Parameters": {"endpointConfigurationTypes": "REGIONAL"},
        "FailOnWarnings": True,
        "Mode": "overwrite",
        "DisableExecuteApiEndpoint": False,
        "MinimumCompressionSize": 1024,
        "SecurityPolicy": "SecurityPolicy_TLS13_1_2_PQ_2025_09",
        "EndpointAccessMode": "STRICT",
    }
    imported = {name: one for name, one in properties["Body"].items() if name.startswith("x-amazon-apigateway-")}
    assert imported["x-amazon-apigateway-minimum-compression-size"] == properties["MinimumCompressionSize"]
    assert imported["x-amazon-apigateway-security-policy"] == properties["SecurityPolicy"]
    assert imported["x-amazon-apigateway-endpoint-access-mode"] == properties["EndpointAccessMode"]
    assert imported["x-amazon-apigateway-endpoint-configuration"] == {"disableExecuteApiEndpoint": False}


@every_stack
def test_clients_with_keys_have_a_usage_plan(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    settings = ENVIRONMENTS[environment]
    (api,) = stack.resources("ApiGateway::RestApi")
    (stage,) = stack.resources("ApiGateway::Stage")
    plan = {
        "ApiStages": [{"ApiId": api, "Stage": stage, "Throttle": {}}],
        "Throttle": {"RateLimit": settings.client_rate_limit, "BurstLimit": settings.client_burst_limit},
    }
    plans = [text(one["Properties"]) for one in stack.resources("ApiGateway::UsagePlan").values()]
    assert plans == ([plan] if definition.has_api_keys else [])


def _body(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = text(stack.properties("ApiGateway::RestApi")["Body"])
    return found


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def _invocation(stack: Stack, module: str) -> str:
    path = f"path/2015-03-31/functions/{stack.called(module)}/invocations"
    return f"arn:AWS::Partition:apigateway:AWS::Region:lambda:{path}"


def _keeper(stack: Stack, operation: dict[str, Any]) -> str:
    """Who answers an imported operation: the handler of the function it calls, or `mock`."""
    integration = operation["x-amazon-apigateway-integration"]
    if integration["type"] == "mock":
        return "mock"
    assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
    (called,) = [
        function["Handler"]
        for module, function in stack.functions().items()
        if integration["uri"] == _invocation(stack, module)
    ]
    return str(called)


def _preflight(origins: tuple[str, ...]) -> dict[str, Any]:
    """What is imported for the preflight of a path with a GET and a PUT."""
    path = {
        "get": {"operationId": "read", "security": []},
        "put": {"operationId": "write", "security": []},
        "options": {"security": []},
    }
    promised = {"openapi": "3.0.3", "info": {"version": "1"}, "paths": {"/": path}, contract.GATEWAY_RESPONSES: {}}
    endpoints = {"read": "arn:read", "write": "arn:write"}
    made = body(promised, title="any", origins=origins, endpoints=endpoints, authorizer=None)
    found: dict[str, Any] = made["paths"]["/"]["options"]
    return found


def _target(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["parameters"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
