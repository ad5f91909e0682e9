"""`make bench`: what functions take to start and to answer, beside a floor and beside peers: docs/benchmarks.md.

All in one run and on the same processor, each figure the median of several processes; bars are asserted at the end.
"""

import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import boto3

from infra import contract, families
from infra.families import FUNCTIONS, ROOT
from infra.function import NOT_CARRIED
from infra.local import resources
from infra.local.functions import load
from infra.local.gateway import proxy_event
from infra.local.routes import Routes
from sessions import accounts
from sessions.deployment import Function
from tests import certificates
from tests.accounts import basic, bearer
from tests.benchmarks import serving
from tests.benchmarks.lambda_runtime import Sandbox
from tests.benchmarks.recorded import demonstration, record
from tests.dynalite import running_dynalite
from tests.proxy_events import request

FILE = ROOT / "docs" / "benchmarks.md"
PEERS = Path(__file__).with_name("peers")
RUNS = 15
CALLS = 30
"""Warm calls of a process that count; before them come as many that do not."""
CORE = 1
"""The processor that functions run on, nearly alone: the store and all else have others."""

FLOOR = "floor"
FASTAPI, CHALICE, POWERTOOLS = "FastAPI", "Chalice", "Powertools"
PACKAGES = {FASTAPI: "fastapi", CHALICE: "chalice", POWERTOOLS: "powertools"}
DEPLOYED = {CHALICE: ("chalice",)}
"""What a deployment takes of the packages, where not all: Chalice's own leaves its command line and its tools out."""
VISIT = "visitor-1"
DEVICE, PAGE, LONG_PAGE = "1 device", "20 sessions", "200 sessions"

_HEAD = """# Benchmarks

Made by `make bench`, on {machine}, {cores} processors, {memory:.0f} GB, Linux {kernel}, with Python {python};
{versions}.

To repeat it on the Python of Lambda: `make bench PYTHON=python3.13 VENV=.venv-3.13`. It takes some thirteen minutes and
wants the machine for itself.

## Functions

Each function ran in a process of Lambda's own runtime client (`awslambdaric`), which asked a runtime API on this
machine for its events; DynamoDB was dynalite, over TLS, on another processor. All code was compiled to bytecode before.
`floor` is a function that has a TLS context and answers. Peers are the same calls as the documentation of their
frameworks teaches to write them, with boto3's resource ([tests/benchmarks/peers](../tests/benchmarks/peers)); that they
answer what ours answer was looked at first. Figures are medians of {runs} processes, in turn; of each, warm figures are
those of {calls} calls after as many. A machine that others share changes its pace by a third within seconds: each
process comes right after one of the floor, and its times are told as if that had taken what it usually takes.
`AWS_EXECUTION_ENV` is not set, as by AWS's emulator of the runtime: in Lambda itself it is, and the client then starts
a thread to ask for each event, which adds some 0.3 ms to every function's call, the floor's included
([what that makes of the bars](decisions/0009-own-door.md)).

- init: from the start of the process until it asks for its first event; and that beside the floor's.
- first: the first call, its connection to DynamoDB included. Warm: processor time of the function's process, and, apart
  from it, what it waited: for the store, nearly all.
- package: the function's code and layers, unzipped, with bytecode; Lambda's runtime brings boto3.

| function | init, ms | beside the floor | first, ms | warm CPU, ms | waited, ms | memory, MB | package, MB |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Subject:
    """A function: `handler` as Lambda names it, found in `path`, of which `package` is what is deployed of ours.

    `events` are its calls by what they are of.
    """

    name: str
    handler: str
    path: Sequence[Path]
    events: Mapping[str, Any]
    package: float
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Measured:
    """Milliseconds, but for `memory`, in MB: one value of each process."""

    init: list[float] = field(default_factory=list)
    first: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    waited: dict[str, list[float]] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


def main() -> int:
    """Prints the tables, writes them, and says which bars do not hold; the exit status says whether all do."""
    os.sched_setaffinity(0, set(os.sched_getaffinity(0)) - {CORE})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _store(folder) as environment:
            subjects = [*_ours(folder, environment), *_others(folder, environment)]
            _compare(subjects)
            found = _measure(subjects)
    served = serving.measure()
    lines = [_head(), *_rows(subjects, found), *serving.rows(served)]
    FILE.write_text("".join(f"{line}\n" for line in lines))
    print("\n".join(lines))
    broken = [*_broken(subjects, found), *serving.broken(served)]
    for bar in broken:
        print(f"Does not hold: {bar}", file=sys.stderr)
    return 1 if broken else 0


@contextmanager
def _store(folder: Path) -> Iterator[dict[str, str]]:
    """DynamoDB with all tables and the demonstration data, ours and the peers'; what functions have to know of it."""
    certificate = certificates.make(folder)
    trusted = folder / "trusted.pem"
    usual = ssl.get_default_verify_paths().cafile
    trusted.write_text((Path(usual).read_text() if usual else "") + certificate.read_text())
    with running_dynalite(certificate) as address:
        environment = {
            "AWS_ENDPOINT_URL_DYNAMODB": address,
            "AWS_CA_BUNDLE": str(trusted),
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "RECORDING_ATTEMPTS": "5",
        }
        os.environ |= environment
        found = [families.load(name) for name in families.names()]
        for table in (accounts.TABLE, *(table for family in found for table in family.tables)):
            environment[table.variable] = table.name
            resources.create_table(boto3.client("dynamodb"), table, table.name)
        for family in found:
            environment |= family.variables()
        os.environ |= environment
        yield environment


