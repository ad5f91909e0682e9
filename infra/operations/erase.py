"""`sessionctl erase`: everything of one person, and nothing of it back."""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated, Any

import typer

from infra.operations import output, queues
from infra.operations.deployment import LOCAL, Deployed, Deployment
from infra.operations.errors import NotFoundError, OperationError
from infra.operations.operation import FamilyName, Yes, operation
from infra.operations.reading import Reading
from sessions import accounts, clock, dynamodb, erasures
from sessions.dynamodb import ConditionFailedError
from sessions.erasures import Person, Trace

LETTERS = "dead letters"

_AT_ONCE = 16
_MARGIN = 2  # seconds beyond a recorder's time-out
_INDEX_LAG = 1.0  # seconds, until what was written stands in the indexes; they say "eventually"
_POLL = 0.5
_TELL = 10.0


@operation
def erase(
    deployment: Deployment,
    family: FamilyName,
    person: Annotated[
        str,
        typer.Argument(
            metavar="PERSON",
            help="widget: a user's id; store: a customer's; knowledge: a customer's; device: an ICCID. "
            "- reads it from standard input, so that no shell remembers it.",
        ),
    ],
    *,
    account: Annotated[
        str | None, typer.Option(help="The account whose user or customer it is: widget and store need one.")
    ] = None,
    wait_seconds: Annotated[
        int, typer.Option(min=0, help="How long to wait for the events that are in the queue.")
    ] = 60,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look what there is.")] = False,
    yes: Yes = False,
) -> output.Found:
    """Erases everything of one person. Running it again is safe, and finishes what was interrupted."""
    deployed = deployment.family(family)
    part: Any = import_module(f"functions.{family}.erasure")
    whom = _person(part, account, person)
    found, problems = _look(deployed, part, whom)
    if account is not None and not any(found.values()) and not _exists(family, account):
        raise NotFoundError(f"{family} has no account {account}, and nothing of such a person.")
    for problem in problems:
        output.tell(problem)
    if dry_run:
        return _result(family, account, found)
    if not yes:
        output.tell("Found: " + ", ".join(f"{count} {kind}" for kind, count in found.items()) + ".")
        output.ask("Erase this person, for good?")
    if deployed.queue_url is None or deployed.dead_letter_queue_url is None:
        return _result(family, account, found, erased=_deleted(part, whom))

    until = datetime.now(UTC)
    erased = keep_out_and_delete(deployed, part, whom, until, is_local=deployment.name == LOCAL)
    waiting = _wait_until_empty(deployed.queue_url, wait_seconds)
    there, erased[LETTERS], problems = _letters(deployed.dead_letter_queue_url, part, whom, delete=True)
    result = _result(family, account, found, erased=erased, until=until, waiting=waiting)
    if erased[LETTERS] < there:
        problems.append("SQS did not delete some dead letters. Run it again.")
    if waiting:
        problems.append(
            f"About {waiting} events, of whomever, are still in the queue. Those of this person will be ignored as "
            "they come. Run it again to see that done."
        )
    if problems:
        raise OperationError("\n".join(problems), found=result)
    return result


def _person(part: Any, account: str | None, given: str) -> Person:
    if part.HAS_ACCOUNT and not account:
        raise typer.BadParameter("Persons belong to accounts here; give one.", param_hint="--account")
    if account is not None and not part.HAS_ACCOUNT:
        raise typer.BadParameter("Persons belong to no account here.", param_hint="--account")
    person = sys.stdin.readline().rstrip("\r\n") if given == "-" else given
    if not person:
        raise typer.BadParameter("Whom?", param_hint="PERSON")
    try:
        person.encode()
        found: Person = part.person(account, person)
    except UnicodeEncodeError:
        raise typer.BadParameter("This is no Unicode text.", param_hint="PERSON") from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="PERSON") from None
    return found


def _exists(family: str, account: str) -> bool:
    return account.isprintable() and accounts.find_account(family, account) is not None


def _look(deployed: Deployed, part: Any, whom: Person) -> tuple[Counter[str], list[str]]:
    """What there is of the person, by its kind, and what could not be looked at."""
    found = Counter(dict.fromkeys(part.KINDS, 0))
    for page in part.find(whom):
        found.update(trace.kind for trace in page)
    if deployed.dead_letter_queue_url is None:
        return found, []
    found[LETTERS], _, problems = _letters(deployed.dead_letter_queue_url, part, whom, delete=False)
    return found, problems


