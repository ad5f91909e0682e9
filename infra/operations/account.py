"""`sessionctl account`: whose sessions there are."""

from datetime import UTC, datetime
from typing import Any

import typer

from infra.operations import api_keys, output
from infra.operations.credential import cache_seconds
from infra.operations.credential import described as credential_described
from infra.operations.deployment import Deployment
from infra.operations.errors import NotFoundError, OperationError
from infra.operations.operation import AccountId, FamilyName, Yes, operation
from sessions import accounts
from sessions.accounts import Account, AccountExistsError, NoSuchAccountError

app = typer.Typer(no_args_is_help=True, help="Accounts: whose sessions there are.")


@app.command(epilog="\b\nExample: sessionctl account create store acme-groceries --local")
@operation
def create(deployment: Deployment, family: FamilyName, account: AccountId) -> output.Found:
    """A new account, without credentials."""
    deployment.family_with_accounts(family)
    try:
        return _described(accounts.create_account(family, account, now=datetime.now(UTC)))
    except AccountExistsError:
        raise OperationError(f"{family} has an account {account} already.") from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ACCOUNT") from None


@app.command("list", epilog="\b\nExample: sessionctl account list device --json")
@operation
def list_(deployment: Deployment, family: FamilyName) -> output.Found:
    """All accounts of a family."""
    deployment.family_with_accounts(family)
    return [_described(account) for account in accounts.list_accounts(family)]


@app.command(epilog="\b\nExample: sessionctl account show widget demo-insurer --local")
@operation
def show(deployment: Deployment, family: FamilyName, account: AccountId) -> output.Found:
    """One account, and its credentials."""
    deployment.family_with_accounts(family)
    found = _found(family, account)
    now = datetime.now(UTC)
    return _described(found) | {
        "credentials": [credential_described(one, now) for one in accounts.list_credentials(found)]
    }


@app.command(epilog="\b\nExample: sessionctl account disable device lost-fleet --yes")
@operation
def disable(deployment: Deployment, family: FamilyName, account: AccountId, yes: Yes = False) -> output.Found:
    """Refuses every credential of the account, for good. Its sessions stay."""
    deployment.family_with_accounts(family)
    _found(family, account)
    if not yes:
        output.ask(f"Refuse all credentials of {account}, for good?")
    try:
        accounts.disable_account(family, account, now=datetime.now(UTC))
    except NoSuchAccountError:
        raise NotFoundError(f"{family} has no account {account}.") from None
    found = _found(family, account)
    for credential in accounts.list_credentials(found):
        if credential.api_key_id is not None:
            api_keys.delete(credential.api_key_id)
    output.tell(f"Whoever has just called is let in for up to {cache_seconds(family)} seconds more.")
    return _described(found)


def _found(family: str, account: str) -> Account:
    found = accounts.find_account(family, account) if account.isprintable() else None
    if found is None:
        raise NotFoundError(f"{family} has no account {account}.")
    return found


def _described(account: Account) -> dict[str, Any]:
    return {
        "family": account.family,
        "account": account.id,
        "created": account.created,
        "disabled": account.disabled,
        "credentials": len(account.credential_ids),
    }
