"""What the family asks of the platform, where its own rules say more than the stacks' tests."""

import pytest

from functions.store.deployment import ERASURES, FAMILY, Settings
from functions.store.session import RECORDS, SESSIONS, TOKENS
from infra import families
from infra.settings import ENVIRONMENTS
from sessions import accounts


@pytest.mark.parametrize("shards", [0, -1, 100, 10**9])
def test_a_number_of_shards_that_nothing_could_be_kept_in_is_refused(shards: int) -> None:
    with pytest.raises(ValueError, match=r"^shards must be from 1 to 16$"):
        Settings(shards=shards)
    with pytest.raises(ValueError, match="shards must be from 1 to 16"):  # pydantic's, which says where, too
        families.load("store", shards=shards)


@pytest.mark.parametrize("shards", [1, 16])
def test_a_family_may_have_few_shards_or_many(shards: int) -> None:
    assert families.load("store", shards=shards).variables() == {"STORE_SHARDS": str(shards)}


def test_there_are_eight_shards_in_the_cloud_and_one_on_a_desk() -> None:
    for environment in ENVIRONMENTS.values():
        family = families.load("store", **environment.family_settings.get("store", {}))
        assert family.variables() == {"STORE_SHARDS": "8"}
    assert FAMILY.local_settings == Settings(shards=1)


def test_each_function_does_what_it_is_for() -> None:
    """Reading cannot write, writing cannot read, and neither can look through a table."""
    found = {
        function.module: {
            (action, right.table.name, right.index.name if right.index else None)
            for right in function.rights
            for action in right.actions
        }
        for function in FAMILY.functions
    }
    assert found == {
        "authorize": {("GetItem", accounts.TABLE.name, None)},
        "list_sessions": {
            ("GetItem", SESSIONS.name, None),
            ("BatchGetItem", SESSIONS.name, None),
            ("BatchGetItem", RECORDS.name, None),
            *(("Query", SESSIONS.name, index.name) for index in SESSIONS.indexes),
            ("Query", TOKENS.name, None),
        },
        "record_sessions": {
            *(("PutItem", table.name, None) for table in (SESSIONS, TOKENS, RECORDS)),
            ("GetItem", SESSIONS.name, None),
            ("DeleteItem", TOKENS.name, None),
            ("GetItem", ERASURES.name, None),
            ("GetItem", accounts.TABLE.name, None),
        },
    }
