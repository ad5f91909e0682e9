"""Accounts and their credentials: who may ask, and how they prove it.

An account belongs to one family: a widget client, a retailer, a device fleet. It has several credentials alive
at once, so that one can be replaced without a gap. The secret itself is known only to its holder.

| item | partition | sort |
| --- | --- | --- |
| account | `accounts#<family>` | account id |
| credential | `credential#<family>#<credential id>` | `credential` |
| key of the erased persons | `erasures#<family>` | `key` (`erasures.py`) |

A credential's id is the head of its secret's SHA-256: so one key lookup finds it, and the comparison in constant
time still covers the whole digest. An account lists the ids of its credentials; there is no index and no scan.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sessions import clock, dynamodb, secret
from sessions.attributes import Item
from sessions.dynamodb import ConditionFailedError
from sessions.tables import Key, Table

TABLE = Table("accounts", Key("partition", "sort"))

CREDENTIALS_PER_ACCOUNT = 50
_ID_DIGITS = 20  # of the digest's 64 hexadecimal ones
_REVOKE = "SET #revoked = if_not_exists(#revoked, :now)"
_NOBODY = "0" * 64  # compared with where there is no such credential; no secret has this digest


class AccountExistsError(Exception):
    """There is already such an account in the family."""


class NoSuchAccountError(Exception):
    """The family has no such account, or it is disabled."""


class TooManyCredentialsError(Exception):
    """The account has 50 credentials, and none of them is known to be dead."""


class CredentialExistsError(Exception):
    """Somebody has this secret already."""


class NoSuchCredentialError(Exception):
    """The family has no such credential."""


class Account(NamedTuple):
    """`disabled` is since when, None while it is not. Times are RFC 3339 in UTC, as `clock.sortable` writes them."""

    family: str
    id: str
    created: str
    disabled: str | None
    credential_ids: frozenset[str]


class Credential(NamedTuple):
    """All that is known of a credential; its secret is not. Times as in `Account`; None: never, so far."""

    id: str
    family: str
    account_id: str
    created: str
    expires: str | None
    revoked: str | None
    last_four: str
    username: str | None
    allowed_ranges: tuple[str, ...]
    api_key_id: str | None

    def is_live(self, now: datetime) -> bool:
        return self.revoked is None and (self.expires is None or clock.sortable(now) < self.expires)


def create_account(family: str, account_id: str, *, now: datetime) -> Account:
    """A new account without credentials. `ValueError` where the id is not 1 to 128 printable characters, or has a
    quote or a backslash: it stands in the gateway's log, which escapes nothing.
    """
    if not (1 <= len(account_id) <= 128 and account_id.isprintable()) or '"' in account_id or "\\" in account_id:
        raise ValueError('an account id is 1 to 128 printable characters, none of them " or \\')
    item = _account_key(family, account_id) | {"created": clock.sortable(now), "madeBy": secrets.token_hex(8)}
    try:
        dynamodb.put(TABLE, item, "attribute_not_exists(#partition)")
    except ConditionFailedError:
        existing = dynamodb.get(TABLE, _account_key(family, account_id), consistent=True)
        if existing is None or existing["madeBy"] != item["madeBy"]:  # else a lost answer, and the call repeated
            raise AccountExistsError(account_id) from None
    return _account(family, item)


def find_account(family: str, account_id: str) -> Account | None:
    """The account, disabled or not. One key lookup; an id that no account could have is answered without one."""
    if not 1 <= len(account_id) <= 128:
        return None
    item = dynamodb.get(TABLE, _account_key(family, account_id))
    return None if item is None else _account(family, item)


def list_accounts(family: str) -> Iterator[Account]:
    """All of the family's accounts by id, read page by page."""
    for items in dynamodb.pages(
        partial(dynamodb.query, TABLE, "#partition = :partition", partition=f"accounts#{family}")
    ):
        yield from (_account(family, item) for item in items)


def disable_account(family: str, account_id: str, *, now: datetime) -> None:
    """Refuses every credential of the account, those being created at this moment included."""
    try:
        item = dynamodb.update(
            TABLE,
            _account_key(family, account_id),
            "SET #disabled = if_not_exists(#disabled, :now)",
            "attribute_exists(#partition)",
            now=clock.sortable(now),
        )
    except ConditionFailedError:
        raise NoSuchAccountError(account_id) from None
    for credential_id in sorted(item.get("credentials", ())):
        # Where the credential is not written yet, this leaves a mark that keeps it from being created.
        own = "attribute_not_exists(#account) OR #account = :account"
        with suppress(ConditionFailedError):
            dynamodb.update(
                TABLE, _credential_key(family, credential_id), _REVOKE, own, now=clock.sortable(now), account=account_id
            )


