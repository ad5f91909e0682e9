"""Dead letters and the status of the running platform, as an operator types for them."""

import signal
import subprocess
from pathlib import Path

import pytest

from functions.store import session
from infra.operations.errors import INTERRUPTED
from tests.accounts import basic
from tests.answers import Client
from tests.operations.commands import command, environment, run
from tests.operations.conftest import Sessionctl
from tests.platform import Platform, event, eventually

ICCID = "8988216716970005006"


def test_a_refused_event_is_found_and_replayed_once_the_cause_is_gone(
    sessionctl: Sessionctl, platform: Platform, http: Client
) -> None:
    """Here the event is sound and its reason an old one, as after a mended recorder."""
    known = platform.connection["device"]
    registered = event("device.registered", name="late", accountId=known["account_id"], iccid=ICCID)
    platform.send("device", "no event")
    (refused,) = eventually(lambda: sessionctl("dead-letters", "list", "device", "--json").json)
    assert refused["reason"].startswith("event: Invalid JSON")
    shown = sessionctl("dead-letters", "show", "device", refused["message_id"], "--json").json
    assert shown == refused | {"body": "no event", "received": shown["received"]}
    again = sessionctl("dead-letters", "replay", "device", refused["message_id"], "--yes", "--json").json
    assert again == {"family": "device", "replayed": 1, "failed": 0, "not_found": []}

    platform.send("device", registered)  # so that the body is what a sender's is
    path = f"/rws/api/v1/devices/{ICCID}/sessionInfo"
    headers = basic(known["username"], known["api_key"])
    eventually(lambda: http.get(path, headers).status == 200)

    (back,) = eventually(lambda: sessionctl("dead-letters", "list", "device", "--json").json)
    assert back["message_id"] != refused["message_id"]
    status = {one["family"]: one for one in sessionctl("status", "--json").json["families"]}
    assert status["device"] == {
        "family": "device",
        "waiting": 0,
        "being_recorded": 0,
        "postponed": 0,
        "dead_letters": 1,
        "oldest_waiting_seconds": None,
        "oldest_dead_letter_seconds": None,
    }
    assert set(status["knowledge"].values()) == {"knowledge", None}
    assert sessionctl("dead-letters", "drop", "device", "--all", "--yes", "--json").json["dropped"] == 1
    assert sessionctl("dead-letters", "list", "device").out == "none\n"


def test_ctrl_c_gives_everything_back(platform: Platform, local: dict[str, str], tmp_path: Path) -> None:
    url = platform.connection["store"]["dead_letter_queue_url"]
    for number in range(30):
        platform.sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def held() -> int:
        told = platform.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(told["ApproximateNumberOfMessagesNotVisible"])

    typed = command("dead-letters", "list", "store", "--limit", "1000")
    with subprocess.Popen(
        typed, env=local, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        eventually(lambda: held() == 30)  # the last look at an empty queue takes a second
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (INTERRUPTED, "")
    assert "Traceback" not in err
    assert held() == 0
    platform.drain(url)


def test_a_platform_that_does_not_run_is_told_of(tmp_path: Path, platform: Platform) -> None:
    nowhere = run("status", "--local", env=environment(LOCAL_DIR=str(tmp_path)))
    assert (nowhere.status, nowhere.out) == (3, "")
    file = tmp_path / "connection.json"
    assert nowhere.err == (f"The local platform does not run: there is no {file}. Start it with `make run`.\n")
    file.write_text(platform.connection_file.read_text().replace(str(platform.aws_port), "1"))
    killed = run("status", "--local", env=environment(LOCAL_DIR=str(tmp_path)))
    assert (killed.status, killed.out) == (3, "")
    assert killed.err.startswith("The local platform does not run: http://127.0.0.1:1,")
    file.write_text("{")
    assert run("status", "--local", env=environment(LOCAL_DIR=str(tmp_path))).status == 1


@pytest.mark.parametrize(
    "hindrance",
    [
        {"AWS_PROFILE": "nope"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"},
        {"AWS_SESSION_TOKEN": "token", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"},
    ],
)
def test_a_shell_that_is_set_up_for_the_cloud_does_not_matter(
    platform: Platform, local: dict[str, str], hindrance: dict[str, str]
) -> None:
    listed = run("account", "list", "store", "--json", env=local | hindrance)
    assert "demo-retailer" in [one["account"] for one in listed.json]


def test_the_plan_of_a_listing_is_explained(sessionctl: Sessionctl) -> None:
    explained = sessionctl("listing", "explain", "?id=17", "--account", "acme", "--json").json
    assert explained == [
        {
            "step": "read",
            "plan": "session",
            "reads": f"store-sessions: session = {session.of_account('acme', 17)}",
            "read_units_of_a_full_page": 1.5,
            "most_rounds": explained[0]["most_rounds"],
            "filtered_after_reading": [],
        }
    ]
    collect, walk = sessionctl("listing", "explain", "storeId=11&orderBy=createdAt&minVisitors=2", "--json").json
    assert (collect["step"], walk["step"]) == ("collect, if few", "walk at the same time")
    assert walk["reads"].startswith("of_store_by_createdAt: store = ")
    assert walk["filtered_after_reading"] == ["visitors"]
    rows = sessionctl("listing", "explain", "customerId=3&orderBy=createdAt", "--json").json
    assert [row["step"] for row in rows] == ["collect, if few", "else walk"]
    refused = sessionctl("listing", "explain", "orderBy=colour&count=0")
    assert (refused.status, refused.out) == (1, "")
    assert '"count" must be greater than or equal to 1 (number.min)' in refused.err.splitlines()
