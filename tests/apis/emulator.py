"""MiniStack, as the tests run it: `python tests/apis/emulator.py`, with MiniStack's own settings.

It deploys a stack whole or not at all, and it imports of an OpenAPI document the paths alone. So that stacks need not
bend, it is taught here what they need, and nothing else: docs/emulator.md has the list, with reasons. It runs by itself
and knows nothing of the project.
"""

import copy
import json
import time
from contextvars import ContextVar
from typing import Any

from ministack import app as server  # type: ignore[import-untyped]
from ministack.services import apigateway_v1 as gateway  # type: ignore[import-untyped]
from ministack.services import dynamodb
from ministack.services import lambda_svc as functions
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

Made = tuple[str, dict[str, Any]]

PROVISIONERS: dict[str, Any] = provisioners._RESOURCE_HANDLERS


class _Refusal(tuple[int, dict[str, str], bytes]):
    """An answer of the gateway's own: no function's."""

    __slots__ = ()


ACCEPTED = (
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Logs::MetricFilter",
    "AWS::WAFv2::WebACLAssociation",
)
"""Types of resources that it does not know, and that nothing here depends on: it notes that there is one."""
_ALARM = "AWS::CloudWatch::Alarm"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_ANSWERS = "x-amazon-apigateway-gateway-responses"
_INTEGRATION = "x-amazon-apigateway-integration"
_CALLER = "context.identity.sourceIp"
_BETWEEN_LOOKS = 0.1  # seconds
_REFUSALS = {
    (401, "Unauthorized"): "UNAUTHORIZED",
    (403, "Forbidden"): "INVALID_API_KEY",
    (403, "Missing Authentication Token"): "MISSING_AUTHENTICATION_TOKEN",
    (403, "User is not authorized to access this resource"): "ACCESS_DENIED",
    (403, "User is not authorized to access this resource with an explicit deny"): "ACCESS_DENIED",
}
"""What MiniStack's gateway says where it refuses, and how AWS calls that type of answer."""


def teach() -> None:
    """Fails where MiniStack has learned something itself: then it is to be taken off here."""
    for kind in ACCEPTED:
        assert kind not in PROVISIONERS, f"MiniStack knows {kind} by now"
        PROVISIONERS[kind] = {"create": _note, "delete": _forget}
    _teach_metric_math()
    _teach_authorizers()
    _teach_addresses()
    _teach_api_keys()
    _teach_answers()
    _teach_preflights()
    _teach_units()
    _teach_restoring()
    _teach_polling()


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
    """It tells authorizers no address.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
    """
    find, ask, serve = gateway._request_identity_sources, gateway._invoke_authorizer_lambda, server.app
    caller: ContextVar[str] = ContextVar("caller")

    async def serve_knowing_the_caller(scope: dict[str, Any], *channels: Any) -> None:
        if scope["type"] == "http":
            caller.set(scope["client"][0])
        await serve(scope, *channels)

    def find_all(source: str, *request: Any) -> tuple[bool, list[str]]:
        sources = [one.strip() for one in source.split(",")]
        present, values = find(",".join(one for one in sources if one != _CALLER), *request)
        return present, [*values, *([caller.get()] if _CALLER in sources else [])]

    async def ask_with_address(authorizer: Any, event: dict[str, Any], *scope: Any) -> Any:
        assert "identity" not in event["requestContext"], "MiniStack tells authorizers the address by now"
        event["requestContext"]["identity"] = {"sourceIp": caller.get()}
        return await ask(authorizer, event, *scope)

    gateway._request_identity_sources, gateway._invoke_authorizer_lambda = find_all, ask_with_address
    server.app = serve_knowing_the_caller


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


def _teach_answers() -> None:
    """It keeps what an API answers where it refuses, but neither imports that nor answers so. Whether it refuses, and
    for which reason, is its own decision; what it lets pass, and what a function answers, is left as it is.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
    """
    import_rest, answer = gateway._import_rest_api, gateway._handle_execute_in_scope
    refuse, deny = gateway._gw_error, gateway._deny_error

    def import_all(document: dict[str, Any], given: dict[str, Any] | None = None) -> str:
        api = str(import_rest(document, given))
        assert not gateway._gateway_responses[api], "MiniStack imports its gateway's answers by now"
        for name, described in document.get(_ANSWERS, {}).items():
            assert gateway._put_gateway_response(api, name, described)[0] == 201
        return api

    async def answer_as_imported(api: str, *request: Any) -> Any:
        found = await answer(api, *request)
        if not isinstance(found, _Refusal):
            return found
        status, headers, body = found
        said = json.loads(body)
        kind = _REFUSALS.get((status, said.get("message") or said.get("Message")), f"DEFAULT_{status // 100}XX")
        described = gateway._gateway_responses[api].get(kind)
        if described is None:
            return found
        for name, value in described["responseParameters"].items():
            headers[name.removeprefix("gatewayresponse.header.")] = value.strip("'")
        template = described["responseTemplates"]["application/json"]
        return int(described.get("statusCode", status)), headers, template.encode()

    gateway._gw_error = lambda *told: _Refusal(refuse(*told))
    gateway._deny_error = lambda *told: _Refusal(deny(*told))
    gateway._import_rest_api, gateway._handle_execute_in_scope = import_all, answer_as_imported


def _teach_preflights() -> None:
    """It imports of a mock integration that it is one, and not what it answers.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
    """
    import_operation, mock = gateway._import_operation, gateway._invoke_mock_v1

    def import_answers(api: str, resource: str, method: str, operation: dict[str, Any]) -> None:
        import_operation(api, resource, method, operation)
        made = gateway._resources[api][resource]["resourceMethods"][method]["methodIntegration"]
        assert not made.get("integrationResponses"), "MiniStack imports the answers of mock integrations by now"
        described = operation[_INTEGRATION].get("responses", {})
        made["integrationResponses"] = {one["statusCode"]: one for one in described.values()}

    def mock_without_body(integration: dict[str, Any]) -> Any:
        status, headers, body = mock(integration)
        return (status, headers, body) if status != 204 else (status, headers, b"")

    gateway._import_operation, gateway._invoke_mock_v1 = import_answers, mock_without_body


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


def _teach_restoring() -> None:
    """It restores a backup with the table's indexes, but not a moment, and refuses the attributes that only they have.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
    """
    restore, create = dynamodb._restore_table_to_point_in_time, dynamodb._create_table

    def restore_whole(request: dict[str, Any]) -> Any:
        source = dynamodb._tables.get(request["SourceTableName"], {})
        indexes = {kind: source[kind] for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes") if source[kind]}

        def create_whole(given: dict[str, Any]) -> Any:
            assert not given.keys() & indexes.keys(), "MiniStack restores indexes by now"
            return create(copy.deepcopy(given | indexes))

        dynamodb._create_table = create_whole
        try:
            return restore(request)
        finally:
            dynamodb._create_table = create

    dynamodb._restore_table_to_point_in_time = restore_whole


def _teach_polling() -> None:
    """It looks at queues once a second, where Lambda waits at them; most of these tests wait for events.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    def wait_at_queues() -> None:
        while True:
            try:
                found = functions._poll_sqs()
            except Exception:
                functions.logger.exception("queues could not be looked at")
                found = False
            if not found:
                time.sleep(_BETWEEN_LOOKS)

    assert callable(functions._poll_loop), "MiniStack polls in another way by now"
    functions._poll_loop = wait_at_queues


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
    server.main()
