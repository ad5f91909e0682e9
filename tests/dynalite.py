"""An engine that counts capacity units as DynamoDB does, which moto does not: dynalite, in a process of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.families import ROOT

# Port 0 is any that is free. Its standard input closes with whoever started it, however that ended, and so it ends.
_PROGRAM = """
const options = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
if (process.argv[1]) {
    const pem = require("fs").readFileSync(process.argv[1]);
    Object.assign(options, { ssl: true, key: pem, cert: pem, ca: pem });
}
const server = require("dynalite")(options);
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
// It would end for each caller that hangs up, as one does that was stopped.
process.on("uncaughtException", (error) => { if (error.code !== "ECONNRESET") throw error; });
process.stdin.on("end", () => process.exit()).resume();
"""


@contextmanager
def running_dynalite(certificate: Path | None = None) -> Iterator[str]:
    """Its address, while it runs: in memory, for this machine only. With TLS where there is a certificate, in one file
    with its key.
    """
    program = ["node", "-e", _PROGRAM, *([str(certificate)] if certificate else [])]
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, "dynalite did not start; `make test` installs it"
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        finally:
            process.kill()
