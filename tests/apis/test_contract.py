"""Generated requests of every operation: whatever they hold, the answer is one that the contract has."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from infra import contract, families
from tests.accounts import Headers
from tests.answers import Answer, assert_contract
from tests.platform import Platform, Target

EXAMPLES = {"local": 80, "deployed": 24}
"""Of each operation; an answer of the deployed stacks takes ten times as long."""
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN = {
    "clientId": "demo-insurer",
    "userId": "ana",
    "apiVersion": "v1",
    "iccid": "8988216716970004983",
    "sessionId": "generated",
}
"""Path values that lead to an answer, where generated ones mostly lead to a refusal."""


def _operations() -> list[tuple[str, Any]]:
    """With the family that each is of."""
    schemas = {family: schemathesis.openapi.from_dict(contract.document(family)) for family in families.names()}
    return [
        (family, one.ok())
        for family, schema in schemas.items()
        for one in schema.get_all_operations()
        if isinstance(one, Ok)
    ]


OPERATIONS = _operations()


def test_every_operation_is_tried() -> None:
    written = {one for family in families.names() for one in contract.operations(contract.document(family))}
    assert {(one.method.upper(), one.path) for _, one in OPERATIONS} == {(one.method, one.path) for one in written}
    assert {parameter.name for _, one in OPERATIONS for parameter in one.path_parameters} == set(KNOWN)


@pytest.mark.parametrize("knows_credentials", [True, False], ids=["with credentials", "without credentials"])
@pytest.mark.parametrize(("family", "operation"), OPERATIONS, ids=[f"{one.method} {one.path}" for _, one in OPERATIONS])
def test_generated_requests_get_an_answer_of_the_contract(
    apis: Target,
    credentials: dict[str, Headers],
    family: str,
    operation: Any,
    knows_credentials: bool,
) -> None:
    before = apis.paths.get(family, "")
    headers = credentials[family] if knows_credentials else {}
    known = {parameter.name: KNOWN[parameter.name] for parameter in operation.path_parameters}
    is_deployed = not isinstance(apis, Platform)
    paths = (known,) if is_deployed else (known, None)  # see PATHS: what is generated is mostly percent-encoded
    cases = [operation.as_strategy(mode, path_parameters=path) for mode in GenerationMode for path in paths]
    statuses: set[int] = set()

    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{apis.base_url}{apis.paths.get('knowledge', '')}/sessions/{KNOWN['sessionId']}")

        @settings(
            max_examples=EXAMPLES["deployed" if is_deployed else "local"],
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategies.one_of(cases))
        def check(case: Case[Any]) -> None:
            response = case.call_and_validate(apis.base_url + before, session, headers, checks=CHECKS)
            found = {name.lower(): values[-1] for name, values in response.headers.items()}
            answer = Answer(response.status_code, found, response.content or b"")
            assert_contract(case.method, str(response.request.path_url).removeprefix(before), answer)
            statuses.add(answer.status)

        check()
    assert knows_credentials <= bool(statuses & {200, 204}), statuses