def create_credential(
    family: str,
    account_id: str,
    *,
    now: datetime,
    secret_value: str | None = None,
    expires: datetime | None = None,
    username: str | None = None,
    allowed_ranges: tuple[str, ...] = (),
    api_key_id: str | None = None,
) -> tuple[Credential, str]:
    """A new credential and its secret, which cannot be had again.

    `username` goes with HTTP Basic, `allowed_ranges` (CIDR) restricts where callers may be, `api_key_id` binds an
    API Gateway key whose value is `secret_value`, one that `secret.generate` made; where that is not given, a secret
    is made. An account that has all the credentials it may have loses those that are dead.
    """
    value = secret.generate(family) if secret_value is None else secret_value
    if not secret.is_well_formed(family, value):
        raise ValueError("a secret is made by secret.generate, for its family")
    _check(username, allowed_ranges)
    digest = secret.digest(value)
    credential = Credential(
        id=digest[:_ID_DIGITS],
        family=family,
        account_id=account_id,
        created=clock.sortable(now),
        expires=None if expires is None else clock.sortable(expires),
        revoked=None,
        last_four=value[-4:],
        username=username,
        allowed_ranges=allowed_ranges,
        api_key_id=api_key_id,
    )
    _enter(credential, now)
    try:
        dynamodb.put(TABLE, _credential_item(credential, digest), "attribute_not_exists(#partition)")
    except ConditionFailedError:
        other = find_credential(family, credential.id)
        if other is None:
            raise NoSuchAccountError(account_id) from None  # disabled just now
        if other.account_id != account_id:
            _strike(family, account_id, [credential.id])
        if other != credential:  # else a lost answer, and the call repeated
            raise CredentialExistsError from None
    return credential, value


def list_credentials(account: Account) -> list[Credential]:
    """The account's credentials, oldest first, the revoked and expired ones included."""
    keys = [_credential_key(account.family, credential_id) for credential_id in sorted(account.credential_ids)]
    items = dynamodb.batch_get(TABLE, keys, consistent=True)
    own = (_credential(item) for item in items if item.get("account") == account.id)
    return sorted(own, key=lambda one: (one.created, one.id))


def rotate_credential(
    family: str,
    credential_id: str,
    *,
    now: datetime,
    overlap: timedelta,
    secret_value: str | None = None,
    expires: datetime | None = None,
    api_key_id: str | None = None,
) -> tuple[Credential, str]:
    """A successor with the same user name and ranges, and its secret; the old one expires after `overlap`."""
    old = find_credential(family, credential_id)
    if old is None or not old.is_live(now):
        raise NoSuchCredentialError(credential_id)
    successor = create_credential(
        family,
        old.account_id,
        now=now,
        secret_value=secret_value,
        expires=expires,
        username=old.username,
        allowed_ranges=old.allowed_ranges,
        api_key_id=api_key_id,
    )
    end = clock.sortable(now + overlap)
    _change(family, credential_id, "SET #expires = :end", end=end if old.expires is None else min(end, old.expires))
    return successor


def revoke_credential(family: str, credential_id: str, *, now: datetime) -> None:
    """Refuses the credential from now on; callers see it within their authorizer's cache time."""
    _change(family, credential_id, _REVOKE, now=clock.sortable(now))


def find_credential(family: str, credential_id: str) -> Credential | None:
    """What is known of the credential with this id."""
    item = dynamodb.get(TABLE, _credential_key(family, credential_id), consistent=True)
    return None if item is None or "digest" not in item else _credential(item)


def authenticate(
    family: str, value: str, *, now: datetime, username: str | None = None, address: str | None = None
) -> Credential | None:
    """The live credential that this secret is, or None: unknown, revoked, expired, not this username's, not from there.

    `username` must be the credential's, and none where it has none. One key lookup, and the same work whatever comes
    of it.
    """
    digest = secret.digest(value)
    item = dynamodb.get(TABLE, _credential_key(family, digest[:_ID_DIGITS]))
    known = item is not None and "digest" in item
    same = secret.equal(item["digest"] if known and item else _NOBODY, digest)
    credential = _credential(item) if known and item else None
    wanted = (credential.username if credential else None) or ""
    same_user = secret.equal(wanted, username or "")
    if credential is None or not (same and same_user and credential.is_live(now)):
        return None
    return credential if _is_allowed(credential.allowed_ranges, address) else None


