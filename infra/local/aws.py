"""The embedded AWS: moto's server in a process of its own, on loopback, ended with the process that started it.

Where `AWS_ENDPOINT_URL` is set already, that engine is used and none is started.
"""

import os
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

REGION = "eu-west-1"
_LONGEST_START = 30  # seconds
_PROGRAM = "import gc; gc.disable(); from infra.local import aws_server; aws_server.main()"
"""Nothing that is loaded becomes garbage, and to look for it takes a tenth of the start."""


class StartError(Exception):
    """The platform cannot start. The text says what to do."""


class EmbeddedAws:
    """A context: AWS answers at `url` while it is open, and this process's AWS clients speak to it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.url = os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{port}"
        self.is_embedded = "AWS_ENDPOINT_URL" not in os.environ

    def check_port(self) -> None:
        """`StartError` where the port is taken."""
        if self.is_embedded:
            claim(self._port, "AWS_PORT").close()

    def __enter__(self) -> Self:
        if not self.is_embedded:
            os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
            return self
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(self._port)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C goes to a terminal's whole group; this process ends that one, last
        )
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
            os.environ.pop(name, None)
        os.environ |= {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)

    def wait(self) -> None:
        """Returns once AWS takes connections."""
        deadline = time.monotonic() + _LONGEST_START
        while self._process is not None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartError("The embedded AWS did not start; its own words stand above.")
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return


def claim(port: int, variable: str) -> socket.socket:
    """A listening socket on loopback; `StartError` where the port is taken."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio does not know that it may set TCP_NODELAY
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise StartError(f"Port {port} cannot be used ({error.strerror}). Choose another: {variable}=<port>") from None
    listening.listen(1024)
    return listening
