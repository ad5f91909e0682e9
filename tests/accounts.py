"""Accounts and credentials of a running target, made the way its operators make them."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

from sessions import accounts, secret
from sessions.accounts import Credential
from tests.platform import Target

Headers = dict[str, str]


def basic(username: str, api_key: str) -> Headers:
    """HTTP Basic (RFC 7617)."""
    return {"Authorization": "Basic " + b64encode(f"{username}:{api_key}".encode()).decode()}


def bearer(token: str) -> Headers:
    """A bearer token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


def new_insurer(target: Target, client_id: str) -> tuple[Headers, Credential]:
    """A widget client with an API key in the usage plan: the header to call with, and what is known of the key."""
    value = secret.generate("widget")
    gateway = target.apigateway
    key = gateway.create_api_key(name=client_id, value=value, enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=usage_plan(target), keyId=key, keyType="API_KEY")
    with target.accounts():
        accounts.create_account("widget", client_id, now=datetime.now(UTC))
        credential, _ = accounts.create_credential(
            "widget", client_id, now=datetime.now(UTC), secret_value=value, api_key_id=key
        )
    return {"x-api-key": value}, credential


def new_fleet(target: Target, account_id: str, *allowed_ranges: str) -> tuple[Headers, Credential]:
    """A device account whose user may call from these ranges: the header to call with, and what is known of the key."""
    with target.accounts():
        accounts.create_account("device", account_id, now=datetime.now(UTC))
        credential, api_key = accounts.create_credential(
            "device", account_id, now=datetime.now(UTC), username="operator", allowed_ranges=allowed_ranges
        )
    return basic("operator", api_key), credential


def new_retailer(target: Target, account_id: str, *, lives: timedelta | None = None) -> tuple[Headers, Credential]:
    """A store account with a token that lives so long: the header to call with, and what is known of the token."""
    now = datetime.now(UTC)
    with target.accounts():
        accounts.create_account("store", account_id, now=now)
        credential, token = accounts.create_credential(
            "store", account_id, now=now, expires=None if lives is None else now + lives
        )
    return bearer(token), credential


def revoke(target: Target, credential: Credential) -> None:
    with target.accounts():
        accounts.revoke_credential(credential.family, credential.id, now=datetime.now(UTC))


def usage_plan(target: Target) -> str:
    """The plan that the widget clients' keys are in."""
    return str(target.connection["widget"]["usage_plan_id"])
