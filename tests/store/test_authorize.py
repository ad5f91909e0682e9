from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.store import authorize
from sessions import accounts, secret
from sessions.accounts import Credential
from tests.conftest import Clock
from tests.proxy_events import request
from tests.sessions.watching import aws_calls, operations

pytestmark = pytest.mark.usefixtures("aws")

STAGE = "arn:aws:execute-api:eu-west-1:123456789012:api1/prod/*"


def policy(effect: str, principal: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": STAGE}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


DENIED = policy("Deny", "nobody")


def token(at: Clock, account: str = "retailer", **options: Any) -> tuple[Credential, str]:
    """A credential of a new account, and its token."""
    accounts.create_account("store", account, now=at.now)
    return accounts.create_credential("store", account, now=at.now, **options)


def allowed(credential: Credential) -> dict[str, Any]:
    return policy("Allow", credential.id) | {"context": {"account": credential.account_id}}


def decided(header: str | None, name: str = "Authorization") -> dict[str, Any]:
    return authorize.handler(request(headers={} if header is None else {name: header}), None)


def test_a_request_without_a_token_is_refused() -> None:
    assert decided(None) == DENIED
    assert decided("") == DENIED


def test_a_malformed_header_is_refused(at: Clock) -> None:
    _, value = token(at)

    for header in (
        "Bearer",
        "Bearer ",
        f"Bearer{value}",
        f"Basic {value}",
        f"Token {value}",
        value,
        f" Bearer {value}",
        f"Bearer\t{value}",
        f"Bearer {value} x",
        f"Bearer {value}, Bearer {value}",
        f'Bearer "{value}"',
        "Bearer é",
        "Bearer \ud800",
        "Bearer " + "A" * 100_000,
    ):
        assert decided(header) == DENIED, header


def test_the_wrong_token_is_refused(at: Clock) -> None:
    _, value = token(at)

    for wrong in (value[:-1], f"{value}=", value.lower(), secret.generate("store")):
        assert decided(f"Bearer {wrong}") == DENIED, wrong


def test_the_token_of_another_family_is_refused(at: Clock) -> None:
    accounts.create_account("widget", "retailer", now=at.now)
    _, value = accounts.create_credential("widget", "retailer", now=at.now)

    assert decided(f"Bearer {value}") == DENIED


def test_a_token_with_a_user_name_is_refused(at: Clock) -> None:
    _, value = token(at, username="ops")

    assert decided(f"Bearer {value}") == DENIED


def test_a_revoked_token_is_refused(at: Clock) -> None:
    credential, value = token(at)
    accounts.revoke_credential("store", credential.id, now=at.now)

    assert decided(f"Bearer {value}") == DENIED


def test_a_token_is_refused_from_the_instant_it_expires(at: Clock) -> None:
    credential, value = token(at, expires=at.now + timedelta(hours=1))

    at.advance(hours=1, microseconds=-1)
    assert decided(f"Bearer {value}") == allowed(credential)
    at.advance(microseconds=1)
    assert decided(f"Bearer {value}") == DENIED


def test_a_disabled_retailers_token_is_refused(at: Clock) -> None:
    _, value = token(at)
    accounts.disable_account("store", "retailer", now=at.now)

    assert decided(f"Bearer {value}") == DENIED


def test_each_token_leads_to_its_own_retailer(at: Clock) -> None:
    first, first_value = token(at)
    second, second_value = token(at, "other")

    assert decided(f"Bearer {first_value}") == allowed(first)
    assert decided(f"Bearer {second_value}") == allowed(second)


def test_scheme_and_header_name_have_no_case(at: Clock) -> None:
    credential, value = token(at)

    for scheme in ("bearer ", "BEARER ", "bEaReR ", "Bearer  "):
        assert decided(scheme + value) == allowed(credential), scheme
    for name in ("authorization", "AUTHORIZATION"):
        assert decided(f"Bearer {value}", name) == allowed(credential), name


def test_a_decision_costs_one_lookup(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    _, value = token(at)
    calls = aws_calls(monkeypatch)

    for header in (f"Bearer {value}", "Bearer unknown", "Bearer", "Basic x"):
        calls.clear()
        decided(header)
        assert operations(calls) == ["GetItem"], header


pieces = st.sampled_from(["Bearer ", "bearer", "=", "SESSSTORE", "\x00", "\ud800", "é", " ", ","])


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.lists(pieces).map("".join), st.text().map("Bearer {}".format)))
def test_no_header_is_an_error(header: str) -> None:
    assert decided(header) == DENIED
