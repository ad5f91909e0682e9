"""The command line: its commands, and how a failure is told."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path

import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra.operations import (
    account,
    credential,
    dead_letters,
    erase,
    export,
    generation,
    importing,
    listing,
    status,
)
from infra.operations.errors import FAILED, OK, OperationError, refusal
from infra.operations.output import tell
from sessions.dynamodb import UnprocessedError
from sessions.endpoint import CallError

app = typer.Typer(
    name="sessionctl",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Runs a deployment of Session APIs: accounts, credentials, events, persons, dead letters, how it is.",
    epilog="Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no such thing, 130 Ctrl-C. "
    "AWS is found by the standard settings: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL.",
)
app.add_typer(account.app, name="account")
app.add_typer(credential.app, name="credential")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(listing.app, name="listing")
app.command("import", epilog="\b\nExample: sessionctl import device records.jsonl.gz --local")(importing.import_)
app.command(epilog="\b\nExample: sessionctl generate device --count 1000 --seed 7")(generation.generate)
app.command(epilog="\b\nExample: sessionctl erase widget ana --account demo-insurer --local")(erase.erase)
app.command(
    epilog="\b\nExample: sessionctl export store --account acme-groceries --since 2026-01-01T00:00:00Z"
    " --until 2026-02-01T00:00:00Z --output january.jsonl"
)(export.export)
app.command(epilog="\b\nExample: sessionctl status --local")(status.status)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit status. A user's mistake gets a sentence, never a traceback."""
    _prepare_streams()
    try:
        app(arguments, prog_name="sessionctl")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else OK
    except OperationError as error:
        tell(str(error))
        return error.status
    except (ClientError, CallError) as error:
        tell(refusal(error))
        return FAILED
    except BotoCoreError as error:
        tell(f"AWS cannot be asked: {error}")
        return FAILED
    except OSError as error:
        return _told_of_file(error)
    except UnprocessedError:
        tell("DynamoDB is throttled: try again in a while.")
        return FAILED
    return OK


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show all letters
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open()  # noqa: SIM115 (for as long as this process lives)


def _told_of_file(error: OSError) -> int:
    if error.filename is None and isinstance(sys.stdout, TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would fail again at the end
    tell(f"{error.filename or 'What it writes to'}: {error.strerror or error}.")
    return FAILED
