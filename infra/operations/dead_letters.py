"""`sessionctl dead-letters`: events that could not be recorded, and why."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

import boto3
import typer

from infra.operations import output, queues
from infra.operations.deployment import Deployment
from infra.operations.errors import NotFoundError, OperationError
from infra.operations.operation import FamilyName, Yes, operation
from infra.operations.reading import Letter, Reading
from infra.operations.sending import batches
from infra.settings import QUEUE_MESSAGE_BYTES
from sessions import clock

app = typer.Typer(no_args_is_help=True, help="Dead letters: events that could not be recorded, and why.")

_LONGEST_NAME = 256  # of an event's id: see docs/events.md

MessageId = Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="The message's id, as `list` shows it.")]
MessageIds = Annotated[
    list[str] | None, typer.Argument(metavar="MESSAGE_ID", help="Messages' ids, as `list` shows them.")
]
All = Annotated[bool, typer.Option("--all", help="All that are there now.")]
ReasonContains = Annotated[
    str | None, typer.Option(metavar="TEXT", help="With --all: only those whose reason has this text.")
]


@app.command("list", epilog="\b\nExample: sessionctl dead-letters list device --local")
@operation
def list_(
    deployment: Deployment,
    family: FamilyName,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
) -> output.Found:
    """What was refused, oldest first, and why. All of it stays; of an event only its type and id are shown."""
    url, _ = _queues(deployment, family)
    depth = queues.depth(url)
    found: list[dict[str, Any]] = []
    with Reading(url) as reading:
        for batch in reading.batches():
            found += [_described(letter) for letter in batch]
            if len(found) > limit:
                break
    if len(found) > limit or not reading.is_whole:
        output.tell(f"There are more: about {depth.waiting + depth.held} in all. See --limit.")
    if depth.held:
        output.tell(f"About {depth.held} are not shown: somebody else is reading them.")
    return sorted(found[:limit], key=lambda one: (one["sent"], one["message_id"]))


@app.command(epilog="\b\nExample: sessionctl dead-letters show device 0b5c1f4e-8f1a-4a50-9d0f-6f3c2b1a0e9d")
@operation
def show(deployment: Deployment, family: FamilyName, message_id: MessageId) -> output.Found:
    """One of them with its body, which may be personal. It stays."""
    url, _ = _queues(deployment, family)
    with Reading(url) as reading:
        for letter in (one for batch in reading.batches() for one in batch):
            if letter.id == message_id:
                return _described(letter) | {"body": letter.body}
    raise NotFoundError(_missing(family, [message_id], reading))


@app.command(epilog="\b\nExample: sessionctl dead-letters replay device --all --reason-contains 'not registered'")
@operation
def replay(
    deployment: Deployment,
    family: FamilyName,
    message_ids: MessageIds = None,
    *,
    all_: All = False,
    reason_contains: ReasonContains = None,
    yes: Yes = False,
) -> output.Found:
    """Sends the events to the family's queue again, as they were. What is refused again comes back with a reason."""
    url, queue_url = _queues(deployment, family)
    wanted = _Wanted(message_ids, all_, reason_contains)
    if not yes:
        output.ask(f"Replay {wanted.name(url)} of {family}?")
    return _settle(family, url, wanted, "replayed", lambda letters: _send(queue_url, letters))


@app.command(epilog="\b\nExample: sessionctl dead-letters drop device 0b5c1f4e-8f1a-4a50-9d0f-6f3c2b1a0e9d --yes")
@operation
def drop(
    deployment: Deployment,
    family: FamilyName,
    message_ids: MessageIds = None,
    *,
    all_: All = False,
    reason_contains: ReasonContains = None,
    yes: Yes = False,
) -> output.Found:
    """Deletes dead letters. There is no way back."""
    url, _ = _queues(deployment, family)
    wanted = _Wanted(message_ids, all_, reason_contains)
    if not yes:
        output.ask(f"Delete {wanted.name(url)} of {family}, for good?")
    return _settle(family, url, wanted, "dropped", lambda letters: letters)


