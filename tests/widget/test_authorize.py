from datetime import timedelta
from typing import Any

import pytest

from functions.widget import authorize
from sessions import accounts, secret
from sessions.accounts import Credential
from tests.conftest import Clock
from tests.proxy_events import policy, request
from tests.sessions.watching import aws_calls, operations

pytestmark = pytest.mark.usefixtures("aws")

DENIED = policy("Deny", "nobody")


def key(at: Clock, **options: Any) -> tuple[Credential, str]:
    """A key of a new client, and its value."""
    accounts.create_account("widget", "insurer", now=at.now)
    return accounts.create_credential("widget", "insurer", now=at.now, api_key_id="key-1", **options)


def decided(headers: Any) -> dict[str, Any]:
    return authorize.handler(request() | {"headers": headers}, None)


def test_a_request_without_a_key_is_refused(at: Clock) -> None:
    key(at)

    for headers in (None, {}, {"x-api-key": ""}, {"Authorization": "Bearer x"}):
        assert decided(headers) == DENIED


def test_an_unknown_key_is_refused(at: Clock) -> None:
    _, value = key(at)

    for wrong in (value[:-1], value + "x", value.lower(), f" {value}", "x" * 10_000, "é", secret.generate("widget")):
        assert decided({"x-api-key": wrong}) == DENIED


def test_the_key_of_another_family_is_refused(at: Clock) -> None:
    accounts.create_account("device", "insurer", now=at.now)
    _, value = accounts.create_credential("device", "insurer", now=at.now, api_key_id="key-1")

    assert decided({"x-api-key": value}) == DENIED


def test_a_revoked_key_is_refused(at: Clock) -> None:
    credential, value = key(at)
    accounts.revoke_credential("widget", credential.id, now=at.now)

    assert decided({"x-api-key": value}) == DENIED


def test_a_key_is_refused_from_the_instant_it_expires(at: Clock) -> None:
    credential, value = key(at, expires=at.now + timedelta(hours=1))

    at.advance(hours=1, microseconds=-1)
    assert decided({"x-api-key": value})["principalId"] == credential.id
    at.advance(microseconds=1)
    assert decided({"x-api-key": value}) == DENIED


def test_a_disabled_clients_key_is_refused(at: Clock) -> None:
    _, value = key(at)
    accounts.disable_account("widget", "insurer", now=at.now)

    assert decided({"x-api-key": value}) == DENIED


def test_a_good_key_is_bound_to_its_client(at: Clock) -> None:
    credential, value = key(at)

    for name in ("x-api-key", "X-API-Key"):
        assert decided({"Accept": "*/*", name: value}) == policy("Allow", credential.id) | {
            "context": {"account": "insurer", "apiKeyId": "key-1"}
        }


def test_both_keys_work_while_they_are_rotated(at: Clock) -> None:
    old, old_value = key(at)
    new, new_value = accounts.rotate_credential(
        "widget", old.id, now=at.now, overlap=timedelta(hours=1), api_key_id="key-2"
    )

    assert decided({"x-api-key": old_value})["context"] == {"account": "insurer", "apiKeyId": "key-1"}
    assert decided({"x-api-key": new_value})["context"] == {"account": "insurer", "apiKeyId": "key-2"}
    at.advance(hours=1)
    assert decided({"x-api-key": old_value}) == DENIED
    assert decided({"x-api-key": new_value})["principalId"] == new.id


def test_a_decision_costs_one_lookup(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    _, value = key(at)
    calls = aws_calls(monkeypatch)

    for headers in ({"x-api-key": value}, {"x-api-key": "unknown"}, {}):
        calls.clear()
        decided(headers)
        assert operations(calls) == ["GetItem"]
