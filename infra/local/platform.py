"""Starts the local platform, and stops it on Ctrl-C."""

import math
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import FrameType

from infra.local.aws import EmbeddedAws, StartError, claim


def main() -> int:
    """Runs until it is told to stop; the exit status."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with ExitStack() as stack:
            listening = stack.enter_context(claim(int(number("PORT") or 8000), "PORT"))
            aws = EmbeddedAws(int(number("AWS_PORT") or 8001))
            aws.check_port()
            connection_file().unlink(missing_ok=True)  # of one that was killed and could not
            stack.enter_context(aws)
            from infra.local import service  # noqa: PLC0415 (much is loaded with it, while AWS starts)

            _loaded.set()
            if not _told_to_stop.is_set():
                service.run(listening, aws, _told_to_stop)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, SystemExit):
        pass
    return 0


_told_to_stop, _loaded = Event(), Event()


def _stop(by: int, _frame: FrameType | None) -> None:
    """Ends what is being done, once all is loaded: not every module bears to be interrupted while it is. And notes it,
    for Python drops what is raised while it tidies up.
    """
    _told_to_stop.set()
    if _loaded.is_set():
        raise KeyboardInterrupt if by == signal.SIGINT else SystemExit(0)


def connection_file() -> Path:
    """What tells tools where the platform is; there while it is ready."""
    return Path(os.environ.get("LOCAL_DIR", ".local")) / "connection.json"


def number(variable: str) -> float | None:
    """What the environment says, as a number; None where it says nothing. `StartError` where it says anything else."""
    said = os.environ.get(variable)
    try:
        found = None if said is None else float(said)
    except ValueError:
        found = math.nan
    if found is not None and not math.isfinite(found):
        raise StartError(f"{variable} must be a number")
    return found
