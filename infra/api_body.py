"""What API Gateway imports: a family's contract without what is for people, and with what is to be done.

The importer knows OpenAPI 3.0 and its own extensions:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.contract import (
    AUTHORIZER,
    GATEWAY_RESPONSES,
    ContractError,
    Document,
    GatewayAnswer,
    Operation,
    Scheme,
    gateway_answers,
    operations,
    preflight_headers,
)
from infra.settings import COMPRESSED_BYTES

API_KEY = "api_key"
"""The scheme by which API Gateway itself asks for one of its keys."""
INTEGRATION = "x-amazon-apigateway-integration"
SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PQ_2025_09"
"""TLS 1.2 or 1.3: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html"""
ACCESS_MODE = "STRICT"
"""A request must name the API's own host in its TLS handshake."""
_ORIGIN = "Access-Control-Allow-Origin"


def body(
    contract: Document,
    *,
    title: str,
    origins: Sequence[str],
    endpoints: Mapping[str, str],
    authorizer: str | None,
    has_domain: bool = False,
) -> Document:
    """The document to import. `endpoints`, by their modules, and `authorizer` are the functions' invocation URIs.

    With a domain of its own, the API answers at no other address.
    """
    paths: Document = {}
    schemes: Document = {}
    for operation in operations(contract):
        if operation.module is None:
            done = _preflight(preflight_headers(contract, operation.path), origins)
        else:
            done = _endpoint(operation.module, operation.scheme, endpoints[operation.module])
        described = {"parameters": _parameters(contract, operation), **done}
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
        if operation.scheme is not None:
            if authorizer is None:
                raise ContractError(f"{operation.module}: its family has no authorizer")
            schemes |= _schemes(operation.scheme, authorizer)
    answers = gateway_answers(contract, origins)
    return {
        "openapi": contract["openapi"],
        "info": {"title": title, "version": contract["info"]["version"]},
        "paths": paths,
        "components": {"securitySchemes": schemes},
        "x-amazon-apigateway-api-key-source": "HEADER",
        "x-amazon-apigateway-minimum-compression-size": COMPRESSED_BYTES,
        "x-amazon-apigateway-security-policy": SECURITY_POLICY,
        "x-amazon-apigateway-endpoint-access-mode": ACCESS_MODE,
        "x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": has_domain},
        GATEWAY_RESPONSES: {name: _gateway_response(answer) for name, answer in answers.items()},
    }


def _endpoint(module: str, scheme: Scheme | None, uri: str) -> Document:
    """An operation that a function answers. API Gateway requires every scheme of the list, not one of them."""
    names = [] if scheme is None else [scheme.name, *([API_KEY] if scheme.is_api_key else [])]
    return {
        "operationId": module,
        "security": [{name: []} for name in names],
        "responses": {},
        INTEGRATION: {"type": "aws_proxy", "httpMethod": "POST", "uri": uri},
    }


def _preflight(headers: dict[str, str], origins: Sequence[str]) -> Document:
    """An operation that the gateway answers: whether pages of the caller's origin may call this path."""
    headers |= {"Vary": "Origin"}
    answer: dict[str, Any] = {"statusCode": "204"}
    if "*" in origins:
        headers[_ORIGIN] = "*"
    else:
        answer["responseTemplates"] = {"application/json": _echo_of(origins)}
    answer["responseParameters"] = {f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()}
    declared = {name: {"schema": {"type": "string"}} for name in (*headers, _ORIGIN)}
    return {
        "security": [],
        "responses": {"204": {"description": "CORS preflight", "headers": declared}},
        INTEGRATION: {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "passthroughBehavior": "never",
            "responses": {"default": answer},
        },
    }


def _echo_of(origins: Sequence[str]) -> str:
    """A template (VTL) that names the caller's origin, if it is one of these. HTTP/2 writes header names small."""
    return (
        "#set($sent = $input.params().header)"
        f"#foreach($origin in {json.dumps(list(origins))})"
        '#if($sent.get("Origin") == $origin || $sent.get("origin") == $origin)'
        f"#set($context.responseOverride.header.{_ORIGIN} = $origin)"
        "#end#end"
    )


def _schemes(scheme: Scheme, authorizer: str) -> Document:
    """The scheme as a request authorizer, and API Gateway's own beside it where that is about keys."""
    marker = "method.request.header."
    header = next(source.removeprefix(marker) for source in scheme.identity_source if source.startswith(marker))
    named = {"type": "apiKey", "in": "header", "name": header}
    decided = {
        "type": "request",
        "identitySource": ", ".join(scheme.identity_source),
        "authorizerResultTtlInSeconds": scheme.cache_seconds,
        "authorizerUri": authorizer,
    }
    schemes = {scheme.name: {**named, "x-amazon-apigateway-authtype": "custom", AUTHORIZER: decided}}
    return {**schemes, API_KEY: named} if scheme.is_api_key else schemes


def _parameters(contract: Document, operation: Operation) -> list[Document]:
    item = contract["paths"][operation.path]
    given = [*item.get("parameters", ()), *item[operation.method.lower()].get("parameters", ())]
    return [
        {"name": one["name"], "in": one["in"], "required": one.get("required", False), "schema": {"type": "string"}}
        for one in (_resolved(contract, parameter) for parameter in given)
    ]


def _resolved(contract: Document, node: Document) -> Document:
    """The node, or what it refers to within the contract."""
    if "$ref" not in node:
        return node
    found = contract
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _gateway_response(answer: GatewayAnswer) -> Document:
    given: Document = {"responseTemplates": {"application/json": answer.body}}
    if answer.status is not None:
        given["statusCode"] = str(answer.status)
    if answer.headers:
        given["responseParameters"] = {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in answer.headers.items()
        }
    return given