def _ours(folder: Path, environment: Mapping[str, str]) -> Iterator[Subject]:
    """Each function that a caller waits for, packed as it is deployed."""
    layer = _packed(ROOT / "layers" / "sessions" / "python", folder / "layer", "*.py")
    wheels, routes = Path(sys.prefix) / "bench" / "json", Routes()
    for name in families.names():
        family = families.load(name)
        operations = list(contract.operations(contract.document(name)))
        routes.add(name, operations)
        code = _packed(ROOT, folder / name, "functions/__init__.py", f"functions/{name}/*.py")
        secret = _recorded(name)
        for function in (*family.endpoints, *([family.authorizer] if family.authorizer else [])):
            yield Subject(
                f"{name} {function.module}",
                f"functions.{name}.{function.module}.handler",
                [code, layer, wheels],
                dict(_events(routes, name, function, secret)),
                sum(map(_megabytes, (code, layer, wheels))),
                environment,
            )


def _others(folder: Path, environment: Mapping[str, str]) -> Iterator[Subject]:
    """The floor and the peers, with the same data in tables of their own."""
    _fill_peers()
    routes = Routes()
    for name in ("device", "store"):
        routes.add(name, list(contract.operations(contract.document(name))))
    code = _packed(PEERS, folder / "peers", "*.py")
    yield Subject(FLOOR, "floor.handler", [code], {DEVICE: {}}, 0.0, environment)
    for peer, package in PACKAGES.items():
        packages = Path(sys.prefix) / "bench" / package
        size = sum(map(_megabytes, [packages / one for one in DEPLOYED.get(peer, ())] or [packages]))
        for family, module in (("device", "get_session_info"), ("store", "list_sessions")):
            events = dict(_events(routes, family, Function(module=module, rights=()), None))
            yield Subject(
                f"{peer} {family}", f"{package}_{family}.handler", [code, packages], events, size, environment
            )


def _packed(source: Path, target: Path, *patterns: str) -> Path:
    """These files, as they are deployed, with bytecode."""
    for file in (file for pattern in patterns for file in source.rglob(pattern)):
        if file.parent.parent != FUNCTIONS or file.stem not in NOT_CARRIED:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], env=kept, check=True)
    return target


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _recorded(family: str) -> str | None:
    """Has the demonstration recorded, and a visitor's session made; the secret of the account's credential."""
    if family != "knowledge":
        return record(family)
    given = load(family, "associate_session")(request(path={"sessionId": VISIT}), None)
    assert given["statusCode"] == 200
    return None


def _events(routes: Routes, family: str, function: Function, secret: str | None) -> Iterator[tuple[str, Any]]:
    """Proxy events for the function, as the gateway makes them."""
    shown = demonstration(family)
    account = getattr(shown, "ACCOUNT", "")
    device = f"/rws/api/v1/devices/{demonstration('device').IN_SESSION}/sessionInfo"
    visit, claims, listing = f"/sessions/{VISIT}", f"/{account}/sessions/ana", "/api/admin/v2/sessions"
    newest = "orderBy=createdAt&direction=desc&count="
    label, method, path, query, headers = "1 call", "GET", device, "", {}
    match family, function.module:
        case "device", "authorize":
            headers = basic(shown.USERNAME, str(secret))
        case "device", _:
            label = DEVICE
        case "knowledge", "create_session":
            method, path = "PUT", "/sessions/new"
        case "knowledge", "associate_session":
            method, path, headers = "POST", visit, {"gkc_customerId": "customer-1"}
        case "knowledge", _:
            path = visit
        case "store", "authorize":
            path, headers = listing, bearer(str(secret))
        case "store", _:
            label, path, query = PAGE, listing, f"{newest}20"
        case "widget", _:
            path, headers = claims, {"x-api-key": str(secret)}
    event = partial(_event, routes, method, path, headers=headers, account=account)
    yield label, event(query=query)
    if query:
        yield LONG_PAGE, event(query=f"{newest}200")


