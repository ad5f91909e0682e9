"""`sessionctl generate`: made-up data for trials and load."""

import json
import sys
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from infra.operations.errors import OperationError
from infra.operations.operation import FamilyName
from sessions.events import Timestamp

_LONGEST_ACCOUNT = 128
_FIRST_DAY = "2026-01-01T00:00:00Z"


def _moment(given: str) -> str:
    try:
        TypeAdapter(Timestamp).validate_python(given)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from None
    return given


def generate(
    family: FamilyName,
    *,
    count: Annotated[int, typer.Option(min=1, help="How many: accounting records (device), sessions (store, widget).")],
    seed: Annotated[int, typer.Option(help="Which data: the same seed gives the same, everywhere.")] = 0,
    account: Annotated[
        str | None, typer.Option(help="Whose sessions they are; without, the demonstration account's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What it writes is JSON in any case.")] = False,  # noqa: ARG001
    begin: Annotated[str, typer.Option("--from", callback=_moment, help="When it all begins (RFC 3339).")] = _FIRST_DAY,
) -> None:
    """Made-up events of a family on standard output, as JSON Lines that `import` takes."""
    if find_spec(f"functions.{family}.generated") is None:
        raise OperationError(f"{family} takes no events: its callers make its sessions.")
    generated: Any = import_module(f"functions.{family}.generated")
    if account is not None and not (0 < len(account) <= _LONGEST_ACCOUNT and account.isprintable()):
        raise typer.BadParameter(f"1 to {_LONGEST_ACCOUNT} characters that print.", param_hint="--account")
    first: datetime = TypeAdapter(Timestamp).validate_python(begin)
    whose = import_module(f"functions.{family}.demonstration").ACCOUNT if account is None else account
    try:
        for event in generated.events(whose, count=count, seed=seed, begin=first):
            sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")
        sys.stdout.flush()
    except OverflowError:
        raise OperationError(f"The calendar ends before {begin} and as many as that.") from None
