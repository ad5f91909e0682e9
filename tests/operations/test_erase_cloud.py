"""Erasing in the cloud: what is under way, interrupted, in nobody's hands, or not understood."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import boto3
import pytest

from functions.device import erasure as of_device
from functions.device import record_accounting
from functions.device import records as of_sim
from functions.store import erasure as of_store
from functions.store import record_sessions as record_store
from functions.store import saves as of_store_saves
from functions.store import session as of_store_session
from functions.widget import erasure as of_widget
from functions.widget import record_sessions
from functions.widget.session import TABLE
from infra import families
from infra.local.resources import Queue
from infra.operations import erase
from infra.operations.deployment import Deployed
from infra.operations.errors import FAILED, INTERRUPTED, NOT_FOUND, OK, USAGE
from infra.operations.main import main
from sessions import accounts, dynamodb
from sessions.erasures import Person
from tests.device import records
from tests.interleaving import Interleaving
from tests.operations.cloud import deploy
from tests.proxy_events import batch
from tests.sessions.watching import aws_calls, dead_letters, logged, stored
from tests.widget import saves

ANA = ["widget", "ana", "--account", saves.CLIENT]
PARTS: dict[str, Any] = {"widget": of_widget, "device": of_device, "store": of_store}
HANDLERS = {
    "widget": record_sessions.handler,
    "device": record_accounting.handler,
    "store": record_store.handler,
}
WHOM = {
    "widget": Person(saves.CLIENT, "ana"),
    "device": Person(None, records.ICCID),
    "store": Person("acme", "17"),
}
SETTLED = 32  # seconds: a recorder's time-out, and a little

Typed = Callable[..., tuple[int, Any, str]]


@pytest.fixture(autouse=True)
def pauses(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A deployment, in which no time is lost; how long each wait would have been."""
    deploy("dev", aws)
    saves.client()
    waited: list[float] = []
    monkeypatch.setattr("infra.operations.erase.time.sleep", waited.append)
    return waited


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs `erase … --json`: status, what stands on standard output, and what was told."""

    def run(*arguments: str) -> tuple[int, Any, str]:
        status = main(["erase", *arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


def counts(result: Any) -> dict[str, tuple[int, int | None]]:
    return {one["kind"]: (one["found"], one["erased"]) for one in result["kinds"]}


def shopping(number: int, **members: Any) -> dict[str, Any]:
    """A save of a session of the customer 17."""
    session = {
        "id": number,
        "sessionId": f"token-{number}",
        "code": "c",
        "status": "completed",
        "createdAt": "2026-01-02T00:00:00Z",
        "updatedAt": "2026-01-02T00:00:00Z",
        "expiresAt": "2026-01-02T00:00:00Z",
        "customerSatisfactionSubmitted": False,
        "suspectedFraud": False,
        "groupSize": 1,
        "visitors": 1,
        "customerId": 17,
    }
    envelope = {"specversion": "1.0", "id": f"e{number}", "source": "/test", "time": "2026-01-02T03:04:05Z"}
    data = {"accountId": "acme", "session": session | members}
    return envelope | {"type": "store.session.saved", "data": data}


def customer(**members: Any) -> dict[str, Any]:
    """A save of the customer 17."""
    data = {"accountId": "acme", "customer": {"id": 17, "role": "customer"} | members}
    return shopping(0) | {"type": "store.customer.saved", "data": data}


def bury(queue: Queue, *bodies: str) -> None:
    reason: Any = {"reason": {"DataType": "String", "StringValue": "x"}}
    for body in bodies:
        boto3.client("sqs").send_message(QueueUrl=queue.dead_letter_url, MessageBody=body, MessageAttributes=reason)


def test_a_recorder_that_has_looked_already_leaves_nothing(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    """It is held between its look and its write until the erasure waits for it."""
    looked, go_on = threading.Event(), threading.Event()
    put = dynamodb.put

    def held(*arguments: Any, **values: Any) -> None:
        if threading.current_thread() is recorder:
            looked.set()
            assert go_on.wait(10)
        put(*arguments, **values)

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if seconds == SETTLED:
            go_on.set()
            recorder.join()
            assert len(stored(TABLE.name)) == 1

    recorder = threading.Thread(target=saves.record, args=[saves.saved()])
    monkeypatch.setattr(dynamodb, "put", held)
    monkeypatch.setattr("infra.operations.erase.time.sleep", wait)
    recorder.start()
    assert looked.wait(10)
    status, result, _ = typed(*ANA, "--yes")
    assert (status, counts(result)) == (OK, {"sessions": (0, 1), "dead letters": (0, 0)})
    assert pauses[0] == SETTLED
    assert stored(TABLE.name) == []


@pytest.mark.parametrize("family", PARTS)
def test_in_any_order_of_their_steps_a_recorder_and_an_erasure_leave_nothing(
    family: str, aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = HANDLERS[family]
    late = {
        "widget": [saves.saved("LA-1"), saves.saved("LA-2")],
        "device": [records.registered(), records.accounting(), records.accounting("stop")],
        "store": [shopping(1), shopping(2, status="active"), customer()],
    }[family]
    monkeypatch.setattr(of_sim, "_LONGEST_PAUSE", 0)
    deployed = Deployed(families.load(family), None, None, None)
    left_something = 0
    for seed in range(16):
        is_recorded = threading.Event()

        def record(is_recorded: threading.Event = is_recorded) -> None:
            handler(batch(*late), None)
            is_recorded.set()

        def wait(seconds: float, is_recorded: threading.Event = is_recorded) -> None:
            while seconds == SETTLED and not is_recorded.is_set():
                dynamodb.get(accounts.TABLE, {"partition": "none", "sort": "none"})  # so that it is others' turn

        def erase_all() -> None:
            nonlocal left_something
            erased = erase.keep_out_and_delete(deployed, PARTS[family], WHOM[family], datetime.now(UTC), is_local=False)
            left_something += bool(erased.total())

        monkeypatch.setattr("infra.operations.erase.time.sleep", wait)
        handler(batch(*late[:1]), None)
        interleaving = Interleaving(seed)
        with interleaving.installed():
            interleaving.run(record, erase_all)
        assert [stored(table.name) for table in deployed.family.tables[:-1]] == [[]] * (
            len(deployed.family.tables) - 1
        ), seed
        for item in stored(f"{family}-erasures"):
            boto3.client("dynamodb").delete_item(TableName=f"{family}-erasures", Key={"person": item["person"]})
    assert left_something > 4
    assert dead_letters(aws[family].dead_letter_url) == []


def test_an_interrupted_erasure_keeps_the_person_out_and_is_finished_by_the_next(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves.record(*(saves.saved(f"LA-{number}") for number in range(5)))
    with monkeypatch.context() as patch:
        delete = dynamodb.delete

        def interrupted(table: Any, key: Any, *arguments: Any, **values: Any) -> None:
            if key["reference"] == "LA-3":
                raise KeyboardInterrupt
            delete(table, key, *arguments, **values)

        patch.setattr(dynamodb, "delete", interrupted)
        assert typed(*ANA, "--yes")[:2] == (INTERRUPTED, None)
    assert 1 <= len(stored(TABLE.name)) < 5
    saves.record(*(saves.saved(f"LA-{number}") for number in range(5)))
    there = len(stored(TABLE.name))
    assert there < 5

    status, result, _ = typed(*ANA, "--yes")
    assert (status, counts(result)) == (OK, {"sessions": (there, there), "dead letters": (0, 0)})
    assert stored(TABLE.name) == []
    assert counts(typed(*ANA, "--yes")[1]) == {"sessions": (0, 0), "dead letters": (0, 0)}
    assert len(stored("widget-erasures")) == 1


def test_a_session_that_goes_to_another_user_meanwhile_is_that_ones(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves.record(saves.saved("LA-1"), saves.saved("LA-2"))
    delete = dynamodb.delete
    ben = saves.saved("LA-1", user="ben", time="2026-03-01T00:00:00Z")

    def late(*arguments: Any, **values: Any) -> None:
        saves.record(ben)
        delete(*arguments, **values)

    monkeypatch.setattr(dynamodb, "delete", late)
    assert counts(typed(*ANA, "--yes")[1])["sessions"] == (2, 1)
    assert saves.references("ben") == ["LA-1"]


def test_any_number_of_sessions_goes(typed: Typed) -> None:
    """Several pages of the index, and several batches."""
    for number in range(250):
        saves.record(saves.saved(f"LA-{number}", status="x" * 60, camsReference="y" * 9000))
    saves.record(saves.saved("LA-B", user="ben"))
    assert counts(typed(*ANA, "--yes")[1])["sessions"] == (250, 250)
    assert [item["reference"]["S"] for item in stored(TABLE.name)] == ["LA-B"]


def test_a_retailers_customer_goes_from_every_shard_and_table(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also sessions of a former number of shards, an open one that was never saved, and a token that came to stay."""
    accounts.create_account("store", "acme", now=datetime.now(UTC))
    for shards in ("16", "3", "8"):
        monkeypatch.setenv("STORE_SHARDS", shards)
        numbers = range(int(shards) * 10, int(shards) * 11)
        saved = [shopping(number, status=["active", "expired"][number % 2]) for number in numbers]
        assert record_store.handler(batch(*saved), None) == {"batchItemFailures": []}
    others = [shopping(number, customerId=number) for number in (1, 2, 1700)]
    assert record_store.handler(batch(*others, customer(), customer(id=170)), None) == {"batchItemFailures": []}
    with monkeypatch.context() as broken:
        broken.setattr(of_store_saves, "_replace", lambda _item: 1 / 0)
        assert record_store.handler(batch(shopping(5, status="created")), None)["batchItemFailures"]
    with monkeypatch.context() as broken:
        broken.setattr(of_store_saves, "_drop_token", lambda *_: 1 / 0)
        changed = shopping(80, sessionId="another", updatedAt="2026-02-01T00:00:00Z", status="active")
        assert record_store.handler(batch(changed), None)["batchItemFailures"]
    left = {"sessions": 3, "tokens": 3, "records": 1}

    status, result, _ = typed("store", "017", "--account", "acme", "--yes")
    wanted = {
        "sessions": (27, 27),
        "tokens": (28, 28),
        "open sessions": (15, 15),
        "customers": (1, 1),
        "dead letters": (0, 0),
    }
    assert (status, counts(result)) == (OK, wanted)
    assert {name: len(stored(f"store-{name}")) for name in left} == left
    assert all(int(one["customerId"]["N"]) != 17 for one in stored(of_store_session.TOKENS.name))


