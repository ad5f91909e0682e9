"""Reads a family's `openapi.yaml`: its routes, their security, and the gateway's own answers.

Both gateways are made from this, API Gateway in the cloud and the local one, so there is no second list of either.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from infra.families import FUNCTIONS

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
AUTHORIZER = "x-amazon-apigateway-authorizer"

Document = dict[str, Any]


class ContractError(Exception):
    """The contract says something that no gateway here could keep."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A security scheme that a Lambda authorizer decides. `identity_source` is in API Gateway's words."""

    name: str
    identity_source: tuple[str, ...]
    cache_seconds: int
    is_api_key: bool
    has_username: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """`module` keeps the promise; None where the gateway itself does, for a CORS preflight."""

    path: str
    method: str
    module: str | None
    scheme: Scheme | None


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """What the gateway answers without any function. `status` is None where it is left as it is."""

    status: int | None
    headers: Mapping[str, str]
    body: str


def document(family: str) -> Document:
    """The family's contract, anchors resolved."""
    found: Document = yaml.load((FUNCTIONS / family / "openapi.yaml").read_text(), _Loader)  # noqa: S506 (a safe loader)
    return found


def operations(contract: Document) -> Iterator[Operation]:
    """Every operation of the contract. `ContractError` where it does not say who may call one."""
    for path, item in contract["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(path, method.upper(), item[method].get("operationId"), _scheme(contract, item[method]))


def gateway_answers(contract: Document, origins: Sequence[str]) -> dict[str, GatewayAnswer]:
    """The gateway's own answers by API Gateway's response type, for pages of these origins to read.

    The gateway cannot choose a header by the caller's origin. With several origins it answers to all: its own
    answers are the same for everybody and carry no data (`docs/decisions/0004-cors-of-the-gateway.md`).
    """
    shared = {"Access-Control-Allow-Origin": origins[0] if len(origins) == 1 else "*"} if origins else {}
    answers = {}
    for name, given in contract[GATEWAY_RESPONSES].items():
        parameters = given.get("responseParameters", {})
        headers = {key.removeprefix("gatewayresponse.header."): value[1:-1] for key, value in parameters.items()}
        template = given["responseTemplates"]["application/json"]
        answers[name] = GatewayAnswer(given.get("statusCode"), headers | shared, template)
    return answers


def preflight_headers(contract: Document, path: str) -> dict[str, str]:
    """What a page of an allowed origin may do at this path (Fetch standard, "CORS-preflight request")."""
    methods = [method.upper() for method in METHODS if method in contract["paths"][path] and method != "options"]
    return {
        "Access-Control-Allow-Methods": ",".join(methods),
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Max-Age": "7200",
    }


def _scheme(contract: Document, operation: Document) -> Scheme | None:
    required = operation.get("security", contract.get("security"))
    if required is None or len(required) > 1:
        raise ContractError(f"{operation.get('operationId')}: name one security scheme, or none by []")
    if not required:
        return None
    ((name, _),) = required[0].items()
    scheme = contract["components"]["securitySchemes"][name]
    authorizer = scheme[AUTHORIZER]
    return Scheme(
        name=name,
        identity_source=tuple(source.strip() for source in authorizer["identitySource"].split(",")),
        cache_seconds=authorizer["authorizerResultTtlInSeconds"],
        is_api_key=scheme["type"] == "apiKey" and scheme["name"].lower() == "x-api-key",
        has_username=scheme.get("scheme") == "basic",
    )


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML's types, but for dates and times: examples are texts, as they are in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
