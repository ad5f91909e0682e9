"""Functions in Lambda's own Python runtime, without Lambda: a runtime API, and processes of `awslambdaric` that ask it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
On Linux only: processor time and memory are read from `/proc`.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Call:
    """Seconds: `wall` from the event handed over to the answer, `cpu` of the function's process meanwhile."""

    answer: Any
    wall: float
    cpu: float


class Sandbox:
    """A context: one function in a process of its own, on these processors. `init` is its start: `wall` until it asked
    for its first event, `cpu` meanwhile.
    """

    def __init__(
        self, handler: str, *, path: Sequence[Path], environment: Mapping[str, str], cores: Sequence[int]
    ) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(_PATIENCE)
        port = self._listening.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_"))}
        lambdas = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": handler,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "LAMBDA_TASK_ROOT": str(path[0]),
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        }
        self._command = [getattr(sys, "_base_executable", sys.executable), "-s", "-m", "awslambdaric", handler]
        self._environment = {**kept, **environment, **lambdas}
        self._cores = cores
        self._number = 0

    def __enter__(self) -> Self:
        begun = time.monotonic()
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, self._cores),  # noqa: PLW1509 (no thread has started yet)
        )
        try:
            self._connection, _ = self._listening.accept()
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.settimeout(_PATIENCE)
            self._read = b""
            method, path, _ = self._request()
        except TimeoutError:
            self._fail("it did not start")
        self.init = Call(None, time.monotonic() - begun, self._cpu())
        if not (method == "GET" and path.endswith("/invocation/next")):
            self._fail(f"it did not start: {path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._connection.close()
        self._listening.close()

    def call(self, event: Any) -> Call:
        """What the function makes of this event."""
        self._number += 1
        body = json.dumps(event).encode()
        headers = (
            f"Lambda-Runtime-Aws-Request-Id: request-{self._number}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 60_000}\r\n"
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:bench\r\n"
            "Content-Type: application/json\r\n"
        )
        cpu, begun = self._cpu(), time.monotonic()
        self._connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        _, path, answer = self._request()
        wall = time.monotonic() - begun
        self._connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        if not path.endswith("/response"):
            self._fail(f"{path}: {answer.decode(errors='replace')}")
        self._request()  # for the next event: what is done after the answer counts, too
        return Call(json.loads(answer), wall, self._cpu() - cpu)

    @property
    def peak(self) -> float:
        """MB of memory at the most, so far."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self._process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024

    def _cpu(self) -> float:
        """Seconds, of all its threads: the process's own clock, whose id is made of its own as `clock_getcpuclockid(3)`
        makes it.
        """
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def _request(self) -> tuple[str, str, bytes]:
        """Method, path and body of the next request of the runtime's client."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect"):
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            length = int(headers.get("content-length", 0))
            while len(self._read) < length:
                self._more()
            body, self._read = self._read[:length], self._read[length:]
        method, path, _ = first.split(" ")
        return method, path, body

    def _chunks(self) -> bytes:
        whole = b""
        while True:
            while b"\r\n" not in self._read:
                self._more()
            size, _, self._read = self._read.partition(b"\r\n")
            length = int(size, 16)
            while len(self._read) < length + 2:
                self._more()
            whole, self._read = whole + self._read[:length], self._read[length + 2 :]
            if length == 0:
                return whole

    def _more(self) -> None:
        piece = self._connection.recv(1 << 20)
        if not piece:
            self._fail("it ended")
        self._read += piece

    def _fail(self, text: str) -> None:
        self._process.kill()
        _, said = self._process.communicate()
        raise AssertionError(f"{self._command[-1]}: {text}\n{said.decode(errors='replace')[-3000:]}")