def test_what_waits_is_told_of_and_ignored_when_it_comes(
    typed: Typed, aws: dict[str, Queue], caplog: pytest.LogCaptureFixture
) -> None:
    client = boto3.client("sqs")
    client.send_message(QueueUrl=aws["widget"].url, MessageBody=json.dumps(saves.saved()))
    status, result, err = typed(*ANA, "--yes", "--wait-seconds", "0")
    assert (status, result["waiting"]) == (FAILED, 1)
    assert err.splitlines()[-1] == (
        "About 1 events, of whomever, are still in the queue. Those of this person will be ignored as they come. "
        "Run it again to see that done."
    )
    (message,) = client.receive_message(QueueUrl=aws["widget"].url)["Messages"]
    saves.record(json.loads(message["Body"]))
    client.delete_message(QueueUrl=aws["widget"].url, ReceiptHandle=message["ReceiptHandle"])
    assert stored(TABLE.name) == []
    assert dead_letters(aws["widget"].dead_letter_url) == []
    assert "event of an erased person ignored" in logged(caplog)
    assert not {"ana", saves.CLIENT} & set(logged(caplog).split())
    assert typed(*ANA, "--yes", "--wait-seconds", "0")[0] == OK


def test_dead_letters_in_other_hands_are_told_of(typed: Typed, aws: dict[str, Queue]) -> None:
    bury(aws["widget"], "ana")
    boto3.client("sqs").receive_message(QueueUrl=aws["widget"].dead_letter_url, VisibilityTimeout=30)
    status, result, err = typed(*ANA, "--yes")
    assert (status, counts(result)["dead letters"]) == (FAILED, (0, 0))
    assert err.splitlines()[-1] == "About 1 dead letters were not seen: somebody else is reading them. Run it again."