def _event(
    routes: Routes, method: str, path: str, *, query: str, headers: Mapping[str, str], account: str
) -> dict[str, Any]:
    match = routes.find(method, path)
    assert match is not None
    scope = {
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in {"host": "bench", **headers}.items()],
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
    }
    event = proxy_event(match.family, match, scope, b"", "request-1")
    event["requestContext"]["authorizer"] = {"account": account, "principalId": "bench"}
    event["requestContext"]["identity"]["apiKeyId"] = None
    return event


def _fill_peers() -> None:
    """The device and the retailer's sessions, as our functions answer them, in tables that the peers look into."""
    client, made = boto3.client("dynamodb"), boto3.resource("dynamodb")
    for table, partition, sort, orderings in (
        ("peer-devices", "iccid", None, ()),
        ("peer-sessions", "account", "id", ("createdAt",)),
        ("peer-records", "account", "name", ()),
    ):
        keys = [partition, *([sort] if sort else [])]
        indexes: Any = [
            {
                "IndexName": f"by_{ordering}",
                "KeySchema": _schema(partition, ordering),
                "Projection": {"ProjectionType": "ALL"},
            }
            for ordering in orderings
        ]
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_schema(*keys),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (*keys, *orderings)],
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
    device, store = map(demonstration, ("device", "store"))
    info = _answer("device", "get_session_info", {"pathParameters": {"apiVersion": "v1", "iccid": device.IN_SESSION}})
    made.Table("peer-devices").put_item(Item=info | {"account": device.ACCOUNT})
    records: dict[str, Any] = {}
    more: dict[str, Any] | None = {"count": 200}
    with made.Table("peer-sessions").batch_writer() as writer:
        while more:
            query = {name: [str(value)] for name, value in more.items()}
            page = _answer("store", "list_sessions", {"multiValueQueryStringParameters": query})
            for session in page["data"]:
                records[f"customer#{session['customerId']}"] = session.pop("customer")
                records[f"store#{session['storeId']}"] = session.pop("store")
                writer.put_item(Item=session | {"account": store.ACCOUNT})
            more = page["pagination"]["next"]
    with made.Table("peer-records").batch_writer() as writer:
        for name, record in records.items():
            if record is not None:
                writer.put_item(Item={"account": store.ACCOUNT, "name": name, "record": record})


def _schema(*names: str) -> Any:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def _answer(family: str, module: str, event: Mapping[str, Any]) -> Any:
    context = {"requestId": "request-1", "authorizer": {"account": demonstration(family).ACCOUNT}}
    given = load(family, module)({**event, "requestContext": context}, None)
    assert given["statusCode"] == 200, given
    return json.loads(given["body"], parse_float=Decimal)


def _compare(subjects: Sequence[Subject]) -> None:
    """Asserts that each answers, and that peers answer what our functions do."""
    ours: dict[str, Any] = {}
    for subject in subjects:
        with _sandbox(subject) as sandbox:
            for label, event in subject.events.items():
                given = sandbox.call(event).answer
                assert given.get("statusCode", 200) == 200, (subject.name, given)
                if label in (DEVICE, PAGE, LONG_PAGE) and subject.name != FLOOR:
                    said = json.loads(given["body"])
                    known = said.get("data", said)
                    assert known == ours.setdefault(label, known), subject.name


