import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.resources import Queue
from sessions import accounts, dynamodb, secret
from sessions.accounts import (
    Account,
    AccountExistsError,
    Credential,
    NoSuchAccountError,
    NoSuchCredentialError,
    authenticate,
    create_account,
    create_credential,
)
from sessions.tables import Table
from tests.sessions.watching import aws_calls, interrupted, operations, stored

pytestmark = pytest.mark.usefixtures("aws")

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
WIDGET_KEYS = [secret.generate("widget") for _ in range(2)]
WRITTEN = "2026-01-02T03:04:05.678901Z"


def fleet(**options: Any) -> tuple[Credential, str]:
    """A credential of a new device account `fleet`, and its secret."""
    create_account("device", "fleet", now=NOW)
    return create_credential("device", "fleet", now=NOW, **options)


def found(value: str, **options: Any) -> Credential | None:
    return authenticate("device", value, **{"now": NOW} | options)


def test_an_account_is_found_as_it_was_created() -> None:
    created = create_account("device", "fleet", now=NOW)

    assert created == Account(family="device", id="fleet", created=WRITTEN, disabled=None, credential_ids=frozenset())
    assert accounts.find_account("device", "fleet") == created


def test_an_account_that_nobody_created_is_not_found() -> None:
    assert accounts.find_account("device", "fleet") is None


def test_two_accounts_of_one_family_never_share_an_id() -> None:
    first = create_account("device", "fleet", now=NOW)

    with pytest.raises(AccountExistsError):
        create_account("device", "fleet", now=NOW + timedelta(days=1))

    assert accounts.find_account("device", "fleet") == first


def test_creating_an_account_again_keeps_its_credentials_and_its_end() -> None:
    _, value = fleet()
    accounts.disable_account("device", "fleet", now=NOW)

    with pytest.raises(AccountExistsError):
        create_account("device", "fleet", now=NOW)

    again = accounts.find_account("device", "fleet")
    assert again is not None
    assert (again.disabled, len(again.credential_ids)) == (WRITTEN, 1)
    assert found(value) is None


def test_two_families_may_each_have_an_account_of_one_id() -> None:
    create_account("device", "same", now=NOW)
    create_account("widget", "same", now=NOW)
    accounts.disable_account("device", "same", now=NOW)

    other = accounts.find_account("widget", "same")
    assert other is not None
    assert other.disabled is None


def test_an_account_id_may_be_any_printable_text() -> None:
    for account_id in ("a", "x" * 128, "ünï café", "a/b#c:d", "\U0001f600" * 128):
        create_account("widget", account_id, now=NOW)

        account = accounts.find_account("widget", account_id)
        assert account is not None
        assert account.id == account_id


def test_no_account_has_an_id_that_is_empty_too_long_or_not_printable() -> None:
    for account_id in ("", "x" * 129, "a\nb", "a\x00", "\ud800", "a\u200bb", 'a"b', "a\\b"):
        with pytest.raises(ValueError, match="1 to 128 printable"):
            create_account("widget", account_id, now=NOW)
    assert stored("accounts") == []


def test_an_id_that_no_account_could_have_is_answered_without_a_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch)

    assert accounts.find_account("widget", "") is None
    assert accounts.find_account("widget", "x" * 129) is None
    assert calls == []


def test_accounts_are_listed_by_id_and_family(monkeypatch: pytest.MonkeyPatch) -> None:
    for account_id in ("b", "c", "a"):
        create_account("widget", account_id, now=NOW)
    create_account("device", "d", now=NOW)
    create_credential("widget", "b", now=NOW)

    assert [one.id for one in accounts.list_accounts("widget")] == ["a", "b", "c"]
    assert [one.id for one in accounts.list_accounts("device")] == ["d"]
    assert list(accounts.list_accounts("store")) == []


def test_accounts_are_listed_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    for account_id in ("a", "b", "c"):
        create_account("widget", account_id, now=NOW)
    calls = aws_calls(monkeypatch, lambda call: call[1].update(Limit=2))

    assert [one.id for one in accounts.list_accounts("widget")] == ["a", "b", "c"]
    assert operations(calls) == ["Query", "Query"]


