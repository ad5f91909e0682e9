"""Who has been erased, so that no event from before brings anybody back; and nobody's name.

| item | table | key |
| --- | --- | --- |
| an erased person | `<family>-erasures` | `person`: what names the person, as an HMAC |
| the HMAC's key | `accounts` | `partition` = `erasures#<family>`, `sort` = `key` |

A person's number can be guessed by trying all, and so can any hash of it, however slow. So the key lies apart, in a
table of another stack: `docs/decisions/0008-erased-persons.md`.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sessions import accounts, clock, dynamodb, log
from sessions.attributes import Value
from sessions.dynamodb import ConditionFailedError
from sessions.tables import Key, Table

_keys: dict[str, str] = {}
"""By their table, those that this process has seen: they stay as they are."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an erasure is about. `account` is None where the family's persons belong to none."""

    account: str | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An item that is the person's, as long as `condition` holds. `kind` is a word for the operator, in the plural."""

    kind: str
    table: Table
    key: Mapping[str, str]
    condition: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


def table(family: str) -> Table:
    """The family's table of erased persons."""
    return Table(f"{family}-erasures", Key("person"))


def remember(family: str, person: Person, *, until: datetime) -> None:
    """From now on, events of the person that are not after `until` are ignored. An earlier erasure is advanced."""
    digest = _digest(_made_key(family), person)
    with suppress(ConditionFailedError):  # a later one is known already
        dynamodb.update(
            table(family),
            {"person": digest},
            "SET #until = :until",
            "attribute_not_exists(#until) OR #until < :until",
            until=clock.sortable(until),
        )


def has_erased(family: str, person: Person, *, at: datetime) -> bool:
    """Whether what happened `at` this moment is to be ignored: the person was erased then, or later.

    One key lookup. To be asked before anything is written, as what is under way is waited for.
    """
    if (key := _keys.get(family) or _known_key(family)) is None:
        return False  # nobody was ever erased
    _keys[family] = key
    found = dynamodb.get(table(family), {"person": _digest(key, person)}, consistent=True)
    if found is None or clock.sortable(at) > found["until"]:
        return False
    log.info("event of an erased person ignored")
    return True


def _digest(key: str, person: Person) -> str:
    names = json.dumps([person.account, person.id]).encode()
    return hmac.digest(bytes.fromhex(key), names, hashlib.sha256).hex()


def _made_key(family: str) -> str:
    with suppress(ConditionFailedError):  # there is one, perhaps of this very call, repeated after a lost answer
        item = _key_of_key(family) | {"key": secrets.token_hex(32)}
        dynamodb.put(accounts.TABLE, item, "attribute_not_exists(#partition)")
    if (key := _known_key(family)) is None:
        raise RuntimeError("the key was deleted meanwhile")
    return key


def _known_key(family: str) -> str | None:
    found = dynamodb.get(accounts.TABLE, _key_of_key(family), consistent=True)
    return None if found is None else str(found["key"])


def _key_of_key(family: str) -> dict[str, str]:
    return {"partition": f"erasures#{family}", "sort": "key"}
