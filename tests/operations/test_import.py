"""Events from files: looked at before any is sent, sent once, gone on with; against SQS in this process."""

import gzip
import json
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.local.resources import Queue
from infra.operations import sending
from infra.operations.checkpoint import Checkpoint
from infra.operations.main import main
from infra.operations.queues import Depth
from tests.operations.cloud import deploy

Typed = Callable[..., tuple[int, Any, str]]

ICCID = "8988216716970004975"
MARKER = "someone@example.com"
FILE = "events.jsonl"


@pytest.fixture
def queue(aws: dict[str, Queue], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    deploy("dev", aws)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(sending, "_FIRST_PAUSE", 0.001)
    monkeypatch.chdir(tmp_path)
    return aws["device"]


@pytest.fixture
def typed(queue: Queue, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs `import device … --json`: status, what stands on standard output, and what was told."""

    def run(*arguments: str, family: str = "device") -> tuple[int, Any, str]:
        status = main(["import", family, *arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


def record(number: int, **members: Any) -> dict[str, Any]:
    data = {"iccid": ICCID, "accountingSessionId": f"s{number}", "status": "start"} | members
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/test",
        "type": "device.accounting",
        "time": "2026-01-02T03:04:05Z",
        "data": data,
    }


def write(events: Iterable[Any], name: str = FILE) -> list[str]:
    """The lines that were written; texts are as they are."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
    Path(name).write_text("".join(f"{line}\n" for line in lines))
    return lines


def received(queue: Queue) -> list[str]:
    """The bodies of all messages, which are gone then."""
    client = boto3.client("sqs")
    found: list[str] = []
    while messages := client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10, VisibilityTimeout=600).get(
        "Messages"
    ):
        found += [message["Body"] for message in messages]
        entries: Any = [{"Id": one["MessageId"], "ReceiptHandle": one["ReceiptHandle"]} for one in messages]
        client.delete_message_batch(QueueUrl=queue.url, Entries=entries)
    return sorted(found)


def rejected(found: Any) -> list[tuple[str, int, str]]:
    lines = Path(found["rejects"]).read_text().splitlines()
    return [(one["file"], one["line"], one["reason"]) for one in map(json.loads, lines)]


def test_events_are_sent_as_they_are_and_counted(typed: Typed, queue: Queue) -> None:
    lines = write([f" {json.dumps(record(number))}\t" for number in range(25)])
    status, found, err = typed(FILE)
    assert (status, err) == (0, "")
    assert found.pop("seconds") >= 0
    assert found.pop("events_per_second") > 0
    assert Path(found.pop("checkpoint")).parent == Path("state/sessionctl/imports").absolute()
    assert found == {
        "family": "device",
        "deployment": "dev",
        "lines": 25,
        "valid": 25,
        "rejected": 0,
        "skipped": 0,
        "sent": 25,
        "sent_already": 0,
        "rejects": None,
    }
    assert received(queue) == sorted(line.strip() for line in lines)


def test_gzip_is_known_by_what_is_in_the_file_and_several_files_are_one_import(typed: Typed, queue: Queue) -> None:
    lines = [json.dumps(record(number)) for number in range(4)]
    Path("a.jsonl").write_bytes(gzip.compress(lines[0].encode()) + gzip.compress(f"\n\n{lines[1]}\r\n".encode()))
    Path("b.gz").write_bytes(b"\xef\xbb\xbf" + "\n".join(lines[2:]).encode())
    status, found, _ = typed("a.jsonl", "b.gz")
    assert (status, found["lines"], found["sent"]) == (0, 4, 4)
    assert received(queue) == lines


def test_standard_input_is_read_once(typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = write([record(1)])
    with Path(FILE).open() as given:
        monkeypatch.setattr("sys.stdin", given)
        assert typed("-")[1]["sent"] == 1
    with Path(FILE).open() as given:
        monkeypatch.setattr("sys.stdin", given)
        assert typed("-")[1]["sent"] == 0
    assert received(queue) == [line]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "event: Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("[1]", "event: Input should be an object"),
        (record(1) | {"type": MARKER}, "event: the type is none that this queue takes"),
        (record(1, iccid=MARKER), "device.accounting.data.iccid: String should match pattern '^[0-9]{19,20}$'"),
        (record(1, status=7), "device.accounting.data.status: Input should be 'start', 'interim' or 'stop'"),
        (record(1) | {"x": "." * 248 * 1024}, "larger than 253952 octets, which is the most that the queue takes"),
        ({"iccid": MARKER}, "neither an event nor the data of one; of device.registered: accountId: Field required; "),
        ({"accountId": "a", "iccid": ICCID}, "the data of any of several events; --type says which: "),
    ],
)
def test_nothing_is_sent_where_a_line_is_no_event(typed: Typed, queue: Queue, line: Any, reason: str) -> None:
    write([record(1), "", line, record(2)])
    status, found, err = typed(FILE)
    assert (status, found["lines"], found["valid"], found["rejected"], found["sent"]) == (1, 3, 2, 1, 0)
    assert err == (
        "1 of 3 lines cannot be imported; nothing was sent. --skip-invalid sends the others. "
        f"Which, and why, stands in {found['rejects']}.\n"
    )
    ((file, number, told),) = rejected(found)
    assert (file, number, told[: len(reason)]) == (FILE, 3, reason)
    assert MARKER not in told
    assert received(queue) == []