def test_a_credential_tells_all_but_its_secret() -> None:
    created, value = fleet(
        expires=NOW + timedelta(days=1), username="ops", allowed_ranges=("10.0.0.0/8",), api_key_id="key-1"
    )

    assert created == Credential(
        id=created.id,
        family="device",
        account_id="fleet",
        created=WRITTEN,
        expires="2026-01-03T03:04:05.678901Z",
        revoked=None,
        last_four=value[-4:],
        username="ops",
        allowed_ranges=("10.0.0.0/8",),
        api_key_id="key-1",
    )
    assert accounts.find_credential("device", created.id) == created
    assert secret.is_well_formed("device", value)


def test_a_secret_is_nowhere_in_the_table() -> None:
    _, first = fleet(username="ops")
    created, _ = create_credential("device", "fleet", now=NOW, username="ops")
    _, second = accounts.rotate_credential("device", created.id, now=NOW, overlap=timedelta(days=1))

    everything = json.dumps(stored("accounts"))
    assert secret.digest(second) in everything
    for value in (first, second):
        assert value not in everything
        assert value[-8:] not in everything
        assert value.removeprefix("SESSDEVICE")[:8] not in everything


def test_an_account_has_several_live_credentials() -> None:
    first, first_value = fleet()
    second, second_value = create_credential("device", "fleet", now=NOW + timedelta(seconds=1))

    account = accounts.find_account("device", "fleet")
    assert account is not None
    assert account.credential_ids == {first.id, second.id}
    assert accounts.list_credentials(account) == [first, second]
    assert found(first_value) == first
    assert found(second_value) == second


def test_credentials_are_listed_oldest_first_with_the_dead_ones() -> None:
    create_account("device", "fleet", now=NOW)
    made = [
        create_credential("device", "fleet", now=NOW + timedelta(seconds=age), expires=NOW + timedelta(seconds=9))[0]
        for age in (3, 1, 2)
    ]
    accounts.revoke_credential("device", made[0].id, now=NOW)

    account = accounts.find_account("device", "fleet")
    assert account is not None
    listed = accounts.list_credentials(account)
    assert [one.id for one in listed] == [made[1].id, made[2].id, made[0].id]
    assert [one.revoked for one in listed] == [None, None, WRITTEN]
    assert not any(one.is_live(NOW + timedelta(seconds=9)) for one in listed)


def test_an_account_without_credentials_lists_none() -> None:
    assert accounts.list_credentials(create_account("device", "fleet", now=NOW)) == []


def test_a_credential_of_no_account_is_not_created() -> None:
    with pytest.raises(NoSuchAccountError):
        create_credential("device", "fleet", now=NOW)
    assert stored("accounts") == []


def test_a_disabled_account_refuses_every_credential_and_takes_no_new_one() -> None:
    old, old_value = fleet()
    _, other_value = create_credential("device", "fleet", now=NOW)
    accounts.disable_account("device", "fleet", now=NOW)

    with pytest.raises(NoSuchAccountError):
        create_credential("device", "fleet", now=NOW)
    with pytest.raises(NoSuchCredentialError):
        accounts.rotate_credential("device", old.id, now=NOW, overlap=timedelta(days=1))

    assert found(old_value) is None
    assert found(other_value) is None
    account = accounts.find_account("device", "fleet")
    assert account is not None
    assert account.disabled == WRITTEN


def test_disabling_again_keeps_the_first_moment() -> None:
    credential, _ = fleet()
    accounts.disable_account("device", "fleet", now=NOW)
    accounts.disable_account("device", "fleet", now=NOW + timedelta(days=1))

    account = accounts.find_account("device", "fleet")
    known = accounts.find_credential("device", credential.id)
    assert account is not None
    assert known is not None
    assert (account.disabled, known.revoked) == (WRITTEN, WRITTEN)


def test_an_account_that_does_not_exist_is_not_disabled() -> None:
    with pytest.raises(NoSuchAccountError):
        accounts.disable_account("device", "fleet", now=NOW)
    assert stored("accounts") == []


