"""MiniStack, as the tests run it: `python tests/apis/emulator.py`, with MiniStack's own settings.

It deploys a stack whole or not at all, and it imports of an OpenAPI document the paths alone. So that stacks need not
bend, it is taught here what they need, and nothing else: docs/emulator.md has the list, with reasons. It runs by itself
and knows nothing of the project.
"""

import json
from typing import Any

from ministack.app import main  # type: ignore[import-untyped]
from ministack.services import apigateway_v1 as gateway  # type: ignore[import-untyped]
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

Made = tuple[str, dict[str, Any]]

PROVISIONERS: dict[str, Any] = provisioners._RESOURCE_HANDLERS

ACCEPTED = (
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Logs::MetricFilter",
    "AWS::WAFv2::WebACLAssociation",
)
"""Types of resources that it does not know, and that nothing here depends on: it notes that there is one."""
_ALARM = "AWS::CloudWatch::Alarm"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_CALLER = "context.identity.sourceIp"
_ADDRESS = "127.0.0.1"


def teach() -> None:
    """Fails where MiniStack has learned something itself: then it is to be taken off here."""
    for kind in ACCEPTED:
        assert kind not in PROVISIONERS, f"MiniStack knows {kind} by now"
        PROVISIONERS[kind] = {"create": _note, "delete": _forget}
    _teach_metric_math()
    _teach_authorizers()
    _teach_addresses()
    _teach_api_keys()
    _teach_units()


def _teach_metric_math() -> None:
    """Of alarms it knows those about one metric."""
    of_one_metric = PROVISIONERS[_ALARM]["create"]

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        if "Metrics" not in properties:
            made: Made = of_one_metric(logical_id, properties, stack)
            return made
        try:
            of_one_metric(logical_id, properties, stack)
        except ValueError:
            return _note(logical_id, properties, stack)
        raise AssertionError("MiniStack knows metric math by now")

    PROVISIONERS[_ALARM] = {**PROVISIONERS[_ALARM], "create": create}


def _teach_authorizers() -> None:
    """It runs authorizers, and leaves them out of an import: every operation would be open to all.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
    """
    import_paths = gateway._import_rest_api

    def import_all(document: dict[str, Any], given: dict[str, Any] | None = None) -> str:
        api = str(import_paths(document, given))
        schemes = document.get("components", {}).get("securitySchemes", {})
        known = {
            name: _made(gateway._create_authorizer(api, {**scheme[_AUTHORIZER], "name": name, "type": "REQUEST"}))
            for name, scheme in schemes.items()
            if _AUTHORIZER in scheme
        }
        for resource in gateway._resources[api].values():
            for method, described in resource["resourceMethods"].items():
                assert described["authorizationType"] == "NONE", "MiniStack imports authorizers by now"
                for name in _secured_by(document["paths"][resource["path"]][method.lower()]):
                    if name in known:
                        described |= {"authorizationType": "CUSTOM", "authorizerId": known[name]}
                    else:
                        described["apiKeyRequired"] = True
        return api

    gateway._import_rest_api = import_all


def _teach_addresses() -> None:
    """It tells endpoints the caller's address, and authorizers not. All callers here are of this machine.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
    """
    find, ask = gateway._request_identity_sources, gateway._invoke_authorizer_lambda

    def find_all(source: str, *request: Any) -> tuple[bool, list[str]]:
        sources = [one.strip() for one in source.split(",")]
        present, values = find(",".join(one for one in sources if one != _CALLER), *request)
        return present, [*values, *([_ADDRESS] if _CALLER in sources else [])]

    async def ask_with_address(authorizer: Any, event: dict[str, Any], *scope: Any) -> Any:
        assert "identity" not in event["requestContext"], "MiniStack tells authorizers the address by now"
        event["requestContext"]["identity"] = {"sourceIp": _ADDRESS}
        return await ask(authorizer, event, *scope)

    gateway._request_identity_sources, gateway._invoke_authorizer_lambda = find_all, ask_with_address


def _teach_api_keys() -> None:
    """It knows keys and plans; it makes up the value of a key, asks nobody for one, and tells nobody its id.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
    """
    create, authorize, build = gateway._create_api_key, gateway._authorize_request_v1, gateway._build_lambda_event_v1

    def create_with_value(given: dict[str, Any]) -> Any:
        answer = create(given)
        key = gateway._api_keys[_made(answer)]
        assert key["value"] != given["value"], "MiniStack keeps the value of a key by now"
        key["value"] = given["value"]
        return answer

    async def authorize_with_key(api: str, stage: str, method: dict[str, Any], *request: Any) -> Any:
        refused, context = await authorize(api, stage, method, *request)
        if refused is None and method["apiKeyRequired"] and _key(api, stage, request[3]) is None:
            return gateway._gw_error(403, "Forbidden"), None
        return refused, context

    def build_with_key(api: str, stage: str, *request: Any, **more: Any) -> Any:
        event = build(api, stage, *request, **more)
        key = _key(api, stage, event["headers"])
        if key is not None:
            event["requestContext"]["identity"] |= {"apiKey": key["value"], "apiKeyId": key["id"]}
        return event

    gateway._create_api_key = create_with_value
    gateway._authorize_request_v1, gateway._build_lambda_event_v1 = authorize_with_key, build_with_key


def _teach_units() -> None:
    """It tells what reads cost, but not those of a batch; here a key is half a unit, however large its item.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    get = dynamodb._batch_get_item

    def get_with_units(request: dict[str, Any]) -> Any:
        status, headers, body = get(request)
        answer = json.loads(body)
        assert "ConsumedCapacity" not in answer, "MiniStack tells units of a batch by now"
        if status == 200 and request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            asked = request["RequestItems"].items()
            answer["ConsumedCapacity"] = [
                {"TableName": table, "CapacityUnits": len(keys["Keys"]) / 2} for table, keys in asked
            ]
        return status, headers, json.dumps(answer).encode()

    dynamodb._batch_get_item = get_with_units


def _key(api: str, stage: str, headers: dict[str, Any]) -> dict[str, Any] | None:
    """The request's key, where it is enabled and in a plan of the stage."""
    value = gateway._header_ci(headers, "x-api-key")
    plans = [
        plan
        for plan, described in gateway._usage_plans.items()
        if any((one["apiId"], one["stage"]) == (api, stage) for one in described["apiStages"])
    ]
    members = {key for plan in plans for key in gateway._usage_plan_keys.get(plan, {})}
    keys = (key for name, key in gateway._api_keys.items() if name in members and key["enabled"])
    return next((key for key in keys if key["value"] == value), None)


def _secured_by(operation: dict[str, Any]) -> list[str]:
    return [name for choice in operation.get("security", ()) for name in choice]


def _made(answer: tuple[int, Any, bytes]) -> str:
    return str(json.loads(answer[2])["id"])


def _note(logical_id: str, _properties: dict[str, Any], stack: str) -> Made:
    return f"{stack}-{logical_id}", {}


def _forget(_physical_id: str, _properties: dict[str, Any]) -> None:
    pass


if __name__ == "__main__":
    teach()
    main()
