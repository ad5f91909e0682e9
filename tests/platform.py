"""What tests speak to from outside: the local platform, as `make run` starts it, in a process of its own."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from uuid import uuid4

import boto3

from infra.families import ROOT
from infra.operations.queues import Depth, depth
from sessions import accounts, dynamodb, endpoint

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_sqs import SQSClient

FoundT = TypeVar("FoundT")

LONGEST_START = 40.0  # seconds, on a busy machine
LONGEST_STOP = 20.0
_OURS = ("AWS_", "KNOWLEDGE_", "DEVICE_", "WIDGET_", "STORE_", "RATE_LIMIT", "AUTHORIZER_CACHE_SECONDS")


class Target:
    """What tests speak to over HTTP, and what they have to know of it.

    `connection` is what `.local/connection.json` says: the address of AWS and of the gateway, the queues, and the
    demonstration accounts' credentials. `accounts_table` is the accounts' table there, and `paths` what stands before
    the paths of a family's contract.
    """

    connection: Mapping[str, Any]

    @property
    def accounts_table(self) -> str:
        return accounts.TABLE.name

    @property
    def paths(self) -> Mapping[str, str]:
        return {}

    @property
    def base_url(self) -> str:
        return str(self.connection["base_url"])

    @cached_property
    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", endpoint_url=self.connection["aws_endpoint_url"])

    @cached_property
    def apigateway(self) -> "APIGatewayClient":
        return self._session.client("apigateway", endpoint_url=self.connection["aws_endpoint_url"])

    @property
    def _session(self) -> boto3.Session:
        return boto3.Session("any", "any", region_name=self.connection["region"])

    def send(self, family: str, *events: dict[str, Any] | str) -> None:
        """Sends events to the family's queue, as any AWS client does; texts as they are."""
        for event in events:
            body = event if isinstance(event, str) else json.dumps(event)
            self.sqs.send_message(QueueUrl=self.connection[family]["queue_url"], MessageBody=body)

    def is_idle(self, family: str) -> bool:
        """Whether all that was sent to the family's queue is recorded."""
        return depth(self.connection[family]["queue_url"], self.sqs) == Depth(0, 0, 0)

    def drain(self, queue_url: str) -> None:
        """Takes out what is there. SQS purges a queue once a minute only."""
        while taken := self.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
            for one in taken:
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=one["ReceiptHandle"])

    @contextmanager
    def accounts(self) -> Iterator[None]:
        """While it is open, `sessions.accounts` in this process means the accounts there."""
        before = dict(os.environ)
        dynamodb.use(endpoint.send)
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_DYNAMODB"):
            os.environ.pop(name, None)
        os.environ |= {
            "AWS_ENDPOINT_URL": self.connection["aws_endpoint_url"],
            "AWS_DEFAULT_REGION": self.connection["region"],
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            accounts.TABLE.variable: self.accounts_table,
        }
        try:
            yield
        finally:
            os.environ.clear()
            os.environ |= before

    def close(self) -> None:
        """Its clients, as far as there are any."""
        for name in ("sqs", "apigateway"):
            if name in self.__dict__:
                self.__dict__[name].close()


class Platform(Target):
    """A context: the platform runs in `folder` while it is open, with these settings in its environment.

    Leaving it stops the platform as Ctrl-C does, and asserts that it went cleanly.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port, self.aws_port = free_port(), free_port()
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        try:
            self.stop()
        finally:
            self.kill()

    def start(self) -> None:
        """The command of `make run`, in a process group of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        wanted = {"PORT": str(self.port), "AWS_PORT": str(self.aws_port), "LOCAL_DIR": str(self.folder)}
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.local"],
                cwd=ROOT,
                env=kept | {"PYTHONPATH": ".:layers/sessions/python"} | wanted | self.settings,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Returns once the platform says that it is ready."""

        def is_ready() -> bool:
            assert self.running.poll() is None, f"it ended by {self.running.returncode}: {self.err}"
            return self.connection_file.exists()

        eventually(is_ready, LONGEST_START)

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        """Asks it to stop, and asserts that it leaves nothing behind."""
        self.running.send_signal(by)
        status = self.end()
        assert status == 0, f"{status}: {self.err}"
        self.assert_gone()

    def end(self) -> int:
        """Its exit status, once it has ended by itself."""
        return self.running.wait(LONGEST_STOP)

    def assert_gone(self) -> None:
        """Nobody is told of it any more, and both ports can be had again."""
        assert not self.connection_file.exists()
        assert is_free(self.port)
        assert is_free(self.aws_port)

    def kill(self) -> None:
        """Ends whatever is left of it."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(LONGEST_STOP)

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "it was not started"
        return self.process

    @property
    def connection_file(self) -> Path:
        return self.folder / "connection.json"

    @cached_property
    def connection(self) -> dict[str, Any]:  # type: ignore[override]
        found: dict[str, Any] = json.loads(self.connection_file.read_text())
        return found

    @property
    def out(self) -> str:
        """What it said on standard output, so far."""
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        """What it said on standard error, so far."""
        return (self.folder / "err").read_text()


def event(kind: str, *, at: datetime | None = None, name: str | None = None, **data: Any) -> dict[str, Any]:
    """A CloudEvent of this type that happened now, or `at` some other time."""
    return {
        "specversion": "1.0",
        "id": name or str(uuid4()),
        "source": "/tests",
        "type": kind,
        "time": (at or datetime.now(UTC)).isoformat(),
        "data": data,
    }


@contextmanager
def quiet_platform(folder: Path) -> Iterator[Platform]:
    """In the end it stops as on Ctrl-C, and has complained of refused events only."""
    with Platform(folder) as running:
        yield running
    complaints = [line for line in running.err.splitlines() if not line.startswith("WARNING event refused")]
    assert complaints == []


def eventually(check: Callable[[], FoundT | Literal[False] | None], seconds: float = 10.0) -> FoundT:
    """What `check` finds, as soon as it finds something and asserts nothing wrong. Fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            if found:
                return found
            assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens at, below those that the system gives to clients."""
    while True:
        port = random.SystemRandom().randint(20_000, 32_000)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether a server can listen at this port now."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