class _Wanted:
    """Which letters a command is about: those named, or all that were sent before it began."""

    def __init__(self, message_ids: list[str] | None, all_: bool, reason_contains: str | None) -> None:
        if bool(message_ids) == all_:
            raise typer.BadParameter("Name messages by their ids, or give --all.", param_hint="MESSAGE_ID")
        if reason_contains is not None and not all_:
            raise typer.BadParameter("This goes with --all.", param_hint="--reason-contains")
        self.ids = frozenset(message_ids or ())
        self.text = reason_contains

    def name(self, url: str) -> str:
        if self.ids:
            return f"{len(self.ids)} dead letters"
        depth = queues.depth(url)
        those = "all dead letters" if self.text is None else f"the dead letters whose reason has {self.text!r}"
        return f"{those} (about {depth.waiting + depth.held} in all)"

    def has(self, letter: Letter, before: int) -> bool:
        if self.ids:
            return letter.id in self.ids
        # What a replay brings back is for the next one: its event would be sent round and round.
        return letter.sent < before and (self.text or "") in (letter.reason or "")


def _settle(
    family: str, url: str, wanted: _Wanted, verb: str, take: Callable[[Sequence[Letter]], Sequence[Letter]]
) -> output.Found:
    """Deletes the letters that `take` is done with; counts."""
    done = failed = 0
    missing = set(wanted.ids)
    before = _now(url)
    with Reading(url) as reading:
        for batch in reading.batches():
            chosen = [letter for letter in batch if wanted.has(letter, before)]
            deleted = reading.delete(take(chosen))
            done += deleted
            failed += len(chosen) - deleted
            missing -= {letter.id for letter in chosen}
            if wanted.ids and not missing:
                break
    found = {"family": family, verb: done, "failed": failed, "not_found": sorted(missing)}
    if missing:
        raise NotFoundError(_missing(family, sorted(missing), reading), found=found)
    if failed:
        raise OperationError("SQS did not take or not delete some. They are there still; try again.", found=found)
    if not wanted.ids and not reading.is_whole:
        raise OperationError("There are more than could be looked at in one go; run it again.", found=found)
    return found


def _send(queue_url: str, letters: Sequence[Letter]) -> list[Letter]:
    """Those that the queue has taken; none that are too large for it, as no event that came by it is."""
    client = boto3.client("sqs")
    taken: list[Letter] = []
    for batch in batches(one for one in letters if len(one.body.encode()) <= QUEUE_MESSAGE_BYTES):
        entries: Any = [{"Id": str(number), "MessageBody": letter.body} for number, letter in enumerate(batch)]
        answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        taken += [batch[int(one["Id"])] for one in answer.get("Successful", ())]
    return taken


def _queues(deployment: Deployment, family: str) -> tuple[str, str]:
    """The dead-letter queue and the queue."""
    found = deployment.family(family)
    if found.dead_letter_queue_url is None or found.queue_url is None:
        raise OperationError(f"{family} has no queue, and so no dead letters.")
    return found.dead_letter_queue_url, found.queue_url


def _now(url: str) -> int:
    """What SQS, which dates messages, has for the end of this second, in milliseconds; else this machine's time."""
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return int((parsedate_to_datetime(told).timestamp() + 1 if told else time.time()) * 1000)


def _described(letter: Letter) -> dict[str, Any]:
    event_type, event_id = _event(letter.body)
    return {
        "message_id": letter.id,
        "reason": letter.reason,
        "event_type": event_type,
        "event_id": event_id,
        "sent": clock.sortable(datetime.fromtimestamp(letter.sent / 1000, UTC)),
        "received": letter.received,
    }


def _event(body: str) -> tuple[str | None, str | None]:
    """The event's type and id, as far as it is one."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(event, dict):
        return None, None
    kind, name = (
        value if isinstance(value := event.get(member), str) and len(value) <= _LONGEST_NAME else None
        for member in ("type", "id")
    )
    return kind, name


def _missing(family: str, message_ids: Sequence[str], reading: Reading) -> str:
    named = f"{family} has no dead letter {', '.join(message_ids)}"
    return f"{named}, or somebody else is reading it." if reading.is_whole else f"{named} among those looked at."
