"""`sessionctl export`: an account's sessions, in a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from infra.operations import output
from infra.operations.deployment import Deployment
from infra.operations.destination import StandardOutput, whole_file
from infra.operations.errors import NotFoundError
from infra.operations.formats import Csv, Form, JsonLines, Parquet
from infra.operations.operation import FamilyName, operation
from sessions import accounts
from sessions.events import Timestamp
from sessions.export import Export, Selection

_STANDARD_OUTPUT = Path("-")
_TIMES: TypeAdapter[datetime] = TypeAdapter(Timestamp)


class Format(StrEnum):
    """Of the file. Only the first can be imported."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def _instant(text: str) -> datetime:
    try:
        return _TIMES.validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r} is not RFC 3339 with an offset, as 2026-01-31T00:00:00Z is.") from None


_INSTANT: Any = {"parser": _instant, "metavar": "TIME"}


@operation
def export(
    deployment: Deployment,
    family: FamilyName,
    *,
    account: Annotated[str | None, typer.Option(help="Whose sessions. knowledge has no accounts.")] = None,
    since: Annotated[datetime | None, typer.Option(**_INSTANT, help="Sessions of this time and later.")] = None,
    until: Annotated[datetime | None, typer.Option(**_INSTANT, help="Sessions before this time.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="jsonl can be imported again.")] = Format.JSONL,
    path: Annotated[
        Path, typer.Option("--output", allow_dash=True, metavar="PATH", help="A file; - is standard output.")
    ] = _STANDARD_OUTPUT,
    force: Annotated[bool, typer.Option("--force", help="Replace the file, should there be one.")] = False,
    with_ids: Annotated[
        bool, typer.Option("--with-ids", help="knowledge: also the ids, which let in whoever has the file.")
    ] = False,
    for_spreadsheets: Annotated[
        bool, typer.Option("--for-spreadsheets", help="csv: a ' before texts that a spreadsheet would run.")
    ] = False,
) -> output.Found | output.Beside:
    """An account's sessions of some time, to import again, or as one row a session for analysis."""
    deployment.family(family)
    plan: Export = import_module(f"functions.{family}.export").EXPORT
    _check_times(since, until)
    _check_form(plan, format_, path, with_ids=with_ids, for_spreadsheets=for_spreadsheets)
    _check_account(deployment, family, account)
    selection = Selection(account=account, now=datetime.now(UTC), since=since, until=until, with_ids=with_ids)

    def form(out: BinaryIO) -> Form:
        match format_:
            case Format.JSONL:
                return JsonLines(out)
            case Format.CSV:
                return Csv(out, plan.columns, for_spreadsheets=for_spreadsheets)
            case Format.PARQUET:
                return Parquet(out, plan.columns)

    is_piped = path == _STANDARD_OUTPUT
    with nullcontext(StandardOutput()) if is_piped else whole_file(path, force=force) as out:
        counts = _write(plan, selection, form, out, shows_progress=not (is_piped and sys.stdout.isatty()))
    sys.stdout.flush()
    found = {
        "family": family,
        "account": account,
        "output": str(path),
        "sessions": counts.sessions,
        "lines": counts.lines if format_ is Format.JSONL else None,
        "bytes": counts.bytes,
        "seconds": round(counts.seconds, 1),
    }
    return output.Beside(found) if is_piped else found


@dataclass(slots=True)
class _Counts:
    sessions: int = 0
    lines: int = 0
    bytes: int = 0
    seconds: float = 0.0


def _write(
    plan: Export, selection: Selection, form: Callable[[BinaryIO], Form], out: Any, *, shows_progress: bool
) -> _Counts:
    counts = _Counts()
    first = time.monotonic()
    writing = form(out)
    with _progress(shows_progress) as show:
        for exported in plan.read(selection):
            writing.write(exported)
            counts.sessions += exported.row is not None
            counts.lines += len(exported.lines)
            show(counts.sessions)
    writing.close()
    counts.bytes = out.tell()
    counts.seconds = time.monotonic() - first
    return counts


@contextmanager
def _progress(shows: bool) -> Iterator[Callable[[int], None]]:
    """Shows the sessions so far, where standard error is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.completed} sessions"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not (shows and console.is_terminal)) as progress:
        task: TaskID = progress.add_task("", total=None)
        yield lambda sessions: progress.update(task, completed=sessions)


def _check_times(since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and since >= until:
        raise typer.BadParameter("It is not before --until.", param_hint="--since")


def _check_form(plan: Export, format_: Format, path: Path, *, with_ids: bool, for_spreadsheets: bool) -> None:
    if format_ is Format.PARQUET and path == _STANDARD_OUTPUT:
        raise typer.BadParameter("Parquet needs a file.", param_hint="--output")
    if for_spreadsheets and format_ is not Format.CSV:
        raise typer.BadParameter("This goes with --format csv.", param_hint="--for-spreadsheets")
    if with_ids and not plan.ids_are_capabilities:
        raise typer.BadParameter("This family's ids let nobody in: they are there anyway.", param_hint="--with-ids")


def _check_account(deployment: Deployment, family: str, account: str | None) -> None:
    if deployment.family(family).family.authorizer is None:
        if account is not None:
            raise typer.BadParameter(f"{family} is open: it has no accounts.", param_hint="--account")
        return
    if account is None:
        raise typer.BadParameter("Say whose sessions.", param_hint="--account")
    if not (account.isprintable() and accounts.find_account(family, account)):
        raise NotFoundError(f"{family} has no account {account}.")
