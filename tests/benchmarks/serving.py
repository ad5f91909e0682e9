"""The device call over HTTP: the local platform, with real authorization, beside Prism and FastAPI on uvicorn.

All three are called by autocannon, for the same device. Prism answers with the contract's examples; FastAPI looks the
device up in the platform's own AWS, and its caller's key, as its documentation teaches.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import Request, urlopen

from functions.device import demonstration
from infra.families import FUNCTIONS, ROOT
from tests.platform import LONGEST_STOP, Platform, eventually, free_port

OURS, PRISM, FASTAPI = "local platform", "Prism", "FastAPI, uvicorn"
CONNECTIONS = (1, 32)
RUNS = 15
SECONDS = 2
STARTS = 15
LONGEST_START = 2.0  # seconds, until the first answer
_PATH = f"/rws/api/v1/devices/{demonstration.IN_SESSION}/sessionInfo"
_NODE = Path(__file__).parent / "node_modules" / ".bin"
_PEERS = Path(__file__).with_name("peers")

_HEAD = f"""
## The local platform

The device call over HTTP, with real authorization: requests a second and the slowest of a hundred, in milliseconds,
at {" and ".join(map(str, CONNECTIONS))} connections. Medians of {RUNS} runs of {SECONDS} seconds, in turn, by
autocannon, which shares one processor with the servers. Prism answers with the contract's examples.

| server | {" | ".join(f"requests a second, {one} | p99, {one}" for one in CONNECTIONS)} |
| --- |{" --- | --- |" * len(CONNECTIONS)}
"""


@dataclass(frozen=True)
class Served:
    """By server and number of connections. `start` is how many seconds the platform takes to its first answer."""

    rates: Mapping[tuple[str, int], float]
    slowest: Mapping[tuple[str, int], float]
    start: float


def measure() -> Served:
    with tempfile.TemporaryDirectory() as name:
        start = median(_first_answer(Path(name) / str(number)) for number in range(STARTS))
        with Platform(Path(name) / "served") as platform:
            key = platform.connection["device"]["api_key"]
            header = "Basic " + b64encode(f"{demonstration.USERNAME}:{key}".encode()).decode()
            with _prism() as prism, _fastapi(platform) as fastapi:
                servers = {OURS: platform.base_url, PRISM: prism, FASTAPI: fastapi}
                runs: dict[tuple[str, int], list[tuple[float, float]]] = {}
                for _ in range(RUNS + 1):  # the first does not count
                    for server, url in servers.items():
                        for connections in CONNECTIONS:
                            runs.setdefault((server, connections), []).append(_called(url, header, connections))
    counted = {about: found[1:] for about, found in runs.items()}
    return Served(
        {about: median(rate for rate, _ in found) for about, found in counted.items()},
        {about: median(slowest for _, slowest in found) for about, found in counted.items()},
        start,
    )


def rows(served: Served) -> Iterator[str]:
    yield _HEAD.rstrip("\n")
    for server in (OURS, PRISM, FASTAPI):
        cells = [f"{served.rates[server, one]:.0f} | {served.slowest[server, one]:.0f}" for one in CONNECTIONS]
        yield f"| {server} | {' | '.join(cells)} |"
    yield ""
    yield f"- from `make run`, installed, to the first answer: {served.start:.2f} s, at most {LONGEST_START}."


def broken(served: Served) -> list[str]:
    """The bars that do not hold."""
    found = [] if served.start <= LONGEST_START else [f"first answer after {served.start:.2f} s > {LONGEST_START}"]
    for one in CONNECTIONS:
        if served.rates[OURS, one] < served.rates[PRISM, one]:
            found.append(f"requests a second at {one} connections, beside Prism")
        if served.slowest[OURS, one] > served.slowest[PRISM, one]:
            found.append(f"p99 at {one} connections, beside Prism")
    return found


def _first_answer(folder: Path) -> float:
    """From the command on, as a new terminal would give it."""
    port, aws_port = free_port(), free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "STORE_"))}
    own = {"PORT": str(port), "AWS_PORT": str(aws_port), "LOCAL_DIR": str(folder)}
    begun = time.monotonic()
    with subprocess.Popen(
        ["make", "run", f"VENV={sys.prefix}"], cwd=ROOT, env=kept | own, stdout=subprocess.DEVNULL
    ) as platform:
        try:
            known = eventually(partial(_known, folder / "connection.json"), 30)
            key = b64encode(f"{demonstration.USERNAME}:{known['device']['api_key']}".encode()).decode()
            request = Request(f"http://127.0.0.1:{port}{_PATH}", headers={"Authorization": f"Basic {key}"})
            with urlopen(request, timeout=10) as answer:
                assert answer.status == 200
            return time.monotonic() - begun
        finally:
            platform.terminate()
            platform.wait(LONGEST_STOP)


def _known(file: Path) -> dict[str, dict[str, str]] | None:
    found: dict[str, dict[str, str]] | None = json.loads(file.read_text()) if file.exists() else None
    return found


def _called(url: str, header: str, connections: int) -> tuple[float, float]:
    """Requests a second, and milliseconds of the slowest in a hundred."""
    command = [str(_NODE / "autocannon"), "-j", "-c", str(connections), "-d", str(SECONDS)]
    done = subprocess.run(
        [*command, "-H", f"Authorization: {header}", url + _PATH], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["non2xx"] == found["errors"] == 0, found
    return found["requests"]["average"], found["latency"]["p99"]


@contextmanager
def _prism() -> Iterator[str]:
    port = free_port()
    contract = str(FUNCTIONS / "device" / "openapi.yaml")
    with _running([str(_NODE / "prism"), "mock", "-h", "127.0.0.1", "-p", str(port), contract], port) as url:
        yield url


@contextmanager
def _fastapi(platform: Platform) -> Iterator[str]:
    port = free_port()
    own = {
        "AWS_ENDPOINT_URL": platform.connection["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": platform.connection["region"],
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "PYTHONPATH": os.pathsep.join([str(_PEERS), str(Path(sys.prefix) / "bench" / "fastapi")]),
    }
    uvicorn = [sys.executable, "-m", "uvicorn", "fastapi_server:app", "--host", "127.0.0.1", "--port", str(port)]
    with _running([*uvicorn, "--no-access-log", "--log-level", "error"], port, own) as url:
        yield url


@contextmanager
def _running(command: Sequence[str], port: int, own: dict[str, str] | None = None) -> Iterator[str]:
    """The address of this server, while it runs."""
    url = f"http://127.0.0.1:{port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(
        command, env=kept | (own or {}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            eventually(partial(_answers, url), 60)
            yield url
        finally:
            server.terminate()
            server.wait(LONGEST_STOP)


def _answers(url: str) -> bool:
    try:
        urlopen(url + _PATH, timeout=5).close()
    except URLError as error:
        return hasattr(error, "code")
    return True
