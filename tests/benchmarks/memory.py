"""`make bench-memory`: what each function takes, and how long that is at each size of Lambda: docs/function-memory.md.

On Linux only: the peak is read from `/proc`.
"""

import base64
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3

from infra import families
from infra.families import ROOT
from infra.local import resources
from infra.local.functions import load
from sessions import accounts
from sessions.deployment import Function
from tests.benchmarks.recorded import demonstration, record, tens
from tests.dynalite import running_dynalite
from tests.proxy_events import batch, request

FILE = ROOT / "docs" / "function-memory.md"
SIZES = (256, 512, 1024, 1769)
WHOLE = 1769  # MB that go with one processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
ROUND = 5  # ms that a function waits for DynamoDB, each time that it does
ROUNDS = {"list_sessions": 2}  # it asks for several things at once
FULLEST = 0.6  # of its memory, a function's peak: what is more leaves no room for what nobody has tried
CALLS = 200
BATCHES = 20
STARTS = 5  # of them, the quickest: others use the machine, too

_VISIT: Any = {"path": {"sessionId": "visitor-1"}, "headers": {"gkc_customerId": "customer-1"}}

_PROGRAM = """
import json, re, sys, time
from importlib import import_module

begun = time.process_time()
given = json.load(sys.stdin)
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

before = time.process_time()
handler = import_module(given["module"]).handler
loaded = time.process_time()
at_load = peak()
events = given["usual"]
def call(event):
    answer = handler(event, None)
    assert answer.get("statusCode", 200) == 200 and not answer.get("batchItemFailures"), answer
    return answer
call(events[0])
first = time.process_time()

from sessions import dynamodb
carry, calls = dynamodb._transport, []
dynamodb.use(lambda *a, **b: calls.append(1) or carry(*a, **b))
ready = time.process_time()
for event in events[1:]:
    call(event)
later = time.process_time()
usual, count = peak(), max(1, len(events) - 1)
made = len(calls) / count
call(given["largest"])
print(json.dumps({
    "load": 1000 * (loaded - before), "first": 1000 * (first - loaded), "later": 1000 * (later - ready) / count,
    "calls": made, "at_load": at_load, "usual": usual, "largest": peak(),
}))
"""

_HEAD = f"""# What the functions take of memory and processor

Made by `make bench-memory`, on {{machine}}, with Python {{python}}. Each function ran in a process of its own, the real
handler on real events; its tables were on dynalite, in another process, and what was waited for it is not in the
numbers. Lambda gives a function of 1,769 MB one processor and a smaller one its part of that
([source](https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)); so times at a size are the
processor's time here, times 1,769, over the size, and {ROUND} ms for each round of calls to DynamoDB. Lambda's
processor is taken to be as fast as this one, and its own start before our code (some 100 ms) is not counted.

- Peak, MB: when loaded; after {CALLS} usual calls, or {BATCHES} batches; after the largest that there can be (a page of
  200 sessions, an answer of 6 MB, a batch of ten of the largest events).
- CPU, ms: to load; for the first call, which makes the client; for each later one.
- First answer, ms: load and first call, at {", ".join(map(str, SIZES))} MB. Without bytecode: CPU to load and answer.
- Later, ms, and what a million of them cost in GB-seconds (arm64, $0.0000133334 each), at the same sizes. A recorder's
  call is a batch of ten new events.

| function | MB | peak | CPU | calls | first answer | without bytecode | later | $ a million |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Measured:
    """Milliseconds of the processor, MB, and calls of DynamoDB for each call of the function."""

    load: float
    first: float
    later: float
    calls: float
    at_load: float
    usual: float
    largest: float

    def first_answer(self, size: int) -> float:
        return (self.load + self.first) * WHOLE / size

    def later_answer(self, size: int, rounds: float) -> float:
        return self.later * WHOLE / size + rounds * ROUND


def main() -> int:
    """Prints the table as it is measured; the exit status says whether each function has room."""
    is_roomy = True
    machine = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    head = _HEAD.format(machine=machine[0] if machine else platform.machine(), python=platform.python_version())
    lines = [head.rstrip("\n")]
    with running_dynalite() as address, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "AWS_ENDPOINT_URL_DYNAMODB": address,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "RECORDING_ATTEMPTS": "5",
        }
        found = [families.load(name) for name in families.names()]
        for table in (accounts.TABLE, *(table for family in found for table in family.tables)):
            os.environ[table.variable] = table.name
            resources.create_table(boto3.client("dynamodb"), table, table.name)
        for family in found:
            os.environ |= family.variables()
            secret = _filled(family.name)
            for function in family.functions:
                usual, largest = _events(family.name, function.module, secret)
                given = {"module": f"functions.{family.name}.{function.module}", "usual": usual, "largest": largest}
                cache = f"{folder}/{given['module']}"
                started = [_run({**given, "usual": usual[:1]}, cache=cache) for _ in range(1 + STARTS)]
                quickest = min(started[1:], key=lambda one: one.load + one.first)
                measured = replace(_run(given, cache=cache), load=quickest.load, first=quickest.first)
                line = _row(family.name, function, measured, without=started[0])
                print(line)
                lines.append(line)
                is_roomy &= measured.largest <= FULLEST * function.memory
    FILE.write_text("\n".join(lines) + "\n")
    return 0 if is_roomy else 1


def _run(given: dict[str, Any], *, cache: str) -> Measured:
    """In a new process, with bytecode from this folder, which may have none yet."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment | {"PYTHONPYCACHEPREFIX": cache},
        cwd=ROOT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Measured(**json.loads(done.stdout))


