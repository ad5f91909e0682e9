"""Dead letters: read without being lost, sent again, dropped; against SQS in this process, as in the cloud."""

import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.local.resources import Queue
from infra.operations import dead_letters
from infra.operations.errors import INTERRUPTED
from infra.operations.main import main
from tests.operations.cloud import deploy

Bury = Callable[..., str]
Typed = Callable[..., tuple[int, Any, str]]

EVENT = json.dumps({"type": "device.accounting", "id": "e-1", "data": {"iccid": "8988216716970004975"}})
REASON = "the device is not registered"


@pytest.fixture
def queue(aws: dict[str, Queue]) -> Queue:
    deploy("dev", aws)
    return aws["device"]


@pytest.fixture
def bury(queue: Queue) -> Bury:
    """Makes a dead letter; its id."""

    def bury(body: str = EVENT, reason: str | None = REASON) -> str:
        told: Any = {} if reason is None else {"reason": {"DataType": "String", "StringValue": reason}}
        sent = boto3.client("sqs").send_message(
            QueueUrl=queue.dead_letter_url, MessageBody=body, MessageAttributes=told
        )
        return sent["MessageId"]

    return bury


@pytest.fixture
def typed(queue: Queue, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs `dead-letters VERB device … --json`: status, what stands on standard output, and what was told."""

    def run(verb: str, *arguments: str) -> tuple[int, Any, str]:
        status = main(["dead-letters", verb, "device", *arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


def waiting(url: str) -> list[str]:
    """The bodies of the messages that anybody can take now, without taking them."""
    client = boto3.client("sqs")
    found: list[str] = []
    while True:
        received = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5)
        if not (messages := received.get("Messages", [])):
            break
        found += [message["Body"] for message in messages]
    client.purge_queue(QueueUrl=url)
    for body in found:
        client.send_message(QueueUrl=url, MessageBody=body)
    return found


def test_what_was_refused_is_listed_with_its_reason(bury: Bury, typed: Typed) -> None:
    known = bury()
    moved = bury("{", None)
    status, rows, err = typed("list")
    assert (status, err) == (0, "")
    sent = [row.pop("sent") for row in rows]
    assert sorted(sent) == sent
    assert all(abs(datetime.fromisoformat(one).timestamp() - datetime.now().timestamp()) < 60 for one in sent)
    assert sorted(rows, key=lambda row: row["message_id"] == moved) == [
        {
            "message_id": known,
            "reason": REASON,
            "event_type": "device.accounting",
            "event_id": "e-1",
            "received": 1,
        },
        {"message_id": moved, "reason": None, "event_type": None, "event_id": None, "received": 1},
    ]


@pytest.mark.parametrize(
    "body", ["[]", '"text"', '{"type": 1, "id": ["x"]}', "[" * 100_000, '{"id": "' + "x" * 257 + '"}', "\u00e4"]
)
def test_of_a_body_that_is_no_event_nothing_is_shown(bury: Bury, typed: Typed, body: str) -> None:
    bury(body)
    ((row,),) = [typed("list")[1]]
    assert (row["event_type"], row["event_id"]) == (None, None)


def test_no_event_data_is_listed(bury: Bury, typed: Typed) -> None:
    bury()
    assert "8988216716970004975" not in json.dumps(typed("list")[1])


def test_what_a_sender_wrote_cannot_steer_the_terminal(bury: Bury, capsys: pytest.CaptureFixture[str]) -> None:
    bury(json.dumps({"id": "[red]\x1b]0;x\x07\u202e", "type": "\x9b31m"}), "[bold]why")
    assert main(["dead-letters", "list", "device"]) == 0
    shown = capsys.readouterr().out
    assert r"[red]\x1b]0;x\x07\u202e" in shown
    assert r"\x9b31m" in shown
    assert "[bold]why" in shown
    assert main(["dead-letters", "list", "device", "--json"]) == 0
    told = capsys.readouterr().out
    assert told.isascii()
    assert json.loads(told)[0]["event_type"] == "\x9b31m"


def test_a_list_loses_nothing_and_says_when_there_is_more(bury: Bury, typed: Typed, queue: Queue) -> None:
    ids = {bury(f"{number}") for number in range(25)}
    for _ in range(2):
        status, rows, err = typed("list")
        assert (status, err) == (0, "")
        assert {row["message_id"] for row in rows} == ids
    for limit in (1, 10, 24):
        status, rows, err = typed("list", "--limit", str(limit))
        assert (status, err) == (0, "There are more: about 25 in all. See --limit.\n")
        assert len({row["message_id"] for row in rows} & ids) == len(rows) == limit
    assert len(typed("list", "--limit", "25")[1]) == 25
    assert sorted(waiting(queue.dead_letter_url), key=int) == [str(number) for number in range(25)]


def test_what_somebody_else_reads_is_told_of(bury: Bury, typed: Typed, queue: Queue) -> None:
    bury()
    boto3.client("sqs").receive_message(QueueUrl=queue.dead_letter_url, VisibilityTimeout=30)
    assert typed("list") == (0, [], "About 1 are not shown: somebody else is reading them.\n")


@pytest.mark.parametrize(("interruption", "status"), [(KeyboardInterrupt, INTERRUPTED), (OSError, 1)])
def test_an_interrupted_look_gives_all_back(
    bury: Bury, queue: Queue, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException], status: int
) -> None:
    for number in range(12):
        bury(str(number))

    def interrupted(letter: object) -> dict[str, Any]:
        assert queue
        raise interruption

    monkeypatch.setattr(dead_letters, "_described", interrupted)
    assert main(["dead-letters", "list", "device"]) == status
    assert len(waiting(queue.dead_letter_url)) == 12


def test_one_is_shown_whole_and_stays(bury: Bury, typed: Typed, queue: Queue) -> None:
    ids = [bury(f'{{"id": "{number}"}}') for number in range(12)]
    status, shown, err = typed("show", ids[7])
    assert (status, err) == (0, "")
    assert shown.pop("sent")
    assert shown.pop("received") >= 1
    assert shown == {
        "message_id": ids[7],
        "reason": REASON,
        "event_type": None,
        "event_id": "7",
        "body": '{"id": "7"}',
    }
    assert len(waiting(queue.dead_letter_url)) == 12


def test_all_are_replayed_as_they_were(bury: Bury, typed: Typed, queue: Queue) -> None:
    bodies = [f' {{"id": "{number}", "x": "ä\\u0000"}}\n' for number in range(25)]
    for body in bodies:
        bury(body)
    replayed = typed("replay", "--all", "--yes")
    assert replayed == (0, {"family": "device", "replayed": 25, "failed": 0, "not_found": []}, "")
    assert sorted(waiting(queue.url)) == sorted(bodies)
    assert waiting(queue.dead_letter_url) == []


def test_large_ones_are_replayed_too_and_what_is_too_large_stays(bury: Bury, typed: Typed, queue: Queue) -> None:
    bodies = [str(number) * 200 * 1024 for number in range(3)]
    for body in (*bodies, "x" * (248 * 1024 + 1)):
        bury(body)
    status, counts, err = typed("replay", "--all", "--yes")
    assert counts == {"family": "device", "replayed": 3, "failed": 1, "not_found": []}
    assert (status, err) == (1, "SQS did not take or not delete some. They are there still; try again.\n")
    assert sorted(waiting(queue.url)) == bodies
    assert waiting(queue.dead_letter_url) == ["x" * (248 * 1024 + 1)]


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_those_that_are_named_or_have_such_a_reason(bury: Bury, typed: Typed, queue: Queue, verb: str) -> None:
    done, sent = {"replay": ("replayed", ["1", "3"]), "drop": ("dropped", [])}[verb]
    ids = [bury(str(number), f"reason {number}") for number in range(5)]
    bury("5", None)
    assert typed(verb, ids[1], "--yes") == (0, {"family": "device", done: 1, "failed": 0, "not_found": []}, "")
    some = typed(verb, "--all", "--reason-contains", "reason 3", "--yes")
    assert some == (0, {"family": "device", done: 1, "failed": 0, "not_found": []}, "")
    assert sorted(waiting(queue.url)) == sent
    assert sorted(waiting(queue.dead_letter_url)) == ["0", "2", "4", "5"]


@pytest.mark.parametrize("verb", ["show", "replay", "drop"])
def test_one_that_is_not_there_is_not_found(bury: Bury, typed: Typed, queue: Queue, verb: str) -> None:
    there, missing = bury(), str(uuid4())
    status, counts, err = typed(verb, *([] if verb == "show" else ["--yes", there]), missing)
    assert (status, err) == (3, f"device has no dead letter {missing}, or somebody else is reading it.\n")
    if verb == "show":
        assert counts is None
    else:
        done = "replayed" if verb == "replay" else "dropped"
        assert counts == {"family": "device", done: 1, "failed": 0, "not_found": [missing]}
    assert len(waiting(queue.dead_letter_url)) == (1 if verb == "show" else 0)


def test_nothing_is_lost_where_deleting_fails(
    bury: Bury, typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury()
    monkeypatch.setattr(boto3.client("sqs"), "delete_message_batch", lambda **_: {"Failed": [{"Id": "0"}]})
    assert typed("replay", "--all", "--yes")[:2] == (
        1,
        {"family": "device", "replayed": 0, "failed": 1, "not_found": []},
    )
    assert waiting(queue.url) == waiting(queue.dead_letter_url) == [EVENT]


def test_nothing_is_lost_where_sending_fails(
    bury: Bury, typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury()
    monkeypatch.setattr(boto3.client("sqs"), "send_message_batch", lambda **_: {"Failed": [{"Id": "0"}]})
    assert typed("replay", "--all", "--yes")[:2] == (
        1,
        {"family": "device", "replayed": 0, "failed": 1, "not_found": []},
    )
    assert waiting(queue.url) == []
    assert waiting(queue.dead_letter_url) == [EVENT]


def test_a_letter_that_is_delivered_twice_counts_once(
    bury: Bury, typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("sqs")
    receive = client.receive_message
    bury("1")
    bury("2")

    def twice(**request: Any) -> Any:
        answer = receive(**request)
        answer["Messages"] = answer.get("Messages", []) * 2
        return answer

    monkeypatch.setattr(client, "receive_message", twice)
    assert len(typed("list")[1]) == 2
    replayed = typed("replay", "--all", "--yes")
    monkeypatch.undo()
    assert replayed[1]["replayed"] == 2
    assert sorted(waiting(queue.url)) == ["1", "2"]


def test_what_comes_back_during_a_replay_stays(
    bury: Bury, typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that is refused each time would be sent round and round."""
    bury()
    client = boto3.client("sqs")
    send = client.send_message_batch

    def refused(**request: Any) -> Any:
        answer = send(**request)
        bury()
        return answer

    monkeypatch.setattr(client, "send_message_batch", refused)
    monkeypatch.setattr(dead_letters, "_now", lambda _: _sent(client, queue) + 1)
    assert typed("replay", "--all", "--yes")[1]["replayed"] == 1
    assert waiting(queue.dead_letter_url) == [EVENT]


def _sent(client: Any, queue: Queue) -> int:
    """When the only dead letter was sent; the next one is later."""
    request = {"QueueUrl": queue.dead_letter_url, "VisibilityTimeout": 0, "AttributeNames": ["SentTimestamp"]}
    (message,) = client.receive_message(**request)["Messages"]
    return int(message["Attributes"]["SentTimestamp"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Name messages by their ids, or give --all."),
        (["--all", "x"], "Name messages by their ids, or give --all."),
        (["x", "--reason-contains", "y"], "This goes with --all."),
    ],
)
@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_what_is_meant_must_be_said(typed: Typed, verb: str, arguments: list[str], complaint: str) -> None:
    status, found, err = typed(verb, *arguments, "--yes")
    assert (status, found) == (2, None)
    assert complaint in err


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_they_ask_first(bury: Bury, typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    questions = {
        "replay": "Replay all dead letters (about 1 in all) of device? [y/N]: ",
        "drop": "Delete all dead letters (about 1 in all) of device, for good? [y/N]: ",
    }
    bury()
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    status, found, err = typed(verb, "--all")
    assert (status, found) == (1, None)
    assert err.startswith(questions[verb])
    assert waiting(queue.dead_letter_url) == [EVENT]


def test_a_family_without_a_queue_has_none(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "list", "knowledge"]) == 1
    assert capsys.readouterr().err == "knowledge has no queue, and so no dead letters.\n"
