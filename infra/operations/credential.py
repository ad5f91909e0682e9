"""`sessionctl credential`: what callers show."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Any

import typer

from infra import contract
from infra.contract import Scheme
from infra.operations import api_keys, output
from infra.operations.deployment import Deployed, Deployment
from infra.operations.errors import NotFoundError, OperationError
from infra.operations.operation import AccountId, FamilyName, Yes, operation
from sessions import accounts, secret
from sessions.accounts import (
    Credential,
    NoSuchAccountError,
    NoSuchCredentialError,
    TooManyCredentialsError,
)

app = typer.Typer(no_args_is_help=True, help="Credentials: what callers show to be let in.")

_DIGITS = 20  # hexadecimal, of a credential's id


def _ranges(given: list[str] | None) -> list[str]:
    for one in given or ():
        try:
            ip_network(one)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return given or []


CredentialId = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="The credential's id, as `list` shows it.")]
Days = Annotated[
    float | None,
    typer.Option("--expires-in-days", min=0.001, max=36500, help="How long it is good; for ever without."),
]


@app.command(epilog="\b\nExample: sessionctl credential create device demo-fleet --username ops --allow 203.0.113.0/24")
@operation
def create(
    deployment: Deployment,
    family: FamilyName,
    account: AccountId,
    *,
    username: Annotated[str | None, typer.Option(help="The user name that goes with it: device needs one.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(callback=_ranges, help="CIDR range that callers may be in; several times. device only."),
    ] = None,
    expires_in_days: Days = None,
) -> output.Found:
    """A new credential. Its secret is shown now and never again."""
    deployed = deployment.family_with_accounts(family)
    _check(family, username, allow)
    now = datetime.now(UTC)
    if not account.isprintable():
        raise NotFoundError(f"{family} has no account {account}.")
    with _explained(family, account), _new_key(deployed, account) as (value, key_id):
        credential, shown = accounts.create_credential(
            family,
            account,
            now=now,
            secret_value=value,
            expires=_end(now, expires_in_days),
            username=username,
            allowed_ranges=tuple(allow or ()),
            api_key_id=key_id,
        )
    output.tell("The secret is shown this once. Keep it where secrets are kept.")
    return described(credential, now) | {"secret": shown}


@app.command("list", epilog="\b\nExample: sessionctl credential list store demo-retailer --local --json")
@operation
def list_(deployment: Deployment, family: FamilyName, account: AccountId) -> output.Found:
    """An account's credentials, the dead ones included; never their secrets."""
    deployment.family_with_accounts(family)
    found = accounts.find_account(family, account) if account.isprintable() else None
    if found is None:
        raise NotFoundError(f"{family} has no account {account}.")
    now = datetime.now(UTC)
    return [described(one, now) for one in accounts.list_credentials(found)]


@app.command(epilog="\b\nExample: sessionctl credential rotate widget 0d5ee7b90f1c2a3b4c5d --overlap-hours 48")
@operation
def rotate(
    deployment: Deployment,
    family: FamilyName,
    credential: CredentialId,
    overlap_hours: Annotated[float, typer.Option(min=0, max=24 * 366, help="How long the old one stays good.")] = 24.0,
    expires_in_days: Days = None,
) -> output.Found:
    """A successor with the same user name and ranges. The old one stays good for the overlap, then it expires."""
    deployed = deployment.family_with_accounts(family)
    old = _found(family, credential)
    now = datetime.now(UTC)
    with _explained(family, old.account_id), _new_key(deployed, old.account_id) as (value, key_id):
        successor, shown = accounts.rotate_credential(
            family,
            credential,
            now=now,
            overlap=timedelta(hours=overlap_hours),
            secret_value=value,
            expires=_end(now, expires_in_days),
            api_key_id=key_id,
        )
    until = _found(family, credential).expires
    output.tell(f"The old credential is good until {until}. The new secret is shown this once.")
    return described(successor, now) | {"secret": shown}


@app.command(epilog="\b\nExample: sessionctl credential revoke device 0d5ee7b90f1c2a3b4c5d --yes")
@operation
def revoke(deployment: Deployment, family: FamilyName, credential: CredentialId, yes: Yes = False) -> output.Found:
    """Refuses the credential for good, as soon as no authorizer remembers it."""
    deployment.family_with_accounts(family)
    found = _found(family, credential)
    if not yes:
        output.ask(f"Refuse {credential} of {found.account_id}, for good?")
    now = datetime.now(UTC)
    try:
        accounts.revoke_credential(family, credential, now=now)
    except NoSuchCredentialError:
        raise NotFoundError(f"{family} has no credential {credential}.") from None
    if found.api_key_id is not None:
        api_keys.delete(found.api_key_id)
    output.tell(f"Whoever has just used it is let in for up to {cache_seconds(family)} seconds more.")
    return described(_found(family, credential), now)


def described(credential: Credential, now: datetime) -> dict[str, Any]:
    """All but the secret, of which the last four letters are known."""
    return {
        "credential": credential.id,
        "account": credential.account_id,
        "live": credential.is_live(now),
        "created": credential.created,
        "expires": credential.expires,
        "revoked": credential.revoked,
        "secret_ends": credential.last_four,
        "username": credential.username,
        "allowed_ranges": list(credential.allowed_ranges),
        "api_key_id": credential.api_key_id,
    }


def _found(family: str, credential: str) -> Credential:
    is_id = len(credential) == _DIGITS and set(credential) <= set("0123456789abcdef")
    found = accounts.find_credential(family, credential) if is_id else None
    if found is None:
        raise NotFoundError(f"{family} has no credential {credential}.")
    return found


def _check(family: str, username: str | None, allow: list[str] | None) -> None:
    """What the family's authorizer would never let in is not made."""
    has_username = any(scheme.has_username for scheme in _schemes(family))
    if has_username and not username:
        raise typer.BadParameter("Callers show a user name here; give one.", param_hint="--username")
    if username and not has_username:
        raise typer.BadParameter("Callers show no user name here.", param_hint="--username")
    if allow and not has_username:
        raise typer.BadParameter("This family's authorizer does not look at addresses.", param_hint="--allow")


@contextmanager
def _explained(family: str, account: str) -> Iterator[None]:
    try:
        yield
    except NoSuchAccountError:
        raise NotFoundError(f"{family} has no account {account}, or it is disabled.") from None
    except NoSuchCredentialError:
        raise OperationError("The credential is revoked or has expired already; create one instead.") from None
    except TooManyCredentialsError:
        raise OperationError(f"{account} has all the live credentials it may have; revoke one first.") from None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@contextmanager
def _new_key(deployed: Deployed, account: str) -> Iterator[tuple[str | None, str | None]]:
    """A secret, and the id of the API Gateway key that has it, where callers have keys. It goes if all else fails."""
    if not deployed.family.has_api_keys:
        yield None, None
        return
    if deployed.usage_plan_id is None:
        raise OperationError(f"{deployed.family.name} is deployed without a usage plan, so no key of it would do.")
    value = secret.generate(deployed.family.name)
    key_id = api_keys.create(deployed.usage_plan_id, account, value)
    try:
        yield value, key_id
    except BaseException:
        api_keys.delete(key_id)
        raise


def _end(now: datetime, days: float | None) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def cache_seconds(family: str) -> int:
    """How long the gateway remembers an authorizer's answer, by the contract."""
    return max(scheme.cache_seconds for scheme in _schemes(family))


def _schemes(family: str) -> list[Scheme]:
    return [one.scheme for one in contract.operations(contract.document(family)) if one.scheme]
