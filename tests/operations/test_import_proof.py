"""20,000 device records and 5,000 store sessions reach the running platform, however often that is cut off."""

import json
import random
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import boto3
import pytest

from functions.store import demonstration
from infra.operations.sending import AT_ONCE, BATCH
from sessions import clock
from tests.accounts import basic, bearer
from tests.answers import Client
from tests.device import model
from tests.dynalite import running_dynalite
from tests.operations.commands import command, environment
from tests.platform import Platform, eventually

DEMONSTRATED = {one["data"]["session"]["id"] for one in demonstration.events() if "session" in one["data"]}
RECORDS, SESSIONS = 20_000, 5_000
ASKED = 300
LONGEST = 600.0  # seconds, on a busy machine


@pytest.fixture
def address() -> Iterator[str]:
    with running_dynalite() as address:
        yield address


@pytest.fixture
def platform(address: str, tmp_path: Path) -> Iterator[Platform]:
    with Platform(tmp_path / "platform", AWS_ENDPOINT_URL_DYNAMODB=address) as running:
        yield running


class Operator:
    """Types commands in a folder of their own."""

    def __init__(self, platform: Platform, folder: Path, queues: str) -> None:
        """`queues` is where SQS is."""
        self.folder = folder
        self.environment = environment(
            LOCAL_DIR=str(platform.folder), SESSIONCTL_LOCAL="1", AWS_ENDPOINT_URL_SQS=queues
        )

    def generate(self, family: str, count: int) -> list[dict[str, Any]]:
        with (self.folder / f"{family}.jsonl").open("wb") as file:
            subprocess.run(
                command("generate", family, "--count", str(count), "--seed", "4"),
                env=self.environment,
                cwd=self.folder,
                stdout=file,
                check=True,
            )
        return [json.loads(line) for line in (self.folder / f"{family}.jsonl").read_text().splitlines()]

    def start(self, family: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command("import", family, f"{family}.jsonl", "--checkpoint", f"{family}.checkpoint", "--json"),
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cut_off(self, family: str, *, after: int, by: signal.Signals) -> tuple[int, int, str]:
        """Its exit status, how many were sent in all, and what it said."""
        process = self.start(family)
        eventually(lambda: self.sent(family) >= after, LONGEST)
        process.send_signal(by)
        _, said = process.communicate(timeout=60)
        assert "Traceback" not in said
        return process.returncode, self.sent(family), said

    def finish(self, family: str) -> dict[str, Any]:
        process = self.start(family)
        out, said = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, said
        found: dict[str, Any] = json.loads(out)
        return found

    def sent(self, family: str) -> int:
        """By the checkpoint."""
        file = self.folder / f"{family}.checkpoint"
        if not file.exists():
            return 0
        head, *lines = file.read_text().split("\n")
        taken = {place for line in lines if line.endswith("]") for place in json.loads(line)}
        first: int = json.loads(head)["sent"]
        return first + len([place for place in taken if place >= first])


def recorded(platform: Platform, family: str) -> bool:
    """Whether nothing waits any more, and nothing was refused."""

    def messages(url: str) -> int:
        found = platform.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    assert messages(platform.connection[family]["dead_letter_queue_url"]) == 0
    return messages(platform.connection[family]["queue_url"]) == 0


class Counting:
    """A context: stands before the platform's AWS at `address`, and counts the messages that a queue has taken."""

    def __init__(self, behind: str) -> None:
        self.taken: Counter[str] = Counter()
        counting = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 64 * 1024

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                connection = HTTPConnection(urlsplit(behind).netloc)
                connection.request("POST", self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                said = answer.read()
                connection.close()
                if self.headers["X-Amz-Target"] == "AmazonSQS.SendMessageBatch":
                    bodies = {one["Id"]: one["MessageBody"] for one in json.loads(body)["Entries"]}
                    counting.taken.update(bodies[one["Id"]] for one in json.loads(said)["Successful"])
                with suppress(OSError):  # who asked was killed
                    self.send_response(answer.status)
                    for name in ("Content-Type", "x-amzn-requestid"):
                        self.send_header(name, answer.headers.get(name, ""))
                    self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)

            def log_message(self, *_args: object) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Who was killed hangs up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_every_generated_event_is_found_once(platform: Platform, address: str, tmp_path: Path) -> None:
    times = {"begun": time.monotonic()}
    with Counting(platform.connection["aws_endpoint_url"]) as queue:
        operator = Operator(platform, tmp_path, queue.address)
        store, device = operator.generate("store", SESSIONS), operator.generate("device", RECORDS)
        for family, events in (("store", store), ("device", device)):
            assert_sent_once(operator, queue, family, events)
            times[f"{family} sent"] = time.monotonic()
            eventually(lambda family=family: recorded(platform, family), LONGEST)  # type: ignore[misc]
            times[f"{family} recorded"] = time.monotonic()
    assert_all_is_listed(platform, store)
    assert_all_is_answered(platform, address, device)
    assert_all_is_stored(address, device)
    times["found"] = time.monotonic()
    steps = list(times)
    print({step: round(times[step] - times[before], 1) for before, step in pairwise(steps)})


def assert_sent_once(operator: Operator, queue: Counting, family: str, events: list[dict[str, Any]]) -> None:
    """Interrupted twice, killed once, and gone on with: only what was on its way when it was killed comes again."""
    queue.taken.clear()
    for part in (0.1, 0.3):
        status, sent, said = operator.cut_off(family, after=int(part * len(events)), by=signal.SIGINT)
        assert (status, queue.taken.total()) == (130, sent)
        assert said.endswith(f"Interrupted: {sent} of {len(events)} events are sent. The same command goes on.\n")
    status, sent, _ = operator.cut_off(family, after=int(0.5 * len(events)), by=signal.SIGKILL)
    time.sleep(1)  # what is on its way arrives
    unknown = queue.taken.total() - sent
    assert status == -signal.SIGKILL
    assert 0 <= unknown <= AT_ONCE * BATCH
    found = operator.finish(family)
    assert (found["lines"], found["valid"], found["rejected"]) == (len(events), len(events), 0)
    assert found["sent"] + found["sent_already"] == len(events)
    assert found["sent_already"] == sent
    wanted = Counter(json.dumps(event, separators=(",", ":")) for event in events)
    assert queue.taken.keys() == wanted.keys()
    assert queue.taken.total() == len(events) + unknown
    assert operator.finish(family)["sent"] == 0
    assert queue.taken.total() == len(events) + unknown


def assert_all_is_listed(platform: Platform, events: list[dict[str, Any]]) -> None:
    wanted = sorted(one["data"]["session"]["id"] for one in events if "session" in one["data"])
    headers = bearer(platform.connection["store"]["token"])
    ids: list[int] = []
    more: dict[str, Any] = {"count": 200}
    with Client(platform.base_url) as http:
        while more:
            answer = http.get(f"/api/admin/v2/sessions?{urlencode(more)}", headers).json
            ids += [int(one["id"]) for one in answer["data"]]
            more = answer["pagination"]["next"]
    generated = [one for one in ids if one not in DEMONSTRATED]
    assert generated == wanted
    assert len(ids) == len(generated) + len(DEMONSTRATED)


def assert_all_is_answered(platform: Platform, address: str, events: list[dict[str, Any]]) -> None:
    """Every SIM's session is what the rules, said plainly, make of its events: by the table, and some by the API."""
    known = platform.connection["device"]
    wanted = {iccid: model.answer(own, known["account_id"], iccid) for iccid, own in by_sim(events).items()}
    devices = [item for item in stored(address) if item["item"]["S"] == "device"]
    bodies = [(item["iccid"]["S"], json.loads(item["body"]["S"])) for item in devices]
    assert sorted(one for one in bodies if one[0] in wanted) == sorted(wanted.items())
    headers = basic(known["username"], known["api_key"])
    with Client(platform.base_url) as http:
        for iccid in random.Random(4).sample(sorted(wanted), ASKED):
            answer = http.get(f"/rws/api/v1/devices/{iccid}/sessionInfo", headers)
            assert (answer.status, answer.json) == (200, wanted[iccid])


def stored(address: str) -> Iterator[dict[str, Any]]:
    """All items of devices, page by page."""
    client = boto3.client("dynamodb", endpoint_url=address)
    for page in client.get_paginator("scan").paginate(TableName="device-sessions"):
        yield from page["Items"]
    client.close()


def assert_all_is_stored(address: str, events: list[dict[str, Any]]) -> None:
    """Every session of every SIM is in the table, and knows its start, and its end."""
    records = [one["data"] | one for one in events if one["type"] == "device.accounting"]
    wanted: dict[tuple[str, str], dict[str, Any]] = {}
    for one in records:
        session = wanted.setdefault((one["iccid"], one["accountingSessionId"]), {"starts": 0, "stop": ""})
        if one["status"] == "start":
            session["starts"] = 1
        if one["status"] == "stop":
            session["stop"] = clock.sortable(model._moment(one))
    items = [item for item in stored(address) if item["item"]["S"].startswith("session#")]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for item in items:
        starts, _, _, stop, *_ = json.loads(item["state"]["S"])
        found[item["iccid"]["S"], item["item"]["S"].removeprefix("session#")] = {"starts": len(starts), "stop": stop}
    sims = by_sim(events)
    assert {key: one for key, one in found.items() if key[0] in sims} == wanted
    assert len(items) == len(found)


def by_sim(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for one in events:
        found[one["data"]["iccid"]].append(one)
    return found
