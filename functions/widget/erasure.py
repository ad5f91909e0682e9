"""What there is of a client's user, for operators who erase it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from functions.widget.session import BY_USER, TABLE, user_key
from sessions import dynamodb
from sessions.erasures import Person, Trace

HAS_ACCOUNT = True
KINDS = ("sessions",)


def person(account: str | None, given: str) -> Person:
    """The client's user with this id."""
    return Person(account, given)


def find(person: Person) -> Iterator[list[Trace]]:
    """The user's sessions, a page at a time. One that a newer save gives to another user is that one's."""
    user = user_key(person.account or "", person.id)
    for items in dynamodb.pages(
        partial(dynamodb.query, TABLE, "#user = :user", "client", "reference", index=BY_USER, user=user)
    ):
        yield [
            Trace(kind="sessions", table=TABLE, key=item, condition="#user = :user", values={"user": user})
            for item in items
        ]


def is_about(data: Mapping[str, Any], person: Person) -> bool | None:
    """Whether an event with this data, sound or not, is the user's; None where it does not tell."""
    client, user = data.get("clientId"), data.get("userId")
    if not isinstance(user, str | int):
        return None
    return str(user) == person.id and (not isinstance(client, str) or client == person.account)
