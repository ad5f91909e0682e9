"""What this family asks of the platform, and its settings."""

from dataclasses import dataclass

from functions.store.session import RECORDS, SESSIONS, TOKENS
from sessions import accounts, erasures
from sessions.deployment import Family, Function, Right

MOST_SHARDS = 16
"""A page asks each of them."""


@dataclass(frozen=True)
class Settings:
    """Where a default does not suit an environment, `infra/settings.py` says so."""

    shards: int = 8
    """Into how many partitions each ordering of an account's sessions is spread; a page reads half a unit of each.
    Where there are sessions, it stays as it is: a change leaves those that are stored where nobody looks."""

    def __post_init__(self) -> None:
        if not 1 <= self.shards <= MOST_SHARDS:
            raise ValueError(f"shards must be from 1 to {MOST_SHARDS}")


ERASURES = erasures.table("store")
FAMILY = Family(
    name="store",
    tables=(SESSIONS, TOKENS, RECORDS, ERASURES),
    settings=Settings(),
    local_settings=Settings(shards=1),  # there, a query costs the table's size, however few it finds
    authorizer=Function(module="authorize", rights=(Right(("GetItem",), accounts.TABLE),)),
    endpoints=(
        Function(
            module="list_sessions",
            memory=1769,
            tells_of_pages=True,
            rights=(
                Right(("GetItem", "BatchGetItem"), SESSIONS),
                *(Right(("Query",), SESSIONS, index) for index in SESSIONS.indexes),
                Right(("Query",), TOKENS),
                Right(("BatchGetItem",), RECORDS),
            ),
        ),
    ),
    recorder=Function(
        module="record_sessions",
        memory=512,
        timeout=30,
        rights=(
            Right(("PutItem", "GetItem"), SESSIONS),
            Right(("PutItem", "DeleteItem"), TOKENS),
            Right(("PutItem",), RECORDS),
            Right(("GetItem",), ERASURES),
            Right(("GetItem",), accounts.TABLE),
        ),
    ),
)
