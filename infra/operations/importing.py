"""`sessionctl import`: events or sessions from files, all of them looked at before the first is sent."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import boto3
import typer
from pydantic import TypeAdapter, ValidationError

from infra.operations import carrier, output
from infra.operations.checkpoint import Checkpoint, default_path
from infra.operations.deployment import LOCAL, Deployed, Deployment
from infra.operations.import_run import ImportRun, Sending, is_rejects, showing_progress
from infra.operations.lines import JSON_LINES, Input, Reader, event_types, is_form
from infra.operations.operation import FamilyName, operation
from infra.operations.restorer import Restorer, outcomes
from infra.operations.sending import Sender
from sessions import clock
from sessions.events import Timestamp

MOST_WAITING = 10_000
MOST_WAITING_LOCALLY = 200  # the embedded queue slows down with what waits in it


def _time(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        moment: datetime = TypeAdapter(Timestamp).validate_python(given)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from None
    return clock.sortable(moment)


@operation
def import_(
    deployment: Deployment,
    family: FamilyName,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files, gzip or not; - is standard input.")],
    *,
    form: Annotated[
        str, typer.Option("--format", help=f"{JSON_LINES}, or for device radius-detail, as FreeRADIUS writes it.")
    ] = JSON_LINES,
    event_type: Annotated[
        str | None, typer.Option("--type", help="What lines of data alone are; without, the only type that fits.")
    ] = None,
    moment: Annotated[
        str | None,
        typer.Option("--time", callback=_time, help="When lines of data alone happened (RFC 3339); without, now."),
    ] = None,
    iccid_attribute: Annotated[
        str | None, typer.Option(help="radius-detail: the attribute with the ICCID; without, User-Name.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at all lines, and send nothing.")] = False,
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="Send the others all the same.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send what was sent already, too.")] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where it is kept how far this import has come.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where lines that are no events are told of, and why.")
    ] = None,
    most_waiting: Annotated[
        int | None,
        typer.Option(min=1, help=f"Waits where more are in the queue: {MOST_WAITING}, locally {MOST_WAITING_LOCALLY}."),
    ] = None,
) -> output.Found:
    """Sends the events of files to the family's queue, once each. Interrupted, the same command goes on.

    knowledge has no queue: an export's sessions are put back into its table.
    """
    deployed = deployment.family(family)
    _check(family, form, event_type, iccid_attribute)
    if deployed.queue_url is None:
        _check_sessions(family, {"--type": event_type, "--time": moment, "--most-waiting": most_waiting})
    began = clock.sortable(datetime.now(UTC))
    told = {"family": family, "deployment": deployment.name}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        inputs = [Input.of(name, folder) for name in files]
        identity = told | {
            **_target(deployed),
            "options": [form, event_type, moment, iccid_attribute],
            "files": [[one.size, one.digest] for one in inputs],
        }

        def reader(began: str) -> Reader:
            time = moment or began
            return Reader(family, form=form, event_type=event_type, moment=time, iccid_attribute=iccid_attribute)

        path = checkpoint or default_path(identity)
        own = rejects or path.with_name(path.name + ".rejects")
        _check_rejects(own, [*(Path(name) for name in files if name != "-"), path])
        results = outcomes(family) if deployed.queue_url is None else {}
        run = ImportRun(told, inputs, own, stack.enter_context(showing_progress()), results)
        if dry_run:
            run.look(reader(began))
            run.refuse_rejected("nothing was sent")
            return run.found()
        known = stack.enter_context(Checkpoint.opened(path, identity, began))
        if again:
            known.begin_again()
        sending: Sending = partial(Restorer, family)
        if deployed.queue_url is not None:
            usual = MOST_WAITING_LOCALLY if deployment.name == LOCAL else MOST_WAITING
            sending = partial(Sender, deployed.queue_url, most_waiting=most_waiting or usual)
        run.send(known, reader(known.state["began"]), sending, skips_invalid=skip_invalid)
        return run.found()


def _check(family: str, form: str, event_type: str | None, iccid_attribute: str | None) -> None:
    if not is_form(family, form):
        raise typer.BadParameter(f"{family} has no such files.", param_hint="--format")
    types = event_types(family)
    if event_type is not None and types and (event_type not in types or form != JSON_LINES):
        raise typer.BadParameter(f"For {JSON_LINES}, one of {', '.join(types)}.", param_hint="--type")
    if iccid_attribute is not None and form == JSON_LINES:
        raise typer.BadParameter("This goes with --format radius-detail.", param_hint="--iccid-attribute")


def _check_rejects(path: Path, others: list[Path]) -> None:
    """It is replaced: so it may be none of what is read, and nothing that is anything else."""
    if os.path.realpath(path) in map(os.path.realpath, others) or not is_rejects(path):
        raise typer.BadParameter(f"{path} is something else, and would be replaced.", param_hint="--rejects")


def _check_sessions(family: str, given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise typer.BadParameter(f"{family} takes no events, but sessions.", param_hint=option)


def _target(deployed: Deployed) -> dict[str, Any]:
    """Where it all goes, in the words of its checkpoint."""
    if deployed.queue_url is not None:
        return {"queue": deployed.queue_url, "queue_made": _made(deployed.queue_url)}
    return {"tables": {table.physical_name: carrier.made(table) for table in deployed.family.tables}}


def _made(url: str) -> str:
    """When the queue was made: one that was made anew has nothing of what was sent to the other."""
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["CreatedTimestamp"])
    return answer["Attributes"]["CreatedTimestamp"]