def keep_out_and_delete(
    deployed: Deployed, part: Any, whom: Person, until: datetime, *, is_local: bool
) -> Counter[str]:
    """Lets nothing of the person in that is not after `until`, and deletes what is there; how much that was.

    In between, whatever recorder looked before that was noted ends, by its time-out at the latest. SQS's counts are
    estimates, up to a minute old: they end the wait only where they are exact, in the embedded AWS.
    """
    erasures.remember(deployed.family.name, whom, until=until)
    seconds = (deployed.family.recorder.timeout if deployed.family.recorder else 0) + _MARGIN
    if is_local and deployed.queue_url is not None:
        _wait_until_empty(deployed.queue_url, seconds)
        return _deleted(part, whom)
    output.tell(f"Waiting {seconds} seconds for what is being recorded.")
    time.sleep(seconds)
    return _deleted(part, whom, lag=_INDEX_LAG)


def _wait_until_empty(queue_url: str, seconds: float) -> int:
    """How many messages are in the queue when this ends: none, unless it took longer than that."""
    now = time.monotonic()
    end, tell = now + seconds, now + _TELL
    while True:
        depth = queues.depth(queue_url)
        there = depth.waiting + depth.held + depth.postponed
        now = time.monotonic()
        if not there or now >= end:
            return there
        if now >= tell:
            output.tell(f"About {there} events are still in the queue.")
            tell = now + _TELL
        time.sleep(min(_POLL, end - now))


def _deleted(part: Any, whom: Person, lag: float = 0.0) -> Counter[str]:
    """Deletes until there is nothing more to be found; how much that was."""
    deleted = Counter(dict.fromkeys(part.KINDS, 0))
    while True:
        time.sleep(lag)
        before = deleted.total()
        for page in part.find(whom):
            deleted.update(_deleted_of(page))
        if deleted.total() == before:
            return deleted


def _deleted_of(traces: Sequence[Trace]) -> Counter[str]:
    """Those of the page that were still the person's, by their kind."""
    deleted: Counter[str] = Counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for trace, is_deleted in zip(traces, pool.map(_delete, traces), strict=True):
            deleted[trace.kind] += is_deleted
    return deleted


def _delete(trace: Trace) -> bool:
    """Whether it was the person's, still."""
    try:
        dynamodb.delete(trace.table, trace.key, trace.condition, **trace.values)
    except ConditionFailedError:
        return False
    return True


def _letters(url: str, part: Any, whom: Person, *, delete: bool) -> tuple[int, int, list[str]]:
    """How many dead letters are the person's, how many of them are deleted, and what could not be looked at."""
    there = deleted = 0
    problems = []
    if held := queues.depth(url).held:
        problems.append(f"About {held} dead letters were not seen: somebody else is reading them. Run it again.")
    with Reading(url) as reading:
        for batch in reading.batches():
            theirs = [letter for letter in batch if concerns(letter.body, part, whom)]
            there += len(theirs)
            deleted += reading.delete(theirs) if delete else 0
    if not reading.is_whole:
        problems.append("There are more dead letters than could be looked at in one go. Run it again.")
    return there, deleted, problems


def concerns(body: str, part: Any, whom: Person) -> bool:
    """Whether a message, sound or not, is about the person: by its members, or else by the id anywhere in it."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    data = event.get("data") if isinstance(event, Mapping) else None
    told: bool | None = part.is_about(data, whom) if isinstance(data, Mapping) else None
    return _token(whom.id).search(body) is not None if told is None else told


def _token(person: str) -> re.Pattern[str]:
    """The id, plain or as JSON escapes it, where it is no part of a longer word, number, address or time of day."""
    number = "0*" if person.isdigit() else ""
    spellings = {re.escape(person), re.escape(json.dumps(person)[1:-1])}
    return re.compile(rf"(?<![\w.@-])(?<!\d:){number}(?:{'|'.join(sorted(spellings))})(?![\w@-])(?![.:]\w)")


def _result(
    family: str,
    account: str | None,
    found: Counter[str],
    *,
    erased: Counter[str] | None = None,
    until: datetime | None = None,
    waiting: int | None = None,
) -> dict[str, Any]:
    """`until` is the moment whose events, and earlier ones, are ignored from now on."""
    return {
        "family": family,
        "account": account,
        "until": until and clock.sortable(until),
        "waiting": waiting,
        "kinds": [
            {"kind": kind, "found": count, "erased": None if erased is None else erased[kind]}
            for kind, count in found.items()
        ],
    }