def test_octets_that_are_no_text_are_rejected(typed: Typed) -> None:
    Path(FILE).write_bytes(b'{"\xff"}\n' + b"x" * 10**6 + b'\n"')
    assert [(number, reason[:10]) for _, number, reason in rejected(typed(FILE)[1])] == [
        (1, "not UTF-8"),
        (2, "larger tha"),
        (3, "event: Inv"),
    ]


def test_the_others_are_sent_if_that_is_wanted(typed: Typed, queue: Queue) -> None:
    good, _, other = write([record(1), "{", record(2)])
    typed(FILE)
    status, found, err = typed(FILE, "--skip-invalid", "--rejects", "why.jsonl")
    assert (status, found["sent"], found["rejected"]) == (1, 2, 1)
    assert err.startswith("1 of 3 lines cannot be imported; the others were sent. ")
    assert received(queue) == sorted([good, other])
    assert typed(FILE, "--skip-invalid")[0] == 0


def test_a_dry_run_only_looks(typed: Typed, queue: Queue) -> None:
    write([record(1), "{", record(2)])
    status, found, err = typed(FILE, "--dry-run", "--rejects", "why.jsonl")
    assert (status, found["valid"], found["rejected"], found["checkpoint"]) == (1, 2, 1, None)
    assert err == "1 of 3 lines cannot be imported; nothing was sent. Which, and why, stands in why.jsonl.\n"
    assert rejected(found)[0][:2] == (FILE, 2)
    write([record(1)])
    assert typed(FILE, "--dry-run", "--rejects", "why.jsonl")[0] == 0
    assert rejected(found)[0][:2] == (FILE, 2)  # nothing is rejected, and so that stays
    assert [path.name for path in Path().iterdir() if "part" in path.name] == []
    assert received(queue) == []
    assert not Path("state").exists()


def test_data_alone_becomes_an_event_that_the_line_names(typed: Typed, queue: Queue) -> None:
    data = {"iccid": ICCID, "accountingSessionId": "s1", "status": "start"}
    (line, *_) = write([data, data])
    assert typed(FILE, "--time", "2026-01-02T04:04:05+01:00")[0] == 0
    one, other = map(json.loads, received(queue))
    assert one == other
    assert len(one.pop("id")) == 32
    assert one == {
        "specversion": "1.0",
        "source": "/sessionctl/import",
        "type": "device.accounting",
        "time": "2026-01-02T03:04:05.000000Z",
        "data": json.loads(line),
    }