@pytest.mark.parametrize("at_call", [1, 2])
def test_a_credential_being_created_while_its_account_is_disabled_is_refused(
    monkeypatch: pytest.MonkeyPatch, at_call: int
) -> None:
    create_account("device", "fleet", now=NOW)
    value = secret.generate("device")
    interrupted(monkeypatch, at_call, lambda: accounts.disable_account("device", "fleet", now=NOW))

    with pytest.raises(NoSuchAccountError):
        create_credential("device", "fleet", now=NOW, secret_value=value)

    assert found(value) is None
    account = accounts.find_account("device", "fleet")
    assert account is not None
    assert accounts.list_credentials(account) == []


def test_rotation_leaves_both_secrets_alive_for_the_overlap() -> None:
    old, old_value = fleet(username="ops", allowed_ranges=("10.0.0.0/8",))
    new, new_value = accounts.rotate_credential("device", old.id, now=NOW, overlap=timedelta(hours=1))

    def lives(value: str, after: timedelta) -> bool:
        return found(value, now=NOW + after, username="ops", address="10.1.2.3") is not None

    assert new_value != old_value
    assert (new.username, new.allowed_ranges, new.account_id) == ("ops", ("10.0.0.0/8",), "fleet")
    assert lives(old_value, timedelta(0))
    assert lives(new_value, timedelta(0))
    assert lives(old_value, timedelta(hours=1) - timedelta(microseconds=1))
    assert not lives(old_value, timedelta(hours=1))
    assert lives(new_value, timedelta(days=999))


def test_rotation_never_prolongs_a_credential() -> None:
    old, value = fleet(expires=NOW + timedelta(minutes=1))
    accounts.rotate_credential("device", old.id, now=NOW, overlap=timedelta(days=1))

    assert found(value, now=NOW + timedelta(seconds=59)) is not None
    assert found(value, now=NOW + timedelta(minutes=1)) is None


def test_rotation_binds_the_new_api_key() -> None:
    create_account("widget", "insurer", now=NOW)
    old, _ = create_credential("widget", "insurer", now=NOW, secret_value=WIDGET_KEYS[0], api_key_id="key-1")
    new, value = accounts.rotate_credential(
        "widget", old.id, now=NOW, overlap=timedelta(), secret_value=WIDGET_KEYS[1], api_key_id="key-2"
    )

    assert value == WIDGET_KEYS[1]
    assert authenticate("widget", WIDGET_KEYS[1], now=NOW) == new
    assert new.api_key_id == "key-2"
    assert authenticate("widget", WIDGET_KEYS[0], now=NOW) is None


def revoked(credential: Credential) -> None:
    accounts.revoke_credential("device", credential.id, now=NOW)


def expired(credential: Credential) -> None:
    accounts.rotate_credential("device", credential.id, now=NOW - timedelta(days=1), overlap=timedelta(hours=1))


def untouched(credential: Credential) -> None:
    pass


@pytest.mark.parametrize("end", [revoked, expired])
def test_what_is_dead_is_not_rotated(end: Callable[[Credential], None]) -> None:
    credential, _ = fleet()
    end(credential)
    before = stored("accounts")

    with pytest.raises(NoSuchCredentialError):
        accounts.rotate_credential("device", credential.id, now=NOW, overlap=timedelta(days=1))
    assert stored("accounts") == before


def test_an_unknown_credential_is_neither_found_nor_rotated_nor_revoked() -> None:
    credential, value = fleet()
    before = stored("accounts")

    for family, credential_id in (("device", "0" * 20), ("widget", credential.id), ("device", "")):
        assert accounts.find_credential(family, credential_id) is None
        with pytest.raises(NoSuchCredentialError):
            accounts.rotate_credential(family, credential_id, now=NOW, overlap=timedelta(days=1))
        with pytest.raises(NoSuchCredentialError):
            accounts.revoke_credential(family, credential_id, now=NOW)
    assert stored("accounts") == before
    assert found(value) == credential