def test_dead_letters_that_are_not_deleted_are_told_of(
    typed: Typed, aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(aws["widget"], "ana", "ben")
    monkeypatch.setattr(boto3.client("sqs"), "delete_message_batch", lambda **_: {"Failed": [{"Id": "0"}]})
    status, result, err = typed(*ANA, "--yes")
    assert (status, counts(result)["dead letters"]) == (FAILED, (1, 0))
    assert err.splitlines()[-1] == "SQS did not delete some dead letters. Run it again."


WIDGET = saves.saved()
SIM = {"type": "device.accounting", "data": {"iccid": records.ICCID, "x": 1}}


@pytest.mark.parametrize(
    ("family", "body", "is_theirs"),
    [
        ("widget", WIDGET, True),
        ("widget", saves.saved(user="ben", camsReference="ana"), False),
        ("widget", saves.saved(client="other"), False),
        ("widget", {"data": {"userId": "ana"}}, True),
        ("widget", {"data": {"user": "ana"}}, True),
        ("widget", {"data": {"userId": None, "clientId": "other", "x": "ana"}}, True),
        ("widget", {"data": json.dumps(WIDGET["data"])}, True),
        ("widget", [WIDGET], True),
        ("widget", json.dumps(WIDGET) * 2, True),
        ("widget", "[" * 100_000 + "ana", True),
        ("widget", "ana", True),
        ("widget", "user=ana,", True),
        ("widget", "ana@example.com diana joana.ana ana-2 anas", False),
        ("device", SIM, True),
        ("device", {"data": {"iccid": f"{records.ICCID[:4]}-{records.ICCID[4:]}F"}}, True),
        ("device", {"data": {"iccid": int(records.ICCID)}}, True),
        ("device", {"data": {"iccid": records.ICCID[:-1] + "0", "other": records.ICCID}}, False),
        ("device", f"iccid: {records.ICCID}.", True),
        ("device", f"1{records.ICCID}", False),
        ("store", shopping(1), True),
        ("store", shopping(17, customerId="0017", x=1), True),
        ("store", shopping(17, customerId=1), False),
        ("store", shopping(1, customerId=True, customer={"id": 17}), True),
        ("store", shopping(1) | {"data": shopping(1)["data"] | {"accountId": "other"}}, False),
        ("store", customer(id="17", x=1), True),
        ("store", customer(id=170), False),
        ("store", {"data": {"store": {"id": 17}}}, False),
        ("store", {"data": {"customer": [17]}}, True),
        ("store", "customerId=00017", True),
        ("store", "17.5 10:17 17:10 a17 17a 2026-01-17 017@x 117", False),
    ],
)
def test_a_message_is_theirs_by_its_members_or_else_by_the_id_in_it(family: str, body: Any, is_theirs: bool) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    assert erase.concerns(text, PARTS[family], WHOM[family]) is is_theirs


@pytest.mark.parametrize("text", ["Jörg \U0001f600", 'a"b\\c', "a.b*[", "-", "x" * 256])
def test_an_id_is_found_as_it_is_written_and_as_json_escapes_it(text: str) -> None:
    for body in (f"<{text}>", json.dumps([text])[:-1]):
        assert erase.concerns(body, of_widget, Person("insurer", text))


def test_without_a_yes_nothing_is_changed(aws: dict[str, Queue], typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    saves.record(saves.saved())
    bury(aws["widget"], "ana")
    calls = aws_calls(monkeypatch)
    for answer in ("", "n\n", "\n"):
        monkeypatch.setattr("sys.stdin", StringIO(answer))
        assert typed(*ANA)[:2] == (FAILED, None)
    status, result, err = typed(*ANA, "--dry-run")
    assert (status, counts(result), err) == (OK, {"sessions": (1, None), "dead letters": (1, None)}, "")
    assert {name for name, _ in calls} & {"PutItem", "UpdateItem", "DeleteItem", "DeleteMessageBatch"} == set()
    assert len(stored(TABLE.name)) == len(dead_letters(aws["widget"].dead_letter_url)) == 1


def test_an_erasure_is_only_ever_advanced(typed: Typed) -> None:
    assert typed("device", records.ICCID, "--yes")[0] == OK
    (first,) = stored("device-erasures")
    assert typed("device", records.ICCID, "--yes")[0] == OK
    (second,) = stored("device-erasures")
    assert (first["person"], first["until"]["S"]) < (second["person"], second["until"]["S"])


def test_an_erased_sim_begins_anew(typed: Typed) -> None:
    records.record(records.registered(), records.accounting(ipAddress="10.0.0.1"))
    assert typed("device", records.ICCID, "--yes")[0] == OK
    now = datetime.now(UTC)
    delayed = records.accounting("stop", (now + timedelta(seconds=5)).isoformat(), delaySeconds=60, sessionSeconds=9)
    records.record(records.registered(), records.removed(), records.accounting(), delayed)
    assert records.get() == records.INVALID_ICCID
    assert stored("device-sessions") == []
    records.record(records.registered("other", time=(now + timedelta(seconds=1)).isoformat()))
    assert records.get(account="other") == records.info()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["widget", "ana"], USAGE, "Persons belong to accounts here; give one."),
        (["device", records.ICCID, "--account", "fleet"], USAGE, "Persons belong to no account here."),
        (["device", "17"], USAGE, "An ICCID is 19 or 20 digits."),
        (["store", "x", "--account", "acme"], USAGE, "A customer's id is 1 to 64 digits, and at most "),
        (["store", "9223372036854775808", "--account", "acme"], USAGE, "A customer's id is 1 to 64 digits, and at "),
        (["knowledge", ""], USAGE, "Whom?"),
        (["knowledge", "-"], USAGE, "Whom?"),
        (["knowledge", "\udcff"], USAGE, "This is no Unicode text."),
        (["widget", "ana", "--account", "nobody"], NOT_FOUND, "widget has no account nobody, and nothing of such a "),
        (["widget", "ana", "--account", "\x1b"], NOT_FOUND, r"widget has no account \x1b, and nothing of such a "),
    ],
)
def test_a_mistake_gets_a_sentence(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, told: str
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    failed = typed(*arguments, "--yes")
    assert failed[:2] == (status, None)
    assert told in failed[2]