def test_the_type_can_be_said_where_several_fit(typed: Typed, queue: Queue) -> None:
    write([{"accountId": "a", "iccid": ICCID}])
    assert typed(FILE, "--type", "device.removed")[0] == 0
    assert [json.loads(body)["type"] for body in received(queue)] == ["device.removed"]


def test_data_alone_keeps_the_moment_of_the_first_time(typed: Typed, queue: Queue) -> None:
    write([{"iccid": ICCID, "accountingSessionId": "s1", "status": "start"}])
    typed(FILE)
    first = received(queue)
    status, found, err = typed(FILE, "--again")
    assert (status, found["sent"], found["sent_already"], err) == (0, 1, 0, "")
    assert received(queue) == first


def test_the_rules_beyond_the_data_hold_for_data_alone(typed: Typed) -> None:
    write([{"iccid": ICCID, "accountingSessionId": "s1", "status": "start", "delaySeconds": 2**31}])
    found = typed(FILE, "--time", "0001-01-02T00:00:00Z")[1]
    assert rejected(found)[0][2].endswith("the record's moment, or its session's beginning, is before the year 1")


def test_characters_that_sqs_does_not_take_are_written_out(typed: Typed, queue: Queue) -> None:
    write([json.dumps(record(1, accountingSessionId="a\ufffe\uffff"), ensure_ascii=False)])
    assert typed(FILE)[0] == 0
    (body,) = received(queue)
    assert "a\\ufffe\\uffff" in body
    assert json.loads(body) == record(1, accountingSessionId="a\ufffe\uffff")


def test_the_same_again_sends_nothing(typed: Typed, queue: Queue) -> None:
    write([record(number) for number in range(12)])
    typed(FILE)
    received(queue)
    Path(FILE).rename("moved.jsonl")
    status, found, err = typed("moved.jsonl")
    assert (status, found["sent"], found["sent_already"]) == (0, 0, 12)
    assert err.startswith("All of it was sent by 20")
    assert received(queue) == []
    write([record(number) for number in range(13)])
    assert typed(FILE)[1]["sent"] == 13