def test_a_revoked_credential_is_refused_and_its_neighbour_is_not() -> None:
    first, first_value = fleet()
    second, second_value = create_credential("device", "fleet", now=NOW)
    accounts.revoke_credential("device", first.id, now=NOW)
    accounts.revoke_credential("device", first.id, now=NOW + timedelta(days=1))

    assert found(first_value) is None
    assert found(second_value) == second
    known = accounts.find_credential("device", first.id)
    assert known is not None
    assert known.revoked == WRITTEN


def test_a_credential_is_refused_from_the_instant_it_expires() -> None:
    credential, value = fleet(expires=NOW + timedelta(seconds=1))

    assert found(value, now=NOW + timedelta(microseconds=999_999)) == credential
    assert found(value, now=NOW + timedelta(seconds=1)) is None


def test_an_unknown_secret_is_refused() -> None:
    _, value = fleet()

    for wrong in ("", "x", value[:-1], value + " ", value.lower(), value[::-1], secret.generate("device"), "\ud800"):
        assert found(wrong) is None


def test_families_do_not_share_credentials() -> None:
    _, value = fleet()
    create_account("widget", "fleet", now=NOW)

    assert authenticate("widget", value, now=NOW) is None
    assert authenticate("store", value, now=NOW) is None


def test_the_username_counts_to_the_letter() -> None:
    credential, value = fleet(username="ops")

    assert found(value, username="ops") == credential
    for wrong in (None, "", "Ops", "ops ", "op", "opsx", "\ud800"):
        assert found(value, username=wrong) is None


def test_a_username_fits_http_basic() -> None:
    create_account("device", "fleet", now=NOW)
    before = stored("accounts")

    for wrong in ("", "a:b", "a\nb", "x" * 129):
        with pytest.raises(ValueError, match="printable characters, none a colon"):
            create_credential("device", "fleet", now=NOW, username=wrong)
    assert stored("accounts") == before


def test_a_range_is_a_network() -> None:
    create_account("device", "fleet", now=NOW)
    before = stored("accounts")

    for wrong in ("10.0.0.1/8", "10.0.0.0/33", "example.com", ""):
        with pytest.raises(ValueError):
            create_credential("device", "fleet", now=NOW, allowed_ranges=("10.0.0.0/8", wrong))
    assert stored("accounts") == before


def test_a_caller_counts_only_inside_of_the_ranges() -> None:
    credential, value = fleet(allowed_ranges=("192.0.2.0/24", "2001:db8::/32"))

    for inside in ("192.0.2.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.7", "::ffff:c000:207"):
        assert found(value, address=inside) == credential
    for outside in ("192.0.3.0", "192.0.1.255", "2001:db9::1", "::ffff:192.0.3.7", "::192.0.2.7"):
        assert found(value, address=outside) is None
    for odd in (None, "", "localhost", "192.0.2.7, 192.0.2.8", "192.0.2.7:443", "192.0.2.07"):
        assert found(value, address=odd) is None


def test_without_ranges_a_caller_may_be_anywhere() -> None:
    credential, value = fleet()

    for address in (None, "203.0.113.9", "2001:db8::1"):
        assert found(value, address=address) == credential


