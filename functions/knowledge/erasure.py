"""What there is of a customer who visited, for operators who erase it.

A session is found by its id alone, and for a question this rare no index is kept: the whole table is read. Nothing
comes in through a queue, so there is nothing late to be kept out.
"""

import json
from collections.abc import Iterator
from functools import partial

from functions.knowledge.session import TABLE
from sessions import dynamodb
from sessions.erasures import Person, Trace

HAS_ACCOUNT = False
KINDS = ("sessions",)


def person(account: str | None, given: str) -> Person:
    """The customer with this id."""
    return Person(account, given)


def find(person: Person) -> Iterator[list[Trace]]:
    """The sessions that are associated with the customer, out of a page of the table at a time."""
    customer = json.dumps(person.id)
    for items in dynamodb.pages(partial(dynamodb.scan, TABLE, "#customerId = :customer", "id", customer=customer)):
        yield [
            Trace(
                kind="sessions",
                table=TABLE,
                key=item,
                condition="#customerId = :customer",
                values={"customer": customer},
            )
            for item in items
        ]