def _enter(credential: Credential, now: datetime) -> None:
    """Puts the credential on its account's list, which is what disabling the account goes by."""
    family, account_id = credential.family, credential.account_id
    for makes_room in (True, False):
        with suppress(ConditionFailedError):
            dynamodb.update(
                TABLE,
                _account_key(family, account_id),
                "ADD #credentials :ids",
                "attribute_exists(#partition) AND attribute_not_exists(#disabled)"
                " AND (attribute_not_exists(#credentials) OR size(#credentials) < :limit)",
                ids={credential.id},
                limit=CREDENTIALS_PER_ACCOUNT,
            )
            return
        account = find_account(family, account_id)
        if account is None or account.disabled is not None:
            raise NoSuchAccountError(account_id)
        dead = {one.id for one in list_credentials(account) if not one.is_live(now)}
        if not dead or not makes_room:
            raise TooManyCredentialsError(account_id)
        for credential_id in sorted(dead):
            with suppress(ConditionFailedError):
                key = _credential_key(family, credential_id)
                dynamodb.delete(TABLE, key, "#account = :account", account=account_id)
        _strike(family, account_id, dead)


def _strike(family: str, account_id: str, credential_ids: Iterable[str]) -> None:
    dynamodb.update(
        TABLE,
        _account_key(family, account_id),
        "DELETE #credentials :ids",
        "attribute_exists(#partition)",
        ids=set(credential_ids),
    )


def _is_allowed(ranges: tuple[str, ...], address: str | None) -> bool:
    if not ranges:
        return True
    from ipaddress import ip_address, ip_network  # noqa: PLC0415 (few credentials have ranges: others need not wait)

    try:
        caller = ip_address(address or "")
    except ValueError:
        return False
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in ip_network(allowed) for allowed in ranges)


def _check(username: str | None, allowed_ranges: tuple[str, ...]) -> None:
    from ipaddress import ip_network  # noqa: PLC0415 (as above)

    if username is not None and (":" in username or not username.isprintable() or not 1 <= len(username) <= 128):
        raise ValueError("a username is 1 to 128 printable characters, none a colon (RFC 7617)")
    for allowed in allowed_ranges:
        ip_network(allowed)


def _change(family: str, credential_id: str, expression: str, **values: str) -> None:
    try:
        dynamodb.update(
            TABLE, _credential_key(family, credential_id), expression, "attribute_exists(#digest)", **values
        )
    except ConditionFailedError:
        raise NoSuchCredentialError(credential_id) from None


def _account_key(family: str, account_id: str) -> dict[str, str]:
    return {"partition": f"accounts#{family}", "sort": account_id}


def _account(family: str, item: Item) -> Account:
    return Account(
        family=family,
        id=item["sort"],
        created=item["created"],
        disabled=item.get("disabled"),
        credential_ids=frozenset(item.get("credentials", ())),
    )


def _credential_key(family: str, credential_id: str) -> dict[str, str]:
    return {"partition": f"credential#{family}#{credential_id}", "sort": "credential"}


def _credential_item(credential: Credential, digest: str) -> Item:
    known = {
        "id": credential.id,
        "family": credential.family,
        "account": credential.account_id,
        "created": credential.created,
        "expires": credential.expires,
        "revoked": credential.revoked,
        "lastFour": credential.last_four,
        "username": credential.username,
        "ranges": list(credential.allowed_ranges),
        "apiKeyId": credential.api_key_id,
        "digest": digest,
    }
    present = {name: value for name, value in known.items() if value is not None}
    return _credential_key(credential.family, credential.id) | present


def _credential(item: Item) -> Credential:
    return Credential(
        id=item["id"],
        family=item["family"],
        account_id=item["account"],
        created=item["created"],
        expires=item.get("expires"),
        revoked=item.get("revoked"),
        last_four=item["lastFour"],
        username=item.get("username"),
        allowed_ranges=tuple(item["ranges"]),
        api_key_id=item.get("apiKeyId"),
    )