def _measure(subjects: Sequence[Subject]) -> dict[str, Measured]:
    """Process after process, of each subject in turn, and each right after one of the floor, which tells the pace.

    A machine changes it by a third within seconds where others share it: so times are told at the usual pace.
    """
    found = {subject.name: Measured() for subject in subjects}
    (floor,) = (subject for subject in subjects if subject.name == FLOOR)
    usual = median(_pace(floor) for _ in range(RUNS))
    for run in range(RUNS):
        print(f"run {run + 1} of {RUNS}", file=sys.stderr)
        for subject in subjects:
            one = found[subject.name]
            for label, event in subject.events.items():
                scale = 1000 * usual / _pace(floor)
                with _sandbox(subject) as sandbox:
                    one.init.append(sandbox.init.wall * scale)
                    one.first.setdefault(label, []).append(sandbox.call(event).wall * scale)
                    for _ in range(CALLS):
                        sandbox.call(event)
                    calls = [sandbox.call(event) for _ in range(CALLS)]
                    one.cpu.setdefault(label, []).append(sum(call.cpu for call in calls) / CALLS * scale)
                    waited = median(call.wall - call.cpu for call in calls)
                    one.waited.setdefault(label, []).append(max(0.0, waited) * scale)
                    one.memory.append(sandbox.peak)
    return found


def _pace(floor: Subject) -> float:
    """Seconds that the floor takes to start."""
    with _sandbox(floor) as sandbox:
        return sandbox.init.wall


def _sandbox(subject: Subject) -> Sandbox:
    runtime = Path(sys.prefix) / "bench" / "runtime"
    return Sandbox(subject.handler, path=[*subject.path, runtime], environment=subject.environment, cores=[CORE])


def _head() -> str:
    machine = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    bench = Path(sys.prefix) / "bench"
    known = {
        one.metadata["Name"].replace("_", "-"): one.version
        for package in ("runtime", *PACKAGES.values())
        for one in metadata.distributions(path=[str(bench / package)])
    }
    known |= {name: metadata.version(name) for name in ("orjson", "moto", "uvicorn")}
    known["Node"] = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    for file in (ROOT / "package.json", Path(__file__).with_name("package.json")):
        known |= json.loads(file.read_text())["devDependencies"]
    named = (
        *("awslambdaric", "orjson", "boto3", "fastapi", "mangum", "pydantic", "chalice", "aws-lambda-powertools"),
        *("dynalite", "moto", "uvicorn", "Node", "@stoplight/prism-cli", "autocannon"),
    )
    return _HEAD.format(
        machine=machine[0] if machine else platform.machine(),
        cores=os.cpu_count(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        kernel=platform.release(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {known[name]}" for name in named),
        runs=RUNS,
        calls=CALLS,
    ).rstrip("\n")


def _rows(subjects: Sequence[Subject], found: Mapping[str, Measured]) -> Iterator[str]:
    floor = median(found[FLOOR].init)
    for subject in subjects:
        one = found[subject.name]
        init = median(one.init)
        for label in subject.events:
            cells = (
                subject.name if len(subject.events) == 1 else f"{subject.name}, {label}",
                f"{init:.0f}",
                f"{init / floor:.2f}",
                f"{median(one.first[label]):.1f}",
                f"{median(one.cpu[label]):.2f}",
                f"{median(one.waited[label]):.1f}",
                f"{median(one.memory):.0f}",
                f"{subject.package:.1f}" if subject.package else "",
            )
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield from (
        f"- {said}: {ratio:.3f}, at most {most}." for said, ratio, most in _bars(subjects, found) if ratio is not None
    )


def _bars(subjects: Sequence[Subject], found: Mapping[str, Measured]) -> Iterator[tuple[str, float, float]]:
    """What must hold: a figure and the most that it may be."""
    ours = [subject for subject in subjects if subject.handler.startswith("functions.")]
    inits = {subject.name: median(found[subject.name].init) for subject in subjects}
    slowest = max(inits[subject.name] for subject in ours)
    fastapi = min(inits[f"{FASTAPI} {family}"] for family in ("device", "store"))
    yield "init of the slowest of ours, beside the floor", slowest / inits[FLOOR], 2.0
    yield "init of the slowest of ours, beside FastAPI, Mangum and boto3", slowest / fastapi, 0.25
    for label, family, function, most in (
        (DEVICE, "device", "device get_session_info", 0.25),
        (LONG_PAGE, "store", "store list_sessions", 0.15),
    ):
        best = min(median(found[f"{peer} {family}"].cpu[label]) for peer in PACKAGES)
        yield f"warm CPU, {label}, beside the best peer", median(found[function].cpu[label]) / best, most
    yield "largest package of ours, MB", max(subject.package for subject in ours), 25.0


def _broken(subjects: Sequence[Subject], found: Mapping[str, Measured]) -> list[str]:
    return [f"{said}: {ratio:.2f} > {most}" for said, ratio, most in _bars(subjects, found) if ratio > most]


if __name__ == "__main__":
    sys.exit(main())