@pytest.mark.parametrize("end", [untouched, revoked, expired])
def test_an_unknown_credential_costs_the_same_work(
    monkeypatch: pytest.MonkeyPatch, end: Callable[[Credential], None]
) -> None:
    credential, value = fleet(username="ops")
    end(credential)
    compared: list[tuple[int, int]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return left == right

    monkeypatch.setattr("hmac.compare_digest", compare)
    calls = aws_calls(monkeypatch)

    found(value, username="ops")
    known_work = operations(calls), len(compared), compared[0]
    calls.clear()
    compared.clear()
    assert found(secret.generate("device"), username="ops") is None

    assert (operations(calls), len(compared), compared[0]) == known_work
    assert operations(calls) == ["GetItem"]
    assert compared[0] == (64, 64), "the whole digest is compared"


def test_a_credential_whose_id_alone_is_right_is_refused() -> None:
    """Two secrets may share the id, the head of their digests: the whole digest decides."""
    _, value = fleet()
    table = accounts.TABLE
    from sessions import dynamodb

    account = accounts.find_account("device", "fleet")
    assert account is not None
    (item,) = [one for one in stored(table.physical_name) if "digest" in one]
    digest = item["digest"]["S"]
    other = digest[:20] + ("0" if digest[20] != "0" else "1") + digest[21:]
    key = {name: item[name]["S"] for name in ("partition", "sort")}
    dynamodb.update(table, key, "SET #digest = :other", other=other)

    assert found(value) is None


def test_an_account_has_at_most_50_credentials() -> None:
    create_account("device", "fleet", now=NOW)
    values = [create_credential("device", "fleet", now=NOW)[1] for _ in range(50)]

    with pytest.raises(accounts.TooManyCredentialsError):
        create_credential("device", "fleet", now=NOW)

    account = accounts.find_account("device", "fleet")
    assert account is not None
    assert len(account.credential_ids) == 50
    assert len(accounts.list_credentials(account)) == 50
    assert all(found(value) for value in values)


def test_dead_credentials_make_room_for_a_new_one() -> None:
    create_account("device", "fleet", now=NOW)
    made = [create_credential("device", "fleet", now=NOW) for _ in range(50)]
    for credential, _ in made[:2]:
        accounts.revoke_credential("device", credential.id, now=NOW)

    new, value = create_credential("device", "fleet", now=NOW)

    account = accounts.find_account("device", "fleet")
    assert account is not None
    assert account.credential_ids == {new.id, *(credential.id for credential, _ in made[2:])}
    assert found(value) == new
    assert [found(old) for _, old in made[:2]] == [None, None]
    assert all(found(old) for _, old in made[2:])


def test_an_account_may_rotate_for_ever() -> None:
    create_account("device", "fleet", now=NOW)
    credential, value = create_credential("device", "fleet", now=NOW)
    for day in range(120):
        now = NOW + timedelta(days=day)
        credential, value = accounts.rotate_credential("device", credential.id, now=now, overlap=timedelta(hours=1))
    assert authenticate("device", value, now=NOW + timedelta(days=120)) == credential


def test_a_secret_in_use_by_another_account_is_not_taken_over(aws: dict[str, Queue]) -> None:
    create_account("widget", "first", now=NOW)
    create_account("widget", "second", now=NOW)
    credential, _ = create_credential("widget", "first", now=NOW, secret_value=WIDGET_KEYS[0], api_key_id="key-1")

    with pytest.raises(Exception):  # noqa: B017 (whatever it is called)
        create_credential("widget", "second", now=NOW, secret_value=WIDGET_KEYS[0], api_key_id="key-1")

    second = accounts.find_account("widget", "second")
    assert second is not None
    assert accounts.list_credentials(second) == [], "what is another account's is not listed"
    accounts.disable_account("widget", "second", now=NOW)
    assert authenticate("widget", WIDGET_KEYS[0], now=NOW) == credential, (
        "disabling one account leaves the others alone"
    )


@pytest.mark.parametrize(
    "value",
    ["", "a", "a" * 46, secret.generate("device"), WIDGET_KEYS[0][:-1] + "-"],
    ids=["empty", "short", "without a prefix", "another family's", "damaged"],
)
def test_a_secret_that_was_not_made_for_the_family_is_refused(value: str) -> None:
    create_account("widget", "insurer", now=NOW)
    with pytest.raises(ValueError, match=r"secret\.generate"):
        create_credential("widget", "insurer", now=NOW, secret_value=value)
    account = accounts.find_account("widget", "insurer")
    assert account is not None
    assert account.credential_ids == frozenset()


def test_a_call_repeated_after_a_lost_answer_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB's client repeats a write whose answer it did not get, though that was done."""
    put = dynamodb.put

    def twice(table: Table, item: dict[str, Any], condition: str | None = None, /, **values: Any) -> None:
        put(table, item, condition, **values)
        put(table, item, condition, **values)

    monkeypatch.setattr(dynamodb, "put", twice)
    account = create_account("device", "fleet", now=NOW)
    credential, value = create_credential("device", "fleet", now=NOW)
    assert accounts.find_account("device", "fleet") == account._replace(credential_ids=frozenset({credential.id}))
    assert authenticate("device", value, now=NOW) == credential
