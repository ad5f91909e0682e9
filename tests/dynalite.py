"""An engine that counts capacity units as DynamoDB does, which moto does not: dynalite, in a process of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from infra.families import ROOT

# Port 0 is any that is free. Its standard input closes with whoever started it, however that ended, and so it ends.
_PROGRAM = """
const delays = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
const server = require("dynalite")(delays);
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
"""


@contextmanager
def running_dynalite() -> Iterator[str]:
    """Its address, while it runs: in memory, for this machine only."""
    with subprocess.Popen(
        ["node", "-e", _PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, "dynalite did not start; `make test` installs it"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