def test_a_queue_that_was_made_anew_has_nothing_yet(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    write([record(1)])
    assert typed(FILE)[1]["sent"] == 1
    monkeypatch.setattr("infra.operations.importing._made", lambda _: "1")
    assert typed(FILE)[1]["sent"] == 1


def test_what_the_queue_does_not_take_is_sent_again(
    typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = write([record(number) for number in range(40)])
    client = boto3.client("sqs")
    send = client.send_message_batch
    troubles = iter(
        [
            EndpointConnectionError(endpoint_url="x"),
            ClientError(
                {"Error": {"Code": "RequestThrottled"}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
                "SendMessageBatch",
            ),
            ClientError({"Error": {"Code": "x"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "x"),  # type: ignore[typeddict-item]
        ]
    )

    def troubled(**request: Any) -> Any:
        if trouble := next(troubles, None):
            raise trouble
        entries = request["Entries"]
        answer = send(QueueUrl=request["QueueUrl"], Entries=entries[:3])
        failed = [{"Id": one["Id"], "SenderFault": False, "Code": "InternalError"} for one in entries[3:]]
        return answer | {"Failed": failed}

    monkeypatch.setattr(client, "send_message_batch", troubled)
    status, found, err = typed(FILE)
    assert (status, found and found["sent"], err) == (0, 40, "")
    assert received(queue) == sorted(lines)


def test_what_the_queue_never_takes_ends_it_and_it_can_go_on(
    typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = write([record(number) for number in range(100)])
    client = boto3.client("sqs")
    send = client.send_message_batch

    def refusing(**request: Any) -> Any:
        if "e85" in str(request):
            return {"Failed": [{"Id": one["Id"], "SenderFault": True, "Code": "No"} for one in request["Entries"]]}
        return send(**request)

    with monkeypatch.context() as patch:
        patch.setattr(client, "send_message_batch", refusing)
        status, found, err = typed(FILE)
    assert (status, found, err) == (1, None, "SQS does not take 10 events: No: None\n")
    first = received(queue)
    assert 0 < len(first) < 100
    found = typed(FILE)[1]
    assert found["sent_already"] == len(first)
    assert sorted(first + received(queue)) == sorted(lines)


@pytest.mark.parametrize("most", [[], ["--most-waiting", "60"]])
def test_ctrl_c_waits_for_what_is_on_its_way_and_nothing_is_sent_twice(
    typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch, most: list[str]
) -> None:
    lines = write([record(number) for number in range(150)])
    client = boto3.client("sqs")
    send = client.send_message_batch
    calls: list[int] = []

    def interrupted(**request: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return send(**request)

    monkeypatch.setattr(client, "send_message_batch", interrupted)
    got: list[str] = []
    for _ in range(3):
        status, found, err = typed(FILE, *most)
        sent = received(queue)
        got += sent
        assert (status, found) == (130, None)
        assert f"Interrupted: {len(got)} of 150 events are sent. The same command goes on.\n" in err
        calls.clear()
    calls += [1, 1, 1]
    monkeypatch.setattr("infra.operations.queues.depth", lambda *_: Depth(0, 0, 0))
    status, found, err = typed(FILE, *most)
    assert (status, found["sent_already"]) == (0, len(got))
    assert "killed" not in err
    assert sorted(got + received(queue)) == sorted(lines)


def test_where_a_process_was_killed_what_it_had_noted_is_not_sent_again(typed: Typed, queue: Queue) -> None:
    lines = write([record(number) for number in range(30)])
    typed(FILE, "--checkpoint", "here")
    received(queue)
    state = json.loads(Path("here").read_text().split("\n")[0]) | {"done": None, "sent": 5, "is_sending": True}
    Path("here").write_text(f"{json.dumps(state)}\n[]\n[5, 6, 7, 9]\n[20, 2")
    status, found, err = typed(FILE, "--checkpoint", "here")
    assert (status, found["sent"], found["sent_already"]) == (0, 21, 9)
    assert err.startswith("The last process was killed while it was sending: up to 80 events ")
    assert received(queue) == sorted(lines[8:9] + lines[10:])


def test_a_checkpoint_is_of_one_import_and_of_one_process(typed: Typed, queue: Queue) -> None:
    write([record(1)])
    typed(FILE, "--checkpoint", "here")
    write([record(2)])
    refusal = "here is the checkpoint of another import: of other files, options, or to another place.\n"
    assert typed(FILE, "--checkpoint", "here") == (1, None, refusal)
    Path("here").write_text("x")
    assert typed(FILE, "--checkpoint", "here") == (1, None, "here is not a checkpoint that can be read.\n")
    with Checkpoint.opened(Path("there"), {}, ""):
        refused = typed(FILE, "--checkpoint", "there")
    assert refused == (1, None, "The same import is running in another process.\n")


def test_a_full_queue_is_waited_for(typed: Typed, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    write([record(number) for number in range(50)])
    waiting = [90, 100, 81, 80]
    left = iter([*waiting, *[0] * 50])
    asked: list[int] = []

    def depth(*_: object) -> Any:
        asked.append(next(left))
        return Depth(asked[-1], 0, 0)

    monkeypatch.setattr("infra.operations.queues.depth", depth)
    assert typed(FILE, "--most-waiting", "100")[1]["sent"] == 50
    assert asked == [90, 100, 81, 80, 0][: len(asked)]
    assert len(asked) >= 4


def test_a_damaged_file_is_told_of_and_nothing_is_sent(typed: Typed, queue: Queue) -> None:
    whole = gzip.compress("\n".join(json.dumps(record(number)) for number in range(5000)).encode())
    Path(FILE).write_bytes(whole[:-200])
    status, found, err = typed(FILE)
    assert (status, found) == (1, None)
    assert err.startswith(f"{FILE} is damaged after line ")
    assert received(queue) == []


def test_radius_detail_is_imported(typed: Typed, queue: Queue) -> None:
    attributes = [
        "Acct-Status-Type = Stop",
        f'Calling-Station-Id = "{ICCID}"',
        'Acct-Session-Id = "0A01"',
        "Timestamp = 1795455669",
    ]
    good = "Mon Nov 23 17:41:09 2026\n" + "".join(f"\t{one}\n" for one in attributes) + "\n"
    on = good.replace("Stop", "Accounting-On")
    bad = good.replace('"0A01"', "'" + "x" * 254 + "'")
    Path("detail").write_text(good + on + bad)
    arguments = ("detail", "--format", "radius-detail", "--iccid-attribute", "Calling-Station-Id", "--skip-invalid")
    status, found, _ = typed(*arguments)
    assert status == 1
    assert [found[name] for name in ("lines", "valid", "rejected", "skipped", "sent")] == [3, 1, 1, 1, 1]
    reason = "device.accounting.data.accountingSessionId: Value error, longer than 253 octets"
    assert rejected(found) == [("detail", 13, reason)]
    ((body),) = received(queue)
    assert json.loads(body)["data"] == {"iccid": ICCID, "accountingSessionId": "0A01", "status": "stop"}


@pytest.mark.parametrize(
    ("family", "arguments", "status", "said"),
    [
        ("knowledge", [FILE, "--type", "x"], 2, "knowledge takes no events, but sessions."),
        ("knowledge", [FILE, "--time", "2026-01-02T03:04:05Z"], 2, "knowledge takes no events, but sessions."),
        ("knowledge", [FILE, "--most-waiting", "1"], 2, "knowledge takes no events, but sessions."),
        ("knowledge", [FILE, "--format", "radius-detail"], 2, "knowledge has no such files."),
        ("device", ["missing"], 2, "missing cannot be read: No such file or directory"),
        ("device", ["."], 2, ". cannot be read: Is a directory"),
        ("store", [FILE, "--format", "radius-detail"], 2, "store has no such files."),
        ("device", [FILE, "--format", "events"], 2, "device has no such files."),
        ("device", [FILE, "--type", "store.store.saved"], 2, "one of device.registered, device.removed"),
        ("device", [FILE, "--time", "now"], 2, "not an RFC 3339 date-time"),
        ("device", [FILE, "--iccid-attribute", "x"], 2, "This goes with --format radius-detail."),
    ],
)
def test_what_cannot_be_imported_is_refused(
    typed: Typed, family: str, arguments: list[str], status: int, said: str
) -> None:
    write([record(1)])
    refused = typed(*arguments, family=family)
    assert refused[:2] == (status, None)
    assert said in refused[2]


def test_rejects_replace_nothing_but_rejects(typed: Typed) -> None:
    text = f"{json.dumps(record(1))}\n{{}}\n"
    for name in (FILE, "notes.txt"):
        Path(name).write_text(text)
        status, found, err = typed(FILE, "--dry-run", "--rejects", name)
        assert (status, found) == (2, None)
        assert "something else" in err
        assert Path(name).read_text() == text


def test_rejects_are_where_they_are_said_to_be(typed: Typed) -> None:
    Path(FILE).write_text(f"{json.dumps(record(1))}\n{{}}\n")
    for arguments in (("--rejects", "one"), ("--rejects", "two"), ("--skip-invalid",), ("--rejects", "one")):
        _, found, _ = typed(FILE, *arguments)
        assert json.loads(Path(found["rejects"]).read_text())["line"] == 2


@pytest.mark.parametrize("path", ["/dev/null/x", "events.jsonl/x"])
def test_a_checkpoint_that_cannot_be_there_is_told_of(typed: Typed, path: str) -> None:
    Path(FILE).write_text(json.dumps(record(1)))
    status, found, err = typed(FILE, "--checkpoint", path)
    assert (status, found) == (1, None)
    assert len(err.splitlines()) == 1
