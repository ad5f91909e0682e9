"""An export, imported by another deployment in any order, gives every answer again."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.accounts import basic
from tests.answers import Client, Headers
from tests.operations.conftest import Sessionctl
from tests.platform import Platform, event, eventually
from tests.widget.saves import saved

ACME = "acme"
ICCIDS = [f"898821671697000{number:04}" for number in range(6)]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Platform]:
    with Platform(tmp_path / "fresh", AUTHORIZER_CACHE_SECONDS="0") as running:
        yield running


def made(sessionctl: Sessionctl, family: str, *options: str) -> str:
    """The secret of a new account's credential."""
    sessionctl("account", "create", family, ACME)
    secret: str = sessionctl("credential", "create", family, ACME, *options, "--json").json["secret"]
    return secret


def answers(platform: Platform, callers: dict[str, Headers]) -> list[tuple[int, bytes]]:
    targets = [
        *(("widget", f"/{ACME}/sessions/user-{number}") for number in range(4)),
        *(("device", f"/rws/api/v1/devices/{iccid}/sessionInfo") for iccid in ICCIDS),
        *(("store", f"/api/admin/v2/sessions?orderBy={order}&count=100") for order in ("createdAt", "updatedAt", "id")),
    ]
    with Client(platform.base_url) as client:
        given = [client.get(target, callers[family]) for family, target in targets]
    return [(answer.status, answer.body) for answer in given]


def test_an_export_imported_by_another_deployment_gives_every_answer_again(
    in_process: Sessionctl,
    platform: Platform,
    fresh: Platform,
    tmp_path: Path,
    local: dict[str, str],
) -> None:
    def callers() -> dict[str, Headers]:
        return {
            "widget": {"x-api-key": made(in_process, "widget")},
            "device": basic("ops", made(in_process, "device", "--username", "ops")),
            "store": {"Authorization": f"Bearer {made(in_process, 'store')}"},
        }

    chance = random.Random(7)
    first = callers()
    for account in (ACME, "rival"):
        platform.send("widget", *(claim(account, number) for number in range(25)))
        platform.send("store", customer(account), *(shopping(account, number) for number in range(25)))
    for number, iccid in enumerate(ICCIDS):
        owners = [ACME, "rival"] if number % 2 else ["rival", ACME]
        platform.send("device", *(registered(iccid, owner, day) for day, owner in enumerate(owners, 1)))
        platform.send("device", *(accounting(iccid, day, chance) for day in (1, 2, 3)))

    def settled() -> list[tuple[int, bytes]]:
        known = answers(platform, first)
        statuses = [status for status, _ in known]
        assert statuses == [200] * 4 + [200, 404] * 3 + [200] * 3
        assert len(json.loads(known[-1][1])["data"]) == 25
        assert sum(len(json.loads(body)) for _, body in known[:4]) == 25
        assert all(json.loads(body)["dateSessionStarted"] for status, body in known[4:10] if status == 200)
        return known

    eventually(settled, 30)
    eventually(lambda: queues_are_empty(platform), 30)
    before = settled()
    files = {family: tmp_path / f"{family}.jsonl" for family in first}
    for family, path in files.items():
        in_process("export", family, "--account", ACME, "--output", str(path), "--json").json  # noqa: B018
        assert "rival" not in path.read_text()

    local["LOCAL_DIR"] = str(fresh.folder)
    second = callers()
    for family, path in files.items():
        told = path.read_text().splitlines()
        shuffled = tmp_path / f"{family}-shuffled.jsonl"
        shuffled.write_text("\n".join(chance.sample(told * 2, len(told) * 2)))
        checkpoint = tmp_path / f"{family}.checkpoint"
        found = in_process("import", family, str(shuffled), "--checkpoint", str(checkpoint), "--json").json
        assert found["sent"] == len(told) * 2
    eventually(lambda: answers(fresh, second) == before, 40)
    eventually(lambda: queues_are_empty(fresh), 30)
    assert answers(fresh, second) == before
    for family, path in files.items():
        again = tmp_path / f"{family}-again.jsonl"
        in_process("export", family, "--account", ACME, "--output", str(again), "--json").json  # noqa: B018
        assert sorted(again.read_text().splitlines()) == sorted(path.read_text().splitlines())


def queues_are_empty(platform: Platform) -> bool:
    for family in ("widget", "device", "store"):
        url = platform.connection[family]["queue_url"]
        told = platform.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if int(told["ApproximateNumberOfMessages"]) + int(told["ApproximateNumberOfMessagesNotVisible"]):
            return False
    return True


def claim(account: str, number: int) -> dict[str, Any]:
    created = f"2023-11-{number % 28 + 1:02}T14:52:{number:02}Z"
    return saved(f"LA-{number}", client=account, user=f"user-{number % 4}", createdAt=created, camsReference=account)


def shopping(account: str, number: int) -> dict[str, Any]:
    times = dict.fromkeys(("createdAt", "updatedAt", "expiresAt"), f"2026-01-02T03:04:{number:02}.678901Z")
    flags = {"customerSatisfactionSubmitted": True, "suspectedFraud": False, "groupSize": 1, "visitors": number}
    whole: dict[str, Any] = {
        "id": number,
        "sessionId": f"{account}{number}",
        "code": f"c{number}",
        "status": "active",
        "customerId": 1,
    }
    return event("store.session.saved", accountId=account, session=whole | times | flags)


def customer(account: str) -> dict[str, Any]:
    return event("store.customer.saved", accountId=account, customer={"role": "customer", "id": 1, "email": account})


def registered(iccid: str, account: str, day: int) -> dict[str, Any]:
    return event("device.registered", at=datetime(2026, 1, day, tzinfo=UTC), accountId=account, iccid=iccid)


def accounting(iccid: str, day: int, chance: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = {"iccid": iccid, "accountingSessionId": f"s{day}", "ipAddress": f"10.0.0.{day}"}
    kind: dict[str, Any] = chance.choice(
        [{"status": "start"}, {"status": "stop", "sessionSeconds": 60}, {"status": "interim"}]
    )
    return event("device.accounting", at=datetime(2026, 1, day, 12, chance.randrange(60), tzinfo=UTC), **data, **kind)
