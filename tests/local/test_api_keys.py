"""The gateway's own check of API keys. Of the deployed stacks it would be that of `tests/apis/emulator.py`."""

from tests.accounts import new_insurer, usage_plan
from tests.answers import Client
from tests.platform import Platform, eventually

UNAUTHORIZED = {"message": "Unauthorized"}


def test_a_disabled_api_key_is_refused_until_it_is_enabled_again(platform: Platform, http: Client) -> None:
    headers, credential = new_insurer(platform, "disabled")
    assert credential.api_key_id
    eventually(lambda: http.get("/disabled/sessions/ana", headers).status == 200)
    for value, status in (("false", 401), ("true", 200)):
        platform.apigateway.update_api_key(
            apiKey=credential.api_key_id,
            patchOperations=[{"op": "replace", "path": "/enabled", "value": value}],
        )
        eventually(lambda status=status: http.get("/disabled/sessions/ana", headers).status == status)  # type: ignore[misc]
    platform.apigateway.update_api_key(
        apiKey=credential.api_key_id, patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}]
    )
    refused = eventually(lambda: (answer := http.get("/disabled/sessions/ana", headers)).status == 401 and answer)
    assert refused.json == UNAUTHORIZED


def test_an_api_key_out_of_the_usage_plan_is_refused(platform: Platform, http: Client) -> None:
    headers, credential = new_insurer(platform, "without-plan")
    assert credential.api_key_id
    eventually(lambda: http.get("/without-plan/sessions/ana", headers).status == 200)
    platform.apigateway.delete_usage_plan_key(usagePlanId=usage_plan(platform), keyId=credential.api_key_id)
    refused = eventually(lambda: (answer := http.get("/without-plan/sessions/ana", headers)).status == 401 and answer)
    assert refused.json == UNAUTHORIZED
