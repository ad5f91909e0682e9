"""Accounts, as an operator makes, lists and disables them on the running platform."""

import re

import pytest

from tests.answers import Client
from tests.operations.conftest import Sessionctl
from tests.platform import Platform, eventually

WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def test_an_account_is_made_shown_and_listed(sessionctl: Sessionctl) -> None:
    made = sessionctl("account", "create", "store", "acme", "--json").json
    assert re.fullmatch(WHEN, made["created"])
    expected = {"family": "store", "account": "acme", "disabled": None, "credentials": 0} | {"created": made["created"]}
    assert made == expected
    assert sessionctl("account", "show", "store", "acme", "--json").json == expected | {"credentials": []}
    listed = sessionctl("account", "list", "store", "--json").json
    assert [one for one in listed if one["account"] == "acme"] == [expected]
    assert [one["credentials"] for one in listed if one["account"] == "demo-retailer"] == [1]


def test_an_account_that_is_there_already_is_refused(in_process: Sessionctl) -> None:
    again = in_process("account", "create", "widget", "demo-insurer")
    assert (again.status, again.out) == (1, "")
    assert again.err == "widget has an account demo-insurer already.\n"


@pytest.mark.parametrize("name", ["nobody", "", "x" * 2000, "a\x1b[31m", "\udcff"])
@pytest.mark.parametrize("verb", ["show", "disable"])
def test_an_account_that_is_not_there_is_not_found(in_process: Sessionctl, verb: str, name: str) -> None:
    found = in_process("account", verb, "device", name)
    shown = name.replace("\x1b", "\\x1b").replace("\udcff", "\\udcff")
    assert (found.status, found.out, found.err) == (3, "", f"device has no account {shown}.\n")


@pytest.mark.parametrize("name", ["", "x" * 129, "a\x1b[31mb", "\udcff"])
def test_no_account_has_such_a_name(in_process: Sessionctl, name: str) -> None:
    refused = in_process("account", "create", "device", name)
    assert (refused.status, refused.out) == (2, "")
    assert "an account id is 1 to 128 printable characters" in refused.err
    assert "\x1b" not in refused.err


def test_an_account_that_looks_like_markup_is_shown_as_it_is(in_process: Sessionctl) -> None:
    for name in ("[red]x", ":boom:", "[/]", "ünïcödé \u4e16"):
        made = in_process("account", "create", "device", name)
        assert f"account      {name}\n" in made.out
        assert re.search(rf"^device +{re.escape(name)} ", in_process("account", "list", "device").out, re.MULTILINE)
        assert in_process("account", "show", "device", name, "--json").json["account"] == name


def test_a_family_that_is_open_has_no_accounts(in_process: Sessionctl) -> None:
    for command in (["account", "list", "knowledge"], ["credential", "list", "knowledge", "x"]):
        refused = in_process(*command)
        assert (refused.status, refused.out) == (1, "")
        assert refused.err == "knowledge is open: it has no accounts and no credentials.\n"


def test_disabling_asks_first(sessionctl: Sessionctl) -> None:
    sessionctl("account", "create", "store", "kept")
    for answer in ("", "n\n"):
        asked = sessionctl("account", "disable", "store", "kept", answer=answer)
        assert (asked.status, asked.out) == (1, "")
        assert asked.err.startswith("Refuse all credentials of kept, for good? [y/N]:")
    assert sessionctl("account", "show", "store", "kept", "--json").json["disabled"] is None
    assert sessionctl("account", "disable", "store", "kept", answer="y\n").status == 0
    refused = sessionctl("credential", "create", "store", "kept")
    assert (refused.status, refused.err) == (3, "store has no account kept, or it is disabled.\n")


def test_a_disabled_insurer_is_refused_and_its_keys_are_gone(
    sessionctl: Sessionctl, platform: Platform, http: Client
) -> None:
    sessionctl("account", "create", "widget", "leaving")
    made = sessionctl("credential", "create", "widget", "leaving", "--json").json
    headers = {"x-api-key": made["secret"]}
    eventually(lambda: http.get("/leaving/sessions/ana", headers).status == 200)
    disabled = sessionctl("account", "disable", "widget", "leaving", "--yes", "--json")
    assert disabled.json["disabled"]
    assert disabled.err == "Whoever has just called is let in for up to 60 seconds more.\n"
    assert http.get("/leaving/sessions/ana", headers).status == 401
    keys = platform.apigateway.get_api_keys()["items"]
    assert made["api_key_id"] not in [key["id"] for key in keys]
    assert sessionctl("account", "disable", "widget", "leaving", "--yes", "--json").json == disabled.json
