import base64
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.device import authorize
from sessions import accounts, secret
from sessions.accounts import Credential
from tests.conftest import Clock
from tests.proxy_events import policy, request
from tests.sessions.watching import aws_calls, operations

pytestmark = pytest.mark.usefixtures("aws")

DENIED = policy("Deny", "nobody")


def basic(username: str, key: str, scheme: str = "Basic ") -> str:
    return scheme + base64.b64encode(f"{username}:{key}".encode()).decode()


def key(at: Clock, **options: Any) -> tuple[Credential, str]:
    """A credential of a new account with the user name `ops`, and its key."""
    accounts.create_account("device", "fleet", now=at.now)
    return accounts.create_credential("device", "fleet", now=at.now, **{"username": "ops"} | options)


def allowed(credential: Credential) -> dict[str, Any]:
    return policy("Allow", credential.id) | {"context": {"account": "fleet"}}


def decided(header: str | None, address: str = "192.0.2.7", name: str = "Authorization") -> dict[str, Any]:
    headers = {} if header is None else {name: header}
    return authorize.handler(request(headers=headers, identity={"sourceIp": address}), None)


def test_a_request_without_credentials_is_refused() -> None:
    assert decided(None) == DENIED
    assert decided("") == DENIED


def test_a_malformed_header_is_refused(at: Clock) -> None:
    _, value = key(at)
    good = base64.b64encode(f"ops:{value}".encode()).decode()

    for header in (
        "Basic",
        "Basic ",
        f"Basic{good}",
        f"Bearer {good}",
        f"Digest {good}",
        good,
        f"Basic !{good}",
        f"Basic {good[:-3]}",
        f"Basic {good} x",
        f"Basic ops:{value}",
        "Basic " + base64.b64encode(value.encode()).decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic é",
        "Basic \ud800",
        "Basic " + "A" * 100_000,
    ):
        assert decided(header) == DENIED, header


def test_the_wrong_user_is_refused(at: Clock) -> None:
    _, value = key(at)

    for username in ("", "Ops", "ops ", "op", "fleet", "öps"):
        assert decided(basic(username, value)) == DENIED, username


def test_the_wrong_key_is_refused(at: Clock) -> None:
    _, value = key(at)

    for wrong in ("", value[:-1], f"{value} ", f":{value}", f"{value}:", value.lower(), secret.generate("device")):
        assert decided(basic("ops", wrong)) == DENIED, wrong


def test_user_and_key_of_two_credentials_do_not_mix(at: Clock) -> None:
    _, first = key(at)
    accounts.create_account("device", "other", now=at.now)
    _, second = accounts.create_credential("device", "other", now=at.now, username="other")

    assert decided(basic("other", first)) == DENIED
    assert decided(basic("ops", second)) == DENIED


def test_the_key_of_another_family_is_refused(at: Clock) -> None:
    accounts.create_account("widget", "fleet", now=at.now)
    _, value = accounts.create_credential("widget", "fleet", now=at.now, username="ops")

    assert decided(basic("ops", value)) == DENIED


def test_a_revoked_key_is_refused(at: Clock) -> None:
    credential, value = key(at)
    accounts.revoke_credential("device", credential.id, now=at.now)

    assert decided(basic("ops", value)) == DENIED


def test_a_key_is_refused_from_the_instant_it_expires(at: Clock) -> None:
    credential, value = key(at, expires=at.now + timedelta(hours=1))

    at.advance(hours=1, microseconds=-1)
    assert decided(basic("ops", value)) == allowed(credential)
    at.advance(microseconds=1)
    assert decided(basic("ops", value)) == DENIED


def test_a_disabled_accounts_key_is_refused(at: Clock) -> None:
    _, value = key(at)
    accounts.disable_account("device", "fleet", now=at.now)

    assert decided(basic("ops", value)) == DENIED


def test_a_caller_outside_of_the_allowed_ranges_is_refused(at: Clock) -> None:
    credential, value = key(at, allowed_ranges=("192.0.2.0/25", "2001:db8::/32"))
    header = basic("ops", value)

    for inside in ("192.0.2.0", "192.0.2.127", "2001:db8::1", "2001:DB8:ffff::1", "::ffff:192.0.2.7"):
        assert decided(header, inside) == allowed(credential), inside
    for outside in ("192.0.2.128", "192.0.1.255", "2001:db9::1", "::ffff:192.0.2.128", "::1", "", "odd"):
        assert decided(header, outside) == DENIED, outside


def test_only_the_gateways_own_address_counts(at: Clock) -> None:
    _, value = key(at, allowed_ranges=("10.0.0.0/8",))
    headers = {"Authorization": basic("ops", value), "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}

    assert authorize.handler(request(headers=headers), None) == DENIED


def test_a_good_key_is_allowed_the_whole_stage(at: Clock) -> None:
    credential, value = key(at)

    for address in ("192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7"):
        assert decided(basic("ops", value), address) == allowed(credential)


def test_scheme_and_header_name_have_no_case(at: Clock) -> None:
    credential, value = key(at)

    for scheme in ("basic ", "BASIC ", "bAsIc ", "Basic  "):
        assert decided(basic("ops", value, scheme)) == allowed(credential), scheme
    for name in ("authorization", "AUTHORIZATION"):
        assert decided(basic("ops", value), name=name) == allowed(credential), name


def test_a_key_without_a_user_name_is_refused(at: Clock) -> None:
    _, value = key(at, username=None)

    assert decided(basic("", value)) == DENIED
    assert decided(basic("ops", value)) == DENIED


def test_a_username_may_have_any_letters(at: Clock) -> None:
    credential, value = key(at, username="müller \U0001f600")

    assert decided(basic("müller \U0001f600", value)) == allowed(credential)


def test_a_decision_costs_one_lookup(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    _, value = key(at)
    calls = aws_calls(monkeypatch)

    for header in (basic("ops", value), basic("ops", "unknown"), basic("x", value), "Basic", "Basic !"):
        calls.clear()
        decided(header)
        assert operations(calls) == ["GetItem"], header


pieces = st.sampled_from(["Basic ", "basic", "=", ":", "b3BzOg==", "\x00", "\ud800", "é", " "])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(), st.lists(pieces).map("".join), st.binary().map(lambda raw: f"Basic {base64.b64encode(raw).decode()}")
    )
)
def test_no_header_is_an_error(header: str) -> None:
    assert decided(header) == DENIED
