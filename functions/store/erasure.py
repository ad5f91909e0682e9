"""What there is of a retailer's customer, for operators who erase it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from functions.store import session
from functions.store.deployment import MOST_SHARDS
from functions.store.ordering import LARGEST_INTEGER, encode
from sessions import dynamodb
from sessions.attributes import Item
from sessions.erasures import Person, Trace
from sessions.tables import Table

HAS_ACCOUNT = True
KINDS = ("sessions", "tokens", "open sessions", "customers")

_IS_THEIRS = "#customerId = :customer"


def person(account: str | None, given: str) -> Person:
    """The account's customer with this id. `ValueError` where it is none; leading zeros do not make it another."""
    number = _number(given)
    if number is None:
        raise ValueError("A customer's id is 1 to 64 digits, and at most 9223372036854775807.")
    return Person(account, str(number))


def find(person: Person) -> Iterator[list[Trace]]:
    """The customer's sessions, each after its tokens, by which nobody would find it again; what is among the open ones,
    where a session comes before it is saved, and that may be all; and the customer, last.

    In every shard that there may ever have been, as a changed setting leaves sessions where nobody looks.
    """
    account, customer = person.account or "", int(person.id)
    shards = session.shards(account, MOST_SHARDS)
    for shard in shards:
        for sessions in _sessions(shard, customer):
            tokens = _tokens(account, sessions)
            yield [_trace("tokens", session.TOKENS, one, customer) for one in tokens]
            yield [_trace("sessions", session.SESSIONS, _key(one), customer) for one in sessions]
    for shard in shards:
        for open_ones in _open(shard, customer):
            yield [_trace("open sessions", session.TOKENS, one, customer) for one in open_ones]
    key = {"record": session.record_key(account, "customer", customer)}
    if dynamodb.get(session.RECORDS, key, "record", consistent=True) is not None:
        yield [Trace(kind="customers", table=session.RECORDS, key=key)]


def is_about(data: Mapping[str, Any], person: Person) -> bool | None:
    """Whether an event with this data, sound or not, is the customer's; None where it does not tell."""
    account, saved, customer = (data.get(name) for name in ("accountId", "session", "customer"))
    told = [saved.get("customerId")] if isinstance(saved, Mapping) else []
    told += [one.get("id") for one in (customer, *_customers(saved)) if isinstance(one, Mapping)]
    numbers = {number for one in told if (number := _number(one)) is not None}
    if not numbers:
        is_of_a_store = "store" in data and saved is None and customer is None
        return False if is_of_a_store else None
    return int(person.id) in numbers and (not isinstance(account, str) or account == person.account)


def _sessions(shard: str, customer: int) -> Iterator[list[Item]]:
    """Pages of the customer's sessions in this shard, as they are stored now."""
    for items in dynamodb.pages(
        partial(
            dynamodb.query,
            session.SESSIONS,
            "#customerShard = :shard AND begins_with(#customerIdPlace, :customer)",
            "session",
            index=session.BY_ORDERING["customerId"],
            shard=shard,
            customer=encode("customerId", customer),
        )
    ):
        if items:
            keys = [_key(item) for item in items]
            names = ("session", "sessionToken", "formerTokens", "idPlace", "customerId")
            found = dynamodb.batch_get(session.SESSIONS, keys, *names, consistent=True)
            yield [item for item in found if item["customerId"] == customer]


def _tokens(account: str, sessions: Iterable[Item]) -> list[dict[str, str]]:
    """The keys of their tokens, the former ones included, as far as they are there."""
    keys = [
        {"partition": session.token_partition(account, token), "idPlace": one["idPlace"]}
        for one in sessions
        for token in (one["sessionToken"], *one.get("formerTokens", ()))
    ]
    found = dynamodb.batch_get(session.TOKENS, keys, *session.TOKENS.key.attributes(), consistent=True) if keys else []
    return [dict(one) for one in found]


def _open(shard: str, customer: int) -> Iterator[list[dict[str, str]]]:
    """Pages of the keys by which the customer's sessions are among the open ones."""
    for items in dynamodb.pages(
        partial(
            dynamodb.query,
            session.TOKENS,
            "#partition = :shard",
            "partition",
            "idPlace",
            "customerId",
            consistent=True,
            shard=shard,
        )
    ):
        theirs = [item for item in items if item["customerId"] == customer]
        yield [{name: one[name] for name in ("partition", "idPlace")} for one in theirs]


def _trace(kind: str, table: Table, key: Mapping[str, str], customer: int) -> Trace:
    return Trace(kind=kind, table=table, key=key, condition=_IS_THEIRS, values={"customer": customer})


def _key(item: Item) -> dict[str, str]:
    return {"session": item["session"]}


def _customers(saved: Any) -> list[Any]:
    """A session as the API answers has its customer in it; as an event it is refused."""
    return [saved.get("customer")] if isinstance(saved, Mapping) else []


def _number(given: Any) -> int | None:
    is_legible = (isinstance(given, str) and given.isascii() and given.isdigit()) or type(given) is int
    number = int(given) if is_legible and len(str(given)) <= 64 else -1
    return number if 0 <= number <= LARGEST_INTEGER else None
