"""Credentials, from their creation through rotation to revocation, by real requests."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.accounts import Headers, basic, bearer
from tests.answers import Client
from tests.operations.conftest import Sessionctl
from tests.platform import Platform, eventually

ONCE = "The secret is shown this once. Keep it where secrets are kept.\n"
CALLS: dict[str, tuple[str, int, list[str], Callable[[str], Headers]]] = {
    "device": (
        "/rws/api/v1/devices/8988216716970004983/sessionInfo",
        404,
        ["--username", "ops", "--allow", "127.0.0.0/8"],
        lambda secret: basic("ops", secret),
    ),
    "store": ("/api/admin/v2/sessions", 200, [], bearer),
    "widget": ("/rotating/sessions/ana", 200, [], lambda secret: {"x-api-key": secret}),
}
"""A call of each family, its answer to whoever is let in, options of a credential, and how its secret is shown."""


@pytest.mark.parametrize("family", CALLS)
def test_a_credential_from_creation_through_rotation_to_revocation(
    sessionctl: Sessionctl, in_process: Sessionctl, platform: Platform, http: Client, family: str
) -> None:
    typed = sessionctl if family == "widget" else in_process
    path, let_in, options, headers = CALLS[family]

    def answers(secret: str, status: int) -> None:
        eventually(lambda: http.get(path, headers(secret)).status == status)

    def keys() -> set[str]:
        return {key["id"] for key in platform.apigateway.get_api_keys()["items"]}

    typed("account", "create", family, "rotating")
    made = typed("credential", "create", family, "rotating", *options, "--json")
    first = dict(made.json)
    assert made.err == ONCE
    secret = first.pop("secret")
    assert re.fullmatch(rf"SESS{family.upper()}[0-9A-Za-z]{{46}}", secret)
    has_key = family == "widget"
    assert first == {
        "credential": first["credential"],
        "account": "rotating",
        "live": True,
        "created": first["created"],
        "expires": None,
        "revoked": None,
        "secret_ends": secret[-4:],
        "username": "ops" if family == "device" else None,
        "allowed_ranges": ["127.0.0.0/8"] if family == "device" else [],
        "api_key_id": first["api_key_id"],
    }
    assert (first["api_key_id"] in keys()) == has_key
    answers(secret, let_in)

    rotated = typed("credential", "rotate", family, first["credential"], "--overlap-hours", "0.0015", "--json")
    second = dict(rotated.json)
    successor = second.pop("secret")
    assert http.get(path, headers(secret)).status == let_in
    listed = typed("credential", "list", family, "rotating", "--json").json
    assert [one["credential"] for one in listed] == [first["credential"], second["credential"]]
    until = listed[0]["expires"]
    assert rotated.err == f"The old credential is good until {until}. The new secret is shown this once.\n"
    assert (
        listed[1]
        == second
        == first | {name: second[name] for name in ("credential", "created", "secret_ends", "api_key_id")}
    )
    assert http.get(path, headers(secret)).status == let_in
    answers(successor, let_in)
    answers(secret, 401)
    assert http.get(path, headers(successor)).status == let_in

    asked = typed("credential", "revoke", family, second["credential"], answer="n\n")
    assert asked.status == 1
    assert asked.err.startswith(f"Refuse {second['credential']} of rotating, for good? [y/N]:")
    assert http.get(path, headers(successor)).status == let_in
    revoked = typed("credential", "revoke", family, second["credential"], "--yes", "--json")
    assert revoked.err == "Whoever has just used it is let in for up to 60 seconds more.\n"
    assert revoked.json == second | {"live": False, "revoked": revoked.json["revoked"]}
    assert http.get(path, headers(successor)).status == 401
    assert not has_key or second["api_key_id"] not in keys()
    again = typed("credential", "revoke", family, second["credential"], "--yes", "--json")
    assert again.json == revoked.json
    dead = typed("credential", "rotate", family, second["credential"])
    assert (dead.status, dead.err) == (1, "The credential is revoked or has expired already; create one instead.\n")
    assert all("secret" not in one for one in typed("credential", "list", family, "rotating", "--json").json)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["device", "demo-fleet"], "Callers show a user name here; give one."),
        (["device", "demo-fleet", "--username", "a:b"], "none a colon"),
        (["device", "demo-fleet", "--username", "o", "--allow", "300.0.0.0/8"], "does not appear to be"),
        (["device", "demo-fleet", "--username", "o", "--allow", "10.0.0.1/8"], "has host bits set"),
        (["store", "demo-retailer", "--allow", "10.0.0.0/8"], "does not look at addresses"),
        (["widget", "demo-insurer", "--username", "o"], "Callers show no user name here."),
        (["store", "demo-retailer", "--expires-in-days", "1e300"], "less than or equal to 36500"),
        (["store", "demo-retailer", "--expires-in-days", "nan"], "less than or equal to 36500"),
        (["store", "demo-retailer", "--expires-in-days", "-1"], "greater than or equal to 0.001"),
        (["store", "demo-retailer", "--expires-in-days", "soon"], "should be a valid number"),
    ],
)
def test_a_credential_that_could_not_be_is_not_made(
    in_process: Sessionctl, platform: Platform, arguments: list[str], complaint: str
) -> None:
    before = platform.apigateway.get_api_keys()["items"]
    refused = in_process("credential", "create", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert complaint in refused.err
    assert platform.apigateway.get_api_keys()["items"] == before


def test_a_key_whose_credential_could_not_be_made_does_not_stay(sessionctl: Sessionctl, platform: Platform) -> None:
    before = platform.apigateway.get_api_keys()["items"]
    refused = sessionctl("credential", "create", "widget", "nobody")
    assert (refused.status, refused.err) == (3, "widget has no account nobody, or it is disabled.\n")
    assert platform.apigateway.get_api_keys()["items"] == before


@pytest.mark.parametrize("name", ["zz", "", "0" * 20, "\x1b[31m", "x" * 5000])
@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_a_credential_that_is_not_there_is_not_found(in_process: Sessionctl, verb: str, name: str) -> None:
    found = in_process("credential", verb, "store", name)
    shown = name.replace("\x1b", "\\x1b")
    assert (found.status, found.out, found.err) == (3, "", f"store has no credential {shown}.\n")


@pytest.mark.parametrize("hours", ["-1", "nan", "inf", "1e300"])
def test_an_overlap_is_a_time(in_process: Sessionctl, hours: str) -> None:
    refused = in_process("credential", "rotate", "store", "0" * 20, "--overlap-hours", hours)
    assert (refused.status, refused.out) == (2, "")


def test_status_tells_of_what_expires_soon(sessionctl: Sessionctl) -> None:
    sessionctl("account", "create", "device", "expiring")
    for days in ("13", "15"):
        options = ["--username", "o", "--expires-in-days", days, "--json"]
        made: dict[str, Any] = sessionctl("credential", "create", "device", "expiring", *options).json
        made.pop("secret")
        if days == "13":
            soon = {"family": "device"} | made
    told = sessionctl("status", "--json")
    assert [one for one in told.json["expiring_credentials"] if one["account"] == "expiring"] == [soon]
    assert told.err == "`sessionctl credential rotate` gives the credentials that expire soon their successors.\n"