def _row(family: str, function: Function, one: Measured, *, without: Measured) -> str:
    rounds = ROUNDS.get(function.module, one.calls)
    later = [one.later_answer(size, rounds) for size in SIZES]
    dollars = [size / 1024 * took * 1000 * 0.0000133334 for size, took in zip(SIZES, later, strict=True)]
    cells = [
        f"{family} {function.module}",
        str(function.memory),
        f"{one.at_load:.0f} · {one.usual:.0f} · {one.largest:.0f}",
        f"{one.load:.0f} · {one.first:.0f} · {one.later:.1f}",
        f"{one.calls:.0f}",
        " · ".join(f"{one.first_answer(size):.0f}" for size in SIZES),
        f"{without.load + without.first:.0f}",
        " · ".join(f"{took:.0f}" for took in later),
        " · ".join(f"{price:.2f}" for price in dollars),
    ]
    return f"| {' | '.join(cells)} |"


def _filled(family: str) -> str | None:
    """Records the demonstration, and 30 large sessions of one user; the secret of the account's credential."""
    if family == "knowledge":
        assert load(family, "associate_session")(request(**_VISIT), None)["statusCode"] == 200
        return None
    return record(family, *(_large(family, number) for number in range(30 if family == "widget" else 0)))


def _events(family: str, module: str, secret: str | None) -> tuple[list[Any], Any]:
    """Usual events of the function, and the largest."""
    shown = demonstration(family)
    if module.startswith("record_"):
        made: Any = import_module(f"functions.{family}.generated")
        new = made.events(shown.ACCOUNT, count=10 * BATCHES, seed=1, begin=datetime(2026, 1, 1, tzinfo=UTC))
        return [*tens(new)][:BATCHES], batch(*(_large(family, number) for number in range(10)))
    account = {"account": getattr(shown, "ACCOUNT", "")}
    largest = None
    match family, module:
        case "device", "authorize":
            key = base64.b64encode(f"{shown.USERNAME}:{secret}".encode()).decode()
            usual = request(headers={"Authorization": f"Basic {key}"})
        case "store", "authorize":
            usual = request(headers={"Authorization": f"Bearer {secret}"})
        case "widget", "authorize":
            usual = request(headers={"x-api-key": str(secret)})
        case "device", _:
            usual = request(path={"apiVersion": "v1", "iccid": shown.IN_SESSION}, authorizer=account)
        case "knowledge", "create_session":
            usual = request()
        case "knowledge", _:
            usual = request(**_VISIT)
        case "store", _:
            wanted = {"orderBy": ["updatedAt"], "direction": ["desc"]}
            usual = request(query=wanted | {"count": ["20"]}, authorizer=account)
            largest = request(query=wanted | {"count": ["200"]}, authorizer=account)
        case _:
            usual, largest = (
                request(path={"clientId": shown.ACCOUNT, "userId": user}, authorizer=account)
                for user in ("ana", "large")
            )
    return [usual] * (1 + CALLS), largest or usual


def _large(family: str, number: int) -> dict[str, Any]:
    """An event of 240 KB, or for device one like all of them."""
    event: dict[str, Any] = json.loads(json.dumps(demonstration(family).events()[-1]))
    if family == "widget":
        event["data"] |= {"userId": "large"}
        event["data"]["session"] |= {"reference": f"LARGE-{number}", "camsReference": "x" * 240_000}
    if family == "store":
        event["data"]["session"] |= {"id": 1_000_000 + number, "metadata": {"note": "x" * 120_000}}
    return event


if __name__ == "__main__":
    sys.exit(main())
